import { type FileSystemMount, MOUNT_FLAGS, type MountFlag } from '../box/mounts.js';
import type { AbsolutePath } from '../box/values.js';
import type { MountAttribute } from '../linux/mount-calls.js';
import { attach, createMount } from '../linux/mount-calls.js';
import { openMountPoint } from '../linux/open-path.js';
import type { Result, SystemCall } from '../linux/system-call.js';
import type { Caller } from './operation.js';

/** What the operations that mount a file system of the kernel's own have in common. */
export interface FileSystemPlace {
  readonly destination: AbsolutePath;
  readonly flags: readonly MountFlag[];
  /** Options of its own; true: without a value. */
  readonly parameters: FileSystemMount['parameters'];
  /** Undefined: the destination is of the host's tree, as the box has it. */
  readonly rootfs: AbsolutePath | undefined;
}

const ATTRIBUTES: Readonly<Record<MountFlag, MountAttribute>> = {
  ro: 'MOUNT_ATTR_RDONLY',
  nosuid: 'MOUNT_ATTR_NOSUID',
  nodev: 'MOUNT_ATTR_NODEV',
  noexec: 'MOUNT_ATTR_NOEXEC',
};

export const attributesOf = (flags: readonly MountFlag[]): readonly MountAttribute[] =>
  flags.map(flag => ATTRIBUTES[flag]);

/** @param mount what the result of the mount is called, for calls that follow. */
export function mountFileSystem(
  type: string,
  { destination, flags, parameters, rootfs }: FileSystemPlace,
  caller: Caller,
  mount: Result = { of: `mount of ${type}` },
): readonly SystemCall[] {
  const place: Result = { of: `open ${destination}` };
  return [
    ...createMount(type, parameters, attributesOf(flags), mount),
    ...openMountPoint(rootfs && caller.rootfs, destination, 'directory', place),
    attach(mount, place),
  ];
}

/** Options as mount(8) takes them after -o. */
export function mountOptions({ flags, parameters }: Pick<FileSystemPlace, 'flags' | 'parameters'>): string {
  const own = Object.entries(parameters).map(([name, value]) => (value === true ? name : `${name}=${value}`));
  const all = [...flags, ...own];
  return all.length === 0 ? 'rw' : all.join(',');
}

const OPPOSITES: Readonly<Record<MountFlag, string>> = { ro: 'rw', nosuid: 'suid', nodev: 'dev', noexec: 'exec' };

/** What is not as usual, for a line of a plan: `, ro, exec`. */
export function describeFlags(flags: readonly MountFlag[], usual: readonly MountFlag[]): string {
  return MOUNT_FLAGS.filter(flag => flags.includes(flag) !== usual.includes(flag))
    .map(flag => `, ${flags.includes(flag) ? (flag === 'ro' ? 'read-only' : flag) : OPPOSITES[flag]}`)
    .join('');
}
