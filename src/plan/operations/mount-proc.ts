import { MS } from '../../linux/constants.js';
import { flags as flagsOf, NULL, string } from '../../linux/system-call.js';
import { describeFlags, type FileSystemPlace, mountFileSystem } from '../file-system.js';
import type { OperationKind } from '../operation.js';

/** Mounts a procfs that shows the pid namespace of the process that mounts it: proc(5), pid_namespaces(7). */
export interface MountProc extends FileSystemPlace {
  readonly kind: 'mount-proc';
}

const MS_FLAGS = { ro: 'MS_RDONLY', nosuid: 'MS_NOSUID', nodev: 'MS_NODEV', noexec: 'MS_NOEXEC' } as const;

export const mountProc: OperationKind<MountProc> = {
  describe({ destination, rootfs, flags }) {
    const place = destination === '/proc' ? destination : JSON.stringify(destination);
    const where = rootfs === undefined ? '' : ' of the rootfs';
    return `mount proc on ${place}${where}${describeFlags(flags, ['nosuid', 'nodev', 'noexec'])}`;
  },

  systemCalls(operation, caller) {
    const { destination, rootfs, flags } = operation;
    if (rootfs !== undefined || destination !== '/proc') return mountFileSystem('proc', operation, caller);
    // Most boxes have this one, and one call is faster than six.
    const attributes = flagsOf(MS, ...flags.map(flag => MS_FLAGS[flag]));
    return [{ name: 'mount', arguments: [string('proc'), string('/proc'), string('proc'), attributes, NULL] }];
  },
};
