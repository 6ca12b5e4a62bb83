import { readFileSync } from 'node:fs';

/** A cgroup hierarchy of this host, as it is mounted below /sys/fs/cgroup: cgroups(7). */
export interface CgroupHierarchy {
  /** Of its directory there; empty: it is mounted on /sys/fs/cgroup itself. */
  readonly name: string;
  readonly type: 'cgroup' | 'cgroup2';
  /** What finds the hierarchy: its controllers, or its name. Of version 2, what the host has switched on. */
  readonly options: Readonly<Record<string, string | true>>;
}

const ROOT = '/sys/fs/cgroup';

/**
 * The hierarchies in the order of the mount table; of version 2 alone, if that is what /sys/fs/cgroup is.
 *
 * @param mountinfo the mount table of the process that will mount them: proc_pid_mountinfo(5).
 */
export function cgroupHierarchies(
  mountinfo = readFileSync('/proc/self/mountinfo', 'utf8'),
): readonly CgroupHierarchy[] {
  const found = new Map<string, CgroupHierarchy>();
  for (const line of mountinfo.split('\n')) {
    const [before = '', after = ''] = line.split(' - ');
    const name = nameOf(before.split(' ')[4] ?? '');
    const [type, , options = ''] = after.split(' ');
    if (name === undefined || found.has(name)) continue;
    if (type === 'cgroup' && name !== '') found.set(name, { name, type, options: optionsOf(options, BEHAVIOUR) });
    if (type === 'cgroup2') found.set(name, { name, type, options: optionsOf(options, WRITABLE) });
  }
  const unified = found.get('');
  return unified === undefined ? [...found.values()] : [unified];
}

function nameOf(point: string): string | undefined {
  if (point === ROOT) return '';
  if (!point.startsWith(`${ROOT}/`)) return undefined;
  const name = point.slice(ROOT.length + 1);
  return name.includes('/') ? undefined : name.replace(/\\([0-7]{3})/g, (_, digits) => character(digits));
}

const character = (digits: string) => String.fromCharCode(Number.parseInt(digits, 8));

/** The affair of each mount. */
const WRITABLE = ['rw', 'ro'];

/** Options that say how a hierarchy of version 1 behaves, not which it is; a later mount cannot change them. */
const BEHAVIOUR = [...WRITABLE, 'clone_children', 'cpuset_v2_mode', 'favordynmods', 'noprefix', 'xattr'];

/**
 * Of version 2 the behaviour is given again: mounted from the first cgroup namespace, it would be reset for the whole
 * host (apply_cgroup_root_flags in kernel/cgroup/cgroup.c).
 */
function optionsOf(superblock: string, dropped: readonly string[]): CgroupHierarchy['options'] {
  const options = superblock.split(',').filter(option => !dropped.includes(option) && !/^release_agent=/.test(option));
  return Object.fromEntries(
    options.map(option => {
      const equals = option.indexOf('=');
      return equals < 0 ? [option, true] : [option.slice(0, equals), option.slice(equals + 1)];
    }),
  );
}
