import { LIFE_DESCRIPTOR } from '../../init/elf.js';
import { F_SETFD } from '../../linux/constants.js';
import { LAUNCHER_DESCRIPTOR } from '../../linux/launcher.js';
import { integer, type SystemCall, symbol } from '../../linux/system-call.js';
import type { OperationKind } from '../operation.js';
import { placeLauncher } from './open-launcher.js';

/** Closes everything above 2, whoever opened it: a descriptor of a host directory is a way out of any root. */
export interface CloseDescriptors {
  readonly kind: 'close-descriptors';
  /** Descriptor 3 is that of the file life, for the init. */
  readonly life: boolean;
  /** Those of the launcher: they go where it knows them, or are there already. */
  readonly launcher?: 'opened' | 'placed' | undefined;
}

export const closeDescriptors: OperationKind<CloseDescriptors> = {
  describe: ({ life, launcher }) =>
    `close every other descriptor${life ? ', but for life, which is 3' : ''}${launcher ? ', but for those of the launcher, 3 and 4' : ''}`,

  systemCalls({ life, launcher }, caller) {
    if (launcher !== undefined)
      return [...(launcher === 'opened' ? placeLauncher() : []), closeFrom(LAUNCHER_DESCRIPTOR + 1)];
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
