import type { CheckedMount, FileInput, MOUNT_PROPAGATIONS } from './mount-schema.js';
import { type AbsolutePath, isAbsolutePath } from './values.js';

/** What a box mounts and writes, its defaults filled in. */

/** mount(8), the options that any file system takes, in the order in which /proc/PID/mountinfo shows them. */
export const MOUNT_FLAGS = ['ro', 'nosuid', 'nodev', 'noexec'] as const;
export type MountFlag = (typeof MOUNT_FLAGS)[number];
export type MountPropagation = (typeof MOUNT_PROPAGATIONS)[number];

/** A range of ids, as the OCI runtime specification names its parts. */
interface IdRange {
  readonly containerID: number;
  readonly hostID: number;
  readonly size: number;
}

export interface IdMap {
  readonly uids: readonly IdRange[];
  readonly gids: readonly IdRange[];
}

export interface BindMount {
  readonly type: 'bind';
  readonly source: AbsolutePath;
  readonly destination: AbsolutePath;
  /** Added to what the source has. */
  readonly flags: readonly MountFlag[];
  readonly recursive: boolean;
  readonly propagation: MountPropagation | undefined;
  readonly idMap: IdMap | undefined;
}

/** A file system that the kernel makes anew, or shows of itself. */
export interface FileSystemMount {
  readonly type: 'tmpfs' | 'proc' | 'sysfs' | 'mqueue' | 'devpts' | 'cgroup';
  readonly destination: AbsolutePath;
  readonly flags: readonly MountFlag[];
  /** Options of its own, as mount(8) takes them; true: without a value. */
  readonly parameters: Readonly<Record<string, string | true>>;
}

export type Mount = BindMount | FileSystemMount;

export interface Symlink {
  readonly path: AbsolutePath;
  readonly target: string;
}

export interface File {
  readonly path: AbsolutePath;
  readonly content: string;
  readonly mode: string;
}

/**
 * What each type has unless the box says otherwise. What sysfs and cgroup show is the host's own: whoever wants it
 * writable says so.
 */
const DEFAULT_FLAGS: Readonly<Record<Mount['type'], readonly MountFlag[]>> = {
  bind: [],
  tmpfs: ['nosuid', 'nodev'],
  proc: ['nosuid', 'nodev', 'noexec'],
  sysfs: ['ro', 'nosuid', 'nodev', 'noexec'],
  mqueue: ['nosuid', 'nodev', 'noexec'],
  devpts: ['nosuid', 'noexec'],
  cgroup: ['ro', 'nosuid', 'nodev', 'noexec'],
};

export function fillMount(given: CheckedMount): Mount {
  const { type, destination } = given;
  const wishes = { ro: given.readOnly, nosuid: given.nosuid, nodev: given.nodev, noexec: given.noexec };
  const flags = MOUNT_FLAGS.filter(flag => wishes[flag] ?? DEFAULT_FLAGS[type].includes(flag));
  if (type !== 'bind') return { type, destination, flags, parameters: parametersOf(given) };
  const { source, recursive = true, propagation, uidMappings, gidMappings } = given;
  const idMap = uidMappings && gidMappings && { uids: uidMappings, gids: gidMappings };
  return { type, source, destination, flags, recursive, propagation, idMap };
}

function parametersOf(given: Exclude<CheckedMount, { type: 'bind' }>): FileSystemMount['parameters'] {
  switch (given.type) {
    case 'tmpfs': {
      const { mode = '1777', size, nr_inodes } = given;
      return { mode, ...(size === undefined ? {} : { size }), ...(nr_inodes === undefined ? {} : { nr_inodes }) };
    }
    case 'devpts': {
      const { mode = '620', ptmxmode = '666', gid } = given;
      return { newinstance: true, mode, ptmxmode, ...(gid === undefined ? {} : { gid: String(gid) }) };
    }
    default:
      return {};
  }
}

export function fillSymlinks(given: Readonly<Record<string, string>> = {}): readonly Symlink[] {
  return Object.entries(given).flatMap(([path, target]) => (isAbsolutePath(path) ? [{ path, target }] : []));
}

export function fillFiles(given: Readonly<Record<string, FileInput>> = {}): readonly File[] {
  return Object.entries(given).flatMap(([path, file]) => {
    if (!isAbsolutePath(path)) return [];
    const { content, mode = '644' } = typeof file === 'string' ? { content: file } : file;
    return [{ path, content, mode }];
  });
}
