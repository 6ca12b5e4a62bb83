import { PR_SET_PDEATHSIG, SIGNALS } from '../../linux/constants.js';
import { pollIn } from '../../linux/poll.js';
import { type SystemCall, symbol } from '../../linux/system-call.js';
import type { OperationKind } from '../operation.js';

/** Ties the life of the box to that of nsgen: whatever ends it, SIGKILL included, ends the box. */
export interface ParentDeathSignal {
  readonly kind: 'parent-death-signal';
}

export const parentDeathSignal: OperationKind<ParentDeathSignal> = {
  describe: () => 'be killed (SIGKILL) when whoever started it ends',

  systemCalls(_operation, { pidfd }) {
    const setSignal: SystemCall = {
      name: 'prctl',
      arguments: [symbol('PR_SET_PDEATHSIG', PR_SET_PDEATHSIG), symbol('SIGKILL', SIGNALS.SIGKILL)],
    };
    // A caller that died before the prctl sends nothing any more. getppid(2) is 0 in a new pid namespace either way;
    // a pidfd is readable once its process has ended.
    return [setSignal, { ...pollIn(pidfd, 'pidfd of nsgen'), zeroOrExit: true }];
  },
};
