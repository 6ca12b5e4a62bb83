import type { RootChange } from '../../box/box.js';
import type { AbsolutePath } from '../../box/values.js';
import { AT, W_OK } from '../../linux/constants.js';
import { attach, cloneTreeOf, makeAloneWritable, makeReadOnly } from '../../linux/mount-calls.js';
import { openPath } from '../../linux/open-path.js';
import { flags, type Result, resultOf, type SystemCall, string, symbol } from '../../linux/system-call.js';
import type { OperationKind } from '../operation.js';

/** Takes hold of the rootfs. pivot_root(2) wants a mount point, so for it the directory is mounted on itself. */
export interface OpenRootfs {
  readonly kind: 'open-rootfs';
  readonly path: AbsolutePath;
  readonly change: RootChange;
  readonly readOnly: boolean;
}

export const openRootfs: OperationKind<OpenRootfs> = {
  describe: ({ path, change }) =>
    change === 'pivot_root' ? `mount ${JSON.stringify(path)} on itself` : `open ${JSON.stringify(path)}`,

  /** The path is followed once, by openat(2): nobody can lead the mount elsewhere by changing it in between. */
  systemCalls({ path, change, readOnly }, { rootfs }) {
    if (change === 'chroot') return [openPath(path, rootfs)];
    const place: Result = { of: `open ${path}` };
    return [
      openPath(path, place),
      cloneTreeOf(place, rootfs),
      ...(readOnly ? makeSubmountsReadOnly(rootfs, place) : []),
      attach(rootfs, place),
    ];
  },
};

/**
 * What is mounted below the rootfs on the host becomes read-only here, before the box adds mounts of its own; the root
 * itself at the end, because mount points may have to be made in it. If it was not writable before, it stays so.
 */
function makeSubmountsReadOnly(rootfs: Result, place: Result): readonly SystemCall[] {
  return [
    makeReadOnly(rootfs),
    {
      name: 'faccessat2',
      arguments: [resultOf(place), string(''), symbol('W_OK', W_OK), flags(AT, 'AT_EMPTY_PATH')],
      tolerate: ['EROFS', 'EACCES'],
      onSuccess: [makeAloneWritable(rootfs)],
    },
  ];
}
