import type { AbsolutePath } from '../../box/values.js';
import { makeAloneReadOnly } from '../../linux/mount-calls.js';
import type { OperationKind } from '../operation.js';

/** Makes the root mount read-only, when everything is mounted. What the box has mounted on it stays as it is. */
export interface ReadOnlyRoot {
  readonly kind: 'read-only-root';
  readonly path: AbsolutePath;
}

export const readOnlyRoot: OperationKind<ReadOnlyRoot> = {
  describe: ({ path }) => `make the mount of ${JSON.stringify(path)} read-only`,
  systemCalls: (_operation, { rootfs }) => [makeAloneReadOnly(rootfs)],
};
