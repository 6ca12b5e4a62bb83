import { type AbsolutePath, absolutePath } from '../../box/values.js';
import { MNT_DETACH } from '../../linux/constants.js';
import { attach, createMount, type MountAttribute } from '../../linux/mount-calls.js';
import { openPath } from '../../linux/open-path.js';
import { type Result, resultOf, string, symbol } from '../../linux/system-call.js';
import type { OperationKind } from '../operation.js';

/** Makes an empty file system the root, and takes the host's tree away: whoever needs no file has none in reach. */
export interface EmptyRoot {
  readonly kind: 'empty-root';
  /** Where it is mounted until it is the root. */
  readonly path: AbsolutePath;
}

/** Every host has it, and nobody looks for anything there. */
export const EMPTY_ROOT_PATH = absolutePath('/proc/fs');

const ATTRIBUTES: readonly MountAttribute[] = [
  'MOUNT_ATTR_RDONLY',
  'MOUNT_ATTR_NOSUID',
  'MOUNT_ATTR_NODEV',
  'MOUNT_ATTR_NOEXEC',
];

export const emptyRoot: OperationKind<EmptyRoot> = {
  describe: () => 'make an empty, read-only file system the root, and drop the old one',

  systemCalls({ path }) {
    const root: Result = { of: 'empty root' };
    const place: Result = { of: `open ${path}` };
    return [
      ...createMount('tmpfs', { mode: '555', nr_inodes: '1' }, ATTRIBUTES, root),
      openPath(path, place),
      attach(root, place),
      { name: 'fchdir', arguments: [resultOf(root)] },
      { name: 'pivot_root', arguments: [string('.'), string('.')] },
      { name: 'umount2', arguments: [string('.'), symbol('MNT_DETACH', MNT_DETACH)] },
    ];
  },
};
