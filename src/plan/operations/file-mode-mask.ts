import { symbol } from '../../linux/system-call.js';
import type { OperationKind } from '../operation.js';

/** Sets umask(2), so that the same box makes the same files whoever starts it. */
export interface FileModeMask {
  readonly kind: 'file-mode-mask';
  readonly mask: number;
}

/** As umask(1) prints it. */
export const octalMask = (mask: number): string => mask.toString(8).padStart(4, '0');

export const fileModeMask: OperationKind<FileModeMask> = {
  describe: ({ mask }) => `set the file mode mask to ${octalMask(mask)}`,
  systemCalls: ({ mask }) => [{ name: 'umask', arguments: [symbol(`0${mask.toString(8)}`, mask)] }],
};
