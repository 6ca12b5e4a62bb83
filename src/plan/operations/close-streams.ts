import { integer } from '../../linux/system-call.js';
import type { OperationKind } from '../operation.js';

/** Closes 0, 1 and 2: whose process says and reads nothing lets nobody else in by them, through /proc/PID/fd. */
export interface CloseStreams {
  readonly kind: 'close-streams';
}

export const closeStreams: OperationKind<CloseStreams> = {
  describe: () => 'close stdin, stdout and stderr',
  systemCalls: () => [{ name: 'close_range', arguments: [integer(0), integer(2), integer(0)] }],
};
