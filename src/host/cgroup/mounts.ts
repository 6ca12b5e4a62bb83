import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type AbsolutePath, absolutePath } from '../../box/values.js';

/** A cgroup hierarchy with processes of its own, as this process finds it: cgroups(7). */
export interface Hierarchy {
  readonly version: 1 | 2;
  /** By the names of version 1; of version 2 none: cgroup.controllers says. */
  readonly controllers: readonly string[];
  /** Where it is mounted. */
  readonly top: AbsolutePath;
  /** The directory of the cgroup that the calling process is in, at or below `top`; `top`, if it is not to be seen. */
  readonly own: AbsolutePath;
  readonly readOnly: boolean;
}

export interface Hierarchies {
  readonly mounted: readonly Hierarchy[];
  /** Those of version 1 that the kernel has, and that are mounted nowhere here: by their controllers or name. */
  readonly unmounted: readonly string[];
}

/**
 * The hierarchies that are mounted, from the mount table and the membership of the caller.
 *
 * @param mountinfo /proc/self/mountinfo, proc_pid_mountinfo(5).
 * @param membership /proc/self/cgroup, cgroups(7).
 */
export function hierarchies(
  mountinfo = readFileSync('/proc/self/mountinfo', 'utf8'),
  membership = readFileSync('/proc/self/cgroup', 'utf8'),
): Hierarchies {
  const mounts = cgroupMounts(mountinfo);
  const mounted: Hierarchy[] = [];
  const unmounted: string[] = [];
  for (const line of membership.split('\n')) {
    const [, number = '', list = '', path = ''] = /^(\d+):([^:]*):(.*)$/.exec(line) ?? [];
    if (number === '') continue;
    const version = number === '0' ? 2 : 1;
    const controllers = list === '' ? [] : list.split(',');
    const mount = bestOf(
      mounts.filter(({ version: own, names }) => own === version && controllers.every(name => names.has(name))),
      path,
    );
    if (mount !== undefined) {
      // As `top` is written, for it may be the same.
      const own = absolutePath(join(mount.point, below(path, mount.root) ?? '').replace(/(.)\/$/, '$1'));
      mounted.push({ version, controllers, top: absolutePath(mount.point), own, readOnly: mount.readOnly });
    } else if (version === 1) unmounted.push(list);
  }
  return { mounted, unmounted };
}

/** Every place where a cgroup file system is mounted, whether or not the caller's own cgroup is to be seen there. */
export const cgroupMounts = (mountinfo = readFileSync('/proc/self/mountinfo', 'utf8')): readonly Mount[] =>
  mountinfo.split('\n').flatMap(mountOf);

export interface Mount {
  readonly version: 1 | 2;
  /** The device of its files, as stat(2) has it. */
  readonly device: number;
  readonly root: string;
  readonly point: string;
  readonly readOnly: boolean;
  readonly names: ReadonlySet<string>;
}

function mountOf(line: string): readonly Mount[] {
  const [before = '', after = ''] = line.split(' - ');
  const [type, , superblock = ''] = after.split(' ');
  if (type !== 'cgroup' && type !== 'cgroup2') return [];
  const [, , numbers = '', root = '', point = '', options = ''] = before.split(' ').map(withoutEscapes);
  const version = type === 'cgroup' ? 1 : 2;
  const names = new Set(superblock.split(','));
  const readOnly = names.has('ro') || options.split(',').includes('ro');
  return [{ version, device: deviceOf(numbers), root, point, readOnly, names }];
}

/** major:minor as makedev(3) joins them; a file system without a disk has major 0. */
function deviceOf(numbers: string): number {
  const [major = 0, minor = 0] = numbers.split(':').map(Number);
  return (major & 0xfff) * 0x100 + (minor & 0xff) + (minor >>> 8) * 0x100000;
}

const withoutEscapes = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, digits) => String.fromCharCode(Number.parseInt(digits, 8)));

/** Should there be several: one that shows the caller's own cgroup, and that can be written to; none that is covered. */
function bestOf(mounts: readonly Mount[], path: string): Mount | undefined {
  const score = ({ root, readOnly }: Mount) => (below(path, root) === undefined ? 0 : 2) + (readOnly ? 0 : 1);
  const seen = mounts.filter(({ point }) => existsSync(`${point}/cgroup.procs`));
  const best = Math.max(...seen.map(score));
  return seen.find(mount => score(mount) === best);
}

/** What of a path is below a directory; undefined: it is not, and neither is what lies above a cgroup namespace. */
function below(path: string, directory: string): string | undefined {
  if (path.split('/').includes('..')) return undefined;
  if (directory === '/') return path;
  return path === directory || path.startsWith(`${directory}/`) ? path.slice(directory.length) : undefined;
}
