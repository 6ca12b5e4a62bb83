import type { AbsolutePath } from '../../box/values.js';
import { MS } from '../../linux/constants.js';
import { attach, createMount } from '../../linux/mount-calls.js';
import { openMountPoint } from '../../linux/open-path.js';
import { flags, NULL, type Result, string } from '../../linux/system-call.js';
import type { OperationKind } from '../operation.js';

/** Mounts a procfs that shows the pid namespace of the process that mounts it: proc(5), pid_namespaces(7). */
export interface MountProc {
  readonly kind: 'mount-proc';
  /** Undefined: on the /proc of the host's tree, as the box has it. */
  readonly rootfs: AbsolutePath | undefined;
}

export const mountProc: OperationKind<MountProc> = {
  describe: ({ rootfs }) => (rootfs === undefined ? 'mount proc on /proc' : 'mount proc on /proc of the rootfs'),

  systemCalls({ rootfs }, caller) {
    if (rootfs === undefined) {
      const attributes = flags(MS, 'MS_NOSUID', 'MS_NODEV', 'MS_NOEXEC');
      return [{ name: 'mount', arguments: [string('proc'), string('/proc'), string('proc'), attributes, NULL] }];
    }
    const mount: Result = { of: 'mount of proc' };
    const place: Result = { of: 'open /proc' };
    return [
      ...createMount('proc', {}, ['MOUNT_ATTR_NOSUID', 'MOUNT_ATTR_NODEV', 'MOUNT_ATTR_NOEXEC'], mount),
      ...openMountPoint(caller.rootfs, '/proc', 'directory', place),
      attach(mount, place),
    ];
  },
};
