import { describeFlags, type FileSystemPlace, mountFileSystem } from '../file-system.js';
import type { OperationKind } from '../operation.js';

/** Mounts the POSIX message queues of the ipc namespace: mq_overview(7). */
export interface MountMqueue extends FileSystemPlace {
  readonly kind: 'mount-mqueue';
}

export const mountMqueue: OperationKind<MountMqueue> = {
  describe: ({ destination, flags }) =>
    `mount mqueue on ${JSON.stringify(destination)}${describeFlags(flags, ['nosuid', 'nodev', 'noexec'])}`,

  systemCalls: (operation, caller) => mountFileSystem('mqueue', operation, caller),
};
