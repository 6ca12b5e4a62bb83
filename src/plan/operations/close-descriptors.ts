import { LIFE_DESCRIPTOR } from '../../init/elf.js';
import { F_SETFD, FD_CLOEXEC, O } from '../../linux/constants.js';
import { flags, integer, type SystemCall, symbol } from '../../linux/system-call.js';
import type { OperationKind } from '../operation.js';
import type { Life } from './record-life.js';

/** Closes everything above 2, whoever opened it: a descriptor of a host directory is a way out of any root. */
export interface CloseDescriptors {
  readonly kind: 'close-descriptors';
  /** Descriptor 3 is that of the file life: for the init, or until the command is executed. */
  readonly life: Life;
}

export const closeDescriptors: OperationKind<CloseDescriptors> = {
  describe: ({ life }) =>
    `close every other descriptor${life === false ? '' : `, but for life, which is 3${life === true ? '' : ', until the command'}`}`,

  systemCalls({ life }, caller) {
    if (life === false) return [closeFrom(3)];
    const descriptor = caller.life?.descriptor ?? -1;
    const closing = life === 'until-command';
    const move: SystemCall = {
      name: 'dup3',
      arguments: [integer(descriptor), integer(LIFE_DESCRIPTOR), closing ? flags(O, 'O_CLOEXEC') : integer(0)],
    };
    const keep: SystemCall = {
      name: 'fcntl',
      arguments: [
        integer(LIFE_DESCRIPTOR),
        symbol('F_SETFD', F_SETFD),
        closing ? symbol('FD_CLOEXEC', FD_CLOEXEC) : integer(0),
      ],
    };
    return [descriptor === LIFE_DESCRIPTOR ? keep : move, closeFrom(LIFE_DESCRIPTOR + 1)];
  },
};

const closeFrom = (descriptor: number): SystemCall => ({
  name: 'close_range',
  arguments: [integer(descriptor), symbol('~0U', 0xffff_ffff), integer(0)],
});
