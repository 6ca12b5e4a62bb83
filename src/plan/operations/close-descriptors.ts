import { F_SETFD, FD_CLOEXEC, O } from '../../linux/constants.js';
import { flags, integer, type SystemCall, symbol } from '../../linux/system-call.js';
import type { Caller, OperationKind } from '../operation.js';
import { placeLauncher } from './open-launcher.js';
import { type Life, lifeDescriptor } from './record-life.js';

/** Closes everything above 2, whoever opened it: a descriptor of a host directory is a way out of any root. */
export interface CloseDescriptors {
  readonly kind: 'close-descriptors';
  /** One is that of the file life: for the init, or until the command is executed. */
  readonly life: Life;
  /** Those of the launcher go where it knows them. */
  readonly launcher?: boolean;
}

export const closeDescriptors: OperationKind<CloseDescriptors> = {
  describe({ life, launcher }) {
    const kept = life === false ? '' : `, but for life, which is ${lifeDescriptor(launcher)}`;
    const how = life === 'until-command' ? ', until the command' : '';
    return `close every other descriptor${kept}${how}${launcher ? ', but for those of the launcher, 3 and 4' : ''}`;
  },

  systemCalls({ life, launcher }, caller) {
    const ownLife = life === false ? [] : [placeLife(life, lifeDescriptor(launcher), caller)];
    const placed = launcher ? placeLauncher() : [];
    // Without life, its place is the first that nobody needs.
    return [...ownLife, ...placed, closeFrom(lifeDescriptor(launcher) + (life === false ? 0 : 1))];
  },
};

/** Whether it is open still after execve(2) depends on who is executed. */
function placeLife(life: Life, target: number, caller: Caller): SystemCall {
  const descriptor = caller.life?.descriptor ?? -1;
  const closing = life === 'until-command';
  if (descriptor === target)
    return {
      name: 'fcntl',
      arguments: [integer(target), symbol('F_SETFD', F_SETFD), closing ? symbol('FD_CLOEXEC', FD_CLOEXEC) : integer(0)],
    };
  return {
    name: 'dup3',
    arguments: [integer(descriptor), integer(target), closing ? flags(O, 'O_CLOEXEC') : integer(0)],
  };
}

const closeFrom = (descriptor: number): SystemCall => ({
  name: 'close_range',
  arguments: [integer(descriptor), symbol('~0U', 0xffff_ffff), integer(0)],
});
