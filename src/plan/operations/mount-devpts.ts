import { describeFlags, type FileSystemPlace, mountFileSystem } from '../file-system.js';
import type { OperationKind } from '../operation.js';

/** Mounts an empty devpts: its terminals are of the box alone. pts(4) */
export interface MountDevpts extends FileSystemPlace {
  readonly kind: 'mount-devpts';
}

export const mountDevpts: OperationKind<MountDevpts> = {
  describe: ({ destination, flags }) =>
    `mount devpts on ${JSON.stringify(destination)}${describeFlags(flags, ['nosuid', 'noexec'])}`,

  systemCalls: (operation, caller) => mountFileSystem('devpts', operation, caller),
};
