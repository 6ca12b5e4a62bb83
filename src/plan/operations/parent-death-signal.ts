import { POLLIN, PR_SET_PDEATHSIG, SIGNAL_SET_SIZE, SIGNALS } from '../../linux/constants.js';
import { bytes, integer, NULL, type SystemCall, symbol, words } from '../../linux/system-call.js';
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
    const question = Buffer.alloc(8);
    question.writeInt32LE(pidfd, 0);
    question.writeInt16LE(POLLIN, 4);
    const stillAlive: SystemCall = {
      name: 'ppoll',
      arguments: [
        bytes(question, '[{fd=<pidfd of nsgen>, events=POLLIN}]'),
        integer(1),
        bytes(words(0, 0), '{tv_sec=0, tv_nsec=0}'),
        NULL,
        integer(SIGNAL_SET_SIZE),
      ],
      zeroOrExit: true,
    };
    return [setSignal, stillAlive];
  },
};
