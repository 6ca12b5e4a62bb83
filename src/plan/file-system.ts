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
  /** It is the one that stays to be seen there. */
  readonly kernelPlace?: KernelPlace;
}

/**
 * Where a box has a proc or sysfs of its own. What is looked up below these descriptors is in that mount, whatever the
 * owner of the rootfs puts in its place meanwhile.
 */
export const KERNEL_MOUNTS = {
  '/proc': { type: 'proc', mount: { of: 'mount of proc' } },
  '/sys': { type: 'sysfs', mount: { of: 'mount of sysfs' } },
} as const satisfies Record<string, { type: FileSystemMount['type']; mount: Result }>;

export type KernelPlace = keyof typeof KERNEL_MOUNTS;

/** What a path that is to be covered is looked up in, and what is left of it there. */
export function lookUpIn(
  path: string,
  {
    rootfs,
    kernelPlaces,
  }: { readonly rootfs: AbsolutePath | undefined; readonly kernelPlaces: readonly KernelPlace[] },
  caller: Caller,
): readonly [root: Result | undefined, path: string] {
  for (const place of kernelPlaces) {
    const rest = restIn(path, place);
    if (rest !== undefined) return [KERNEL_MOUNTS[place].mount, rest];
  }
  return [rootfs && caller.rootfs, path];
}

/** Undefined: the path is not below, or by `..` might not be. */
export function restIn(path: string, place: KernelPlace): string | undefined {
  return path.startsWith(`${place}/`) && !path.split('/').includes('..') ? path.slice(place.length) : undefined;
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
  { destination, flags, parameters, rootfs, kernelPlace }: FileSystemPlace,
  caller: Caller,
  mount: Result = kernelPlace === undefined ? { of: `mount of ${type}` } : KERNEL_MOUNTS[kernelPlace].mount,
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
