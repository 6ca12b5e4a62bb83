import type { RootChange } from '../../box/box.js';
import type { AbsolutePath } from '../../box/values.js';
import { attach, cloneTreeOf } from '../../linux/mount-calls.js';
import { openPath } from '../../linux/open-path.js';
import type { Result } from '../../linux/system-call.js';
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

  /** The path is followed once, by openat(2): nobody can lead the mount elsewhere by changing it in between. */
  systemCalls({ path, change }, { rootfs }) {
    if (change === 'chroot') return [openPath(path, rootfs)];
    const place: Result = { of: `open ${path}` };
    return [openPath(path, place), cloneTreeOf(place, rootfs), attach(rootfs, place)];
  },
};
