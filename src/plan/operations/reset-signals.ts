import { SIG_SETMASK, SIGNAL_SET_SIZE } from '../../linux/constants.js';
import { bytes, integer, NULL, type SystemCall, symbol } from '../../linux/system-call.js';
import type { OperationKind } from '../operation.js';

/**
 * Gives every signal its default action and blocks none. CLONE_CLEAR_SIGHAND has done so for those with a handler; what
 * is ignored stays ignored, through execve(2) too, and Node ignores SIGPIPE and SIGXFSZ.
 */
export interface ResetSignals {
  readonly kind: 'reset-signals';
}

const DEFAULT_ACTION = bytes(new Uint8Array(32), '{sa_handler=SIG_DFL, sa_mask=[], sa_flags=0}');
const NO_SIGNALS = bytes(new Uint8Array(SIGNAL_SET_SIZE), '[]');

const reset = (signal: number): SystemCall => ({
  name: 'rt_sigaction',
  arguments: [integer(signal), DEFAULT_ACTION, NULL, integer(SIGNAL_SET_SIZE)],
});
const unblockAll: SystemCall = {
  name: 'rt_sigprocmask',
  arguments: [symbol('SIG_SETMASK', SIG_SETMASK), NO_SIGNALS, NULL, integer(SIGNAL_SET_SIZE)],
};

export const resetSignals: OperationKind<ResetSignals> = {
  describe: () => 'reset the actions of all signals, and block none',
  systemCalls: (_operation, { ignoredSignals }) => [...ignoredSignals.map(reset), unblockAll],
};
