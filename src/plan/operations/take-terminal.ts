import { TTY } from '../../linux/constants.js';
import { flags, integer } from '../../linux/system-call.js';
import type { OperationKind } from '../operation.js';

/** Makes stdin the controlling terminal of the session: its keys send signals to it, and its end SIGHUP. */
export interface TakeTerminal {
  readonly kind: 'take-terminal';
}

export const takeTerminal: OperationKind<TakeTerminal> = {
  describe: () => 'make the terminal that of the session',

  // It must be no other session's: no force, 0.
  systemCalls: () => [{ name: 'ioctl', arguments: [integer(0), flags(TTY, 'TIOCSCTTY'), integer(0)] }],
};
