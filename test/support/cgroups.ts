import { readdirSync, readFileSync } from 'node:fs';

/** Where the cgroups of a process are, read without any of the code that is tested: cgroups(7). */

export interface Cgroup {
  readonly version: 1 | 2;
  readonly directory: string;
}

/** The cgroup of a process in the hierarchy that has a controller, as one finds it in a file system. */
export function cgroupOf(pid: number | 'self', controller: string): Cgroup {
  const memberships = readFileSync(`/proc/${pid}/cgroup`, 'utf8').trimEnd().split('\n');
  const legacy = memberships.find(line => line.split(':')[1]?.split(',').includes(controller));
  const line = legacy ?? memberships.find(other => other.startsWith('0::')) ?? '';
  const path = line.split(':').slice(2).join(':');
  const version = legacy === undefined ? 2 : 1;
  const { root, point } = mountOf(version, controller);
  return { version, directory: `${point}${path.slice(root === '/' ? 0 : root.length)}`.replace(/\/$/, '') };
}

function mountOf(version: 1 | 2, controller: string): { readonly root: string; readonly point: string } {
  for (const line of readFileSync('/proc/self/mountinfo', 'utf8').split('\n')) {
    const [before = '', after = ''] = line.split(' - ');
    const [type, , options = ''] = after.split(' ');
    const isIt = version === 2 ? type === 'cgroup2' : type === 'cgroup' && options.split(',').includes(controller);
    const [, , , root = '/', point = ''] = before.split(' ');
    if (isIt) return { root, point };
  }
  throw new Error(`no cgroup file system with ${controller} is mounted`);
}

export const fileOf = (pid: number | 'self', controller: string, files: Readonly<Record<1 | 2, string>>): string => {
  const { version, directory } = cgroupOf(pid, controller);
  return `${directory}/${files[version]}`;
};

/** A number after its name in a file such as cpu.stat. */
export function numberIn(file: string, name: string): number {
  const value = new RegExp(`^${name} (\\d+)$`, 'm').exec(readFileSync(file, 'utf8'))?.[1];
  if (value === undefined) throw new Error(`${file} has no ${name}`);
  return Number(value);
}

/** Cgroups that were made by these processes, or by any of nsgen's, wherever they are. */
export function nsgenCgroups(makers?: readonly number[]): readonly string[] {
  const owned = makers?.map(pid => `nsgen-${pid}-`);
  return allCgroups('/sys/fs/cgroup').filter(path => {
    const name = path.slice(path.lastIndexOf('/') + 1);
    return owned === undefined ? name.startsWith('nsgen-') : owned.some(start => name.startsWith(start));
  });
}

/** Others come and go while one looks. */
function allCgroups(directory: string): readonly string[] {
  try {
    return readdirSync(directory, { withFileTypes: true })
      .filter(entry => entry.isDirectory())
      .flatMap(({ name }) => [`${directory}/${name}`, ...allCgroups(`${directory}/${name}`)]);
  } catch {
    return [];
  }
}
