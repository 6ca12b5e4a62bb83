import { describeFlags, type FileSystemPlace, mountFileSystem } from '../file-system.js';
import type { OperationKind } from '../operation.js';

/** Mounts an empty file system in memory: tmpfs(5). */
export interface MountTmpfs extends FileSystemPlace {
  readonly kind: 'mount-tmpfs';
}

export const mountTmpfs: OperationKind<MountTmpfs> = {
  describe({ destination, parameters, flags }) {
    const own = Object.entries(parameters).map(([name, value]) => `, ${name} ${value}`);
    return `mount a tmpfs on ${JSON.stringify(destination)}${own.join('')}${describeFlags(flags, ['nosuid', 'nodev'])}`;
  },

  systemCalls: (operation, caller) => mountFileSystem('tmpfs', operation, caller),
};
