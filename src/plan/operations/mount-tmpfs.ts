import type { AbsolutePath } from '../../box/values.js';
import { attach, createMount } from '../../linux/mount-calls.js';
import { openMountPoint } from '../../linux/open-path.js';
import type { Result } from '../../linux/system-call.js';
import type { OperationKind } from '../operation.js';

/** Mounts an empty file system in memory: tmpfs(5). */
export interface MountTmpfs {
  readonly kind: 'mount-tmpfs';
  readonly destination: AbsolutePath;
  readonly size: string | undefined;
  readonly mode: string;
  readonly rootfs: AbsolutePath | undefined;
}

export const mountTmpfs: OperationKind<MountTmpfs> = {
  describe: ({ destination, size, mode }) =>
    `mount a tmpfs on ${JSON.stringify(destination)}, mode ${mode}${size === undefined ? '' : `, size ${size}`}`,

  systemCalls({ destination, size, mode, rootfs }, caller) {
    const mount: Result = { of: 'mount of tmpfs' };
    const place: Result = { of: `open ${destination}` };
    return [
      ...createMount(
        'tmpfs',
        { mode, ...(size === undefined ? {} : { size }) },
        ['MOUNT_ATTR_NOSUID', 'MOUNT_ATTR_NODEV'],
        mount,
      ),
      ...openMountPoint(rootfs && caller.rootfs, destination, 'directory', place),
      attach(mount, place),
    ];
  },
};
