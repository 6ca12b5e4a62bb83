import { deathSignal } from '../../linux/death-signal.js';
import { pollIn } from '../../linux/poll.js';
import type { OperationKind } from '../operation.js';

/** Ties the life of the box to that of nsgen: whatever ends it, SIGKILL included, ends the box. */
export interface ParentDeathSignal {
  readonly kind: 'parent-death-signal';
}

export const parentDeathSignal: OperationKind<ParentDeathSignal> = {
  describe: () => 'be killed (SIGKILL) when whoever started it ends',

  systemCalls(_operation, { pidfd }) {
    // A caller that died before the prctl sends nothing any more. getppid(2) is 0 in a new pid namespace either way;
    // a pidfd is readable once its process has ended.
    return [deathSignal(), { ...pollIn(pidfd, 'pidfd of nsgen'), zeroOrExit: true }];
  },
};
