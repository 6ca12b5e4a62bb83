import type { AbsolutePath } from '../../box/values.js';
import { MNT_DETACH } from '../../linux/constants.js';
import { resultOf, string, symbol } from '../../linux/system-call.js';
import type { OperationKind } from '../operation.js';

/** Makes the rootfs "/" and takes the host's tree out of the box's mount namespace. */
export interface PivotRoot {
  readonly kind: 'pivot-root';
  readonly path: AbsolutePath;
}

export const pivotRoot: OperationKind<PivotRoot> = {
  describe: ({ path }) => `make ${JSON.stringify(path)} the root, and drop the old one`,

  /** With "." for both, the old root lands on top of the new one and "." then means it: pivot_root(2), notes. */
  systemCalls: (_operation, { rootfs }) => [
    { name: 'fchdir', arguments: [resultOf(rootfs)] },
    { name: 'pivot_root', arguments: [string('.'), string('.')] },
    { name: 'umount2', arguments: [string('.'), symbol('MNT_DETACH', MNT_DETACH)] },
  ],
};
