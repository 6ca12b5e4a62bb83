import { LAST_SIGNAL, SIG_SETMASK, SIGNAL_SET_SIZE, SIGNALS } from '../../linux/constants.js';
import { bytes, integer, NULL, type SystemCall, symbol } from '../../linux/system-call.js';
import type { OperationKind } from '../operation.js';

/** Gives every signal its default action and blocks none: Node ignores SIGPIPE and SIGXFSZ, and execve(2) keeps that. */
export interface ResetSignals {
  readonly kind: 'reset-signals';
}

const DEFAULT_ACTION = bytes(new Uint8Array(32), '{sa_handler=SIG_DFL, sa_mask=[], sa_flags=0}');
const NO_SIGNALS = bytes(new Uint8Array(SIGNAL_SET_SIZE), '[]');

const UNCHANGEABLE: readonly number[] = [SIGNALS.SIGKILL, SIGNALS.SIGSTOP];
const resetAll = Array.from({ length: LAST_SIGNAL }, (_, index) => index + 1)
  .filter(signal => !UNCHANGEABLE.includes(signal))
  .map(
    (signal): SystemCall => ({
      name: 'rt_sigaction',
      arguments: [integer(signal), DEFAULT_ACTION, NULL, integer(SIGNAL_SET_SIZE)],
    }),
  );
const unblockAll: SystemCall = {
  name: 'rt_sigprocmask',
  arguments: [symbol('SIG_SETMASK', SIG_SETMASK), NO_SIGNALS, NULL, integer(SIGNAL_SET_SIZE)],
};

export const resetSignals: OperationKind<ResetSignals> = {
  describe: () => 'reset the actions of all signals, and block none',
  systemCalls: () => [...resetAll, unblockAll],
};
