import { LIFE_DESCRIPTOR } from '../../init/elf.js';
import { F_SETFD } from '../../linux/constants.js';
import { integer, type SystemCall, symbol } from '../../linux/system-call.js';
import type { OperationKind } from '../operation.js';

/** Closes everything above 2, whoever opened it: a descriptor of a host directory is a way out of any root. */
export interface CloseDescriptors {
  readonly kind: 'close-descriptors';
  /** Descriptor 3 is that of the file life, for the init. */
  readonly life: boolean;
}

export const closeDescriptors: OperationKind<CloseDescriptors> = {
  describe: ({ life }) => `close every other descriptor${life ? ', but for life, which is 3' : ''}`,

  systemCalls({ life }, caller) {
    if (!life) return [closeFrom(3)];
    const descriptor = caller.life?.descriptor ?? -1;
    const move: SystemCall = { name: 'dup3', arguments: [integer(descriptor), integer(LIFE_DESCRIPTOR), integer(0)] };
    const keep: SystemCall = {
      name: 'fcntl',
      arguments: [integer(LIFE_DESCRIPTOR), symbol('F_SETFD', F_SETFD), integer(0)],
    };
    return [descriptor === LIFE_DESCRIPTOR ? keep : move, closeFrom(LIFE_DESCRIPTOR + 1)];
  },
};

const closeFrom = (descriptor: number): SystemCall => ({
  name: 'close_range',
  arguments: [integer(descriptor), symbol('~0U', 0xffff_ffff), integer(0)],
});
