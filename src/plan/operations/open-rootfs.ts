import type { RootChange } from '../../box/box.js';
import type { AbsolutePath } from '../../box/values.js';
import { attachAt, cloneTree } from '../../linux/mount-calls.js';
import { openPath } from '../../linux/open-path.js';
import type { OperationKind } from '../operation.js';

/** Takes hold of the rootfs. pivot_root(2) wants a mount point, so for it the directory is mounted on itself. */
export interface OpenRootfs {
  readonly kind: 'open-rootfs';
  readonly path: AbsolutePath;
  readonly change: RootChange;
}

export const openRootfs: OperationKind<OpenRootfs> = {
  describe: ({ path, change }) =>
    change === 'pivot_root' ? `mount ${JSON.stringify(path)} on itself` : `open ${JSON.stringify(path)}`,

  systemCalls: ({ path, change }, { rootfs }) =>
    change === 'pivot_root' ? [cloneTree(path, rootfs), attachAt(rootfs, path)] : [openPath(path, rootfs)],
};
