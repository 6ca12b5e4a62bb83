import { describeFlags, type FileSystemPlace, mountFileSystem } from '../file-system.js';
import type { OperationKind } from '../operation.js';

/** Mounts a sysfs, which shows the network devices of the process that mounts it, and everything else of the host: sysfs(5). */
export interface MountSysfs extends FileSystemPlace {
  readonly kind: 'mount-sysfs';
}

export const mountSysfs: OperationKind<MountSysfs> = {
  describe: ({ destination, flags }) =>
    `mount sysfs on ${JSON.stringify(destination)}${describeFlags(flags, ['nosuid', 'nodev', 'noexec'])}`,

  systemCalls: (operation, caller) => mountFileSystem('sysfs', operation, caller),
};
