import { chownSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** A host as both backends read it: files of /proc, /sys and /mnt, put in the place of the real ones. */

export interface FakeHost {
  readonly mountinfo: readonly string[];
  readonly membership: readonly string[];
  /** /proc/cgroups; null: there is no such file. */
  readonly kernel?: string | null;
  readonly cgroups: readonly FakeCgroup[];
  readonly names?: Readonly<Record<number, string>>;
  readonly userNamespace?: string;
}

export interface FakeCgroup {
  readonly directory: string;
  readonly files: Readonly<Record<string, string>>;
  readonly owner?: number;
}

interface MountOptions {
  readonly root?: string;
  readonly options?: string;
}

const escaped = (path: string): string =>
  path.replace(/[\\ \t\n]/g, character => `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`);

/** A line of mountinfo. */
export const v1Mount = (point: string, names: string, { root = '/', options = 'rw,relatime' }: MountOptions = {}) =>
  `30 25 0:28 ${escaped(root)} ${escaped(point)} ${options} shared:9 - cgroup cgroup rw,${names}`;
export const v2Mount = (point: string, { root = '/', options = 'rw,relatime' }: MountOptions = {}) =>
  `31 25 0:29 ${escaped(root)} ${escaped(point)} ${options} - cgroup2 cgroup2 rw,nsdelegate`;

export const v1 = (directory: string, files: FakeCgroup['files'] = {}): FakeCgroup => ({
  directory,
  files: { 'cgroup.procs': '', tasks: '', ...files },
});

interface Unified {
  readonly has?: string;
  readonly on?: string;
  readonly type?: string | null;
  readonly pids?: readonly number[];
  readonly owner?: number;
}

export const v2 = (directory: string, { has = '', on = '', type = 'domain', pids = [], owner }: Unified = {}) => ({
  directory,
  files: {
    'cgroup.controllers': `${has}\n`,
    'cgroup.subtree_control': `${on}\n`,
    'cgroup.procs': pids.map(pid => `${pid}\n`).join(''),
    ...(type === null ? {} : { 'cgroup.type': `${type}\n` }),
  },
  ...(owner === undefined ? {} : { owner }),
});

/** As of a kernel with all of them. */
const ALL = ['cpuset', 'cpu', 'cpuacct', 'blkio', 'memory', 'devices', 'freezer', 'pids', 'hugetlb'];
export const kernel = (disabled: readonly string[] = [], names = ALL): string =>
  [
    '#subsys_name\thierarchy\tnum_cgroups\tenabled',
    ...names.map(name => `${name}\t0\t1\t${disabled.includes(name) ? 0 : 1}`),
  ]
    .map(line => `${line}\n`)
    .join('');

export function writeHost(tree: string, host: FakeHost): void {
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    writeFileSync(join(tree, path), text);
  };
  for (const directory of ['proc/self/ns', 'sys', 'mnt']) mkdirSync(join(tree, directory), { recursive: true });
  write('proc/self/mountinfo', host.mountinfo.map(line => `${line}\n`).join(''));
  write('proc/self/cgroup', host.membership.map(line => `${line}\n`).join(''));
  if (host.kernel !== null) write('proc/cgroups', host.kernel ?? kernel());
  for (const [pid, name] of Object.entries(host.names ?? {})) write(`proc/${pid}/comm`, `${name}\n`);
  symlinkSync(host.userNamespace ?? 'user:[4026531837]', join(tree, 'proc/self/ns/user'));
  for (const { directory, files, owner } of host.cgroups) {
    for (const [name, text] of Object.entries(files)) write(join(directory, name), text);
    if (owner === undefined) continue;
    for (const name of ['.', ...Object.keys(files)]) chownSync(join(tree, directory, name), owner, owner);
  }
}
