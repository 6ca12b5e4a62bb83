import { decoded } from './attempts.js';
import { capabilitiesIn } from './capabilities.js';
import {
  CAPABILITY_SETS,
  type CapabilitySet,
  type Cgroup,
  type FourIds,
  type IdRange,
  type Ids,
  type Rlimit,
  type Seccomp,
  type Terminal,
} from './inspection.js';

/** Files of /proc/PID, read: proc(5). Each function takes the text of one, a character for each byte. */

/** What /proc/PID/status has of a process. */
export interface Status {
  readonly pids: readonly number[] | null;
  readonly ids: Pick<Ids, 'uid' | 'gid' | 'groups'> | null;
  readonly capabilities: Readonly<Record<CapabilitySet, readonly (string | number)[]>> | null;
  readonly noNewPrivileges: boolean | null;
  readonly seccomp: Seccomp | null;
}

export function parseStatus(text: string): Status {
  const lines = new Map(
    text.split('\n').map(line => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon), line.slice(colon + 1).trim()] as const;
    }),
  );
  const numbers = (name: string) => lines.get(name)?.split(/\s+/).filter(Boolean).map(Number);
  const uid = fourIds(numbers('Uid'));
  const gid = fourIds(numbers('Gid'));
  const noNewPrivileges = lines.get('NoNewPrivs');
  return {
    pids: numbers('NSpid') ?? null,
    ids: uid === null || gid === null ? null : { uid, gid, groups: numbers('Groups') ?? [] },
    capabilities: capabilitySets(lines),
    noNewPrivileges: noNewPrivileges === undefined ? null : noNewPrivileges !== '0',
    seccomp: seccompOf(lines),
  };
}

function fourIds(ids: readonly number[] = []): FourIds | null {
  const [real, effective, saved, filesystem] = ids;
  if (real === undefined || effective === undefined || saved === undefined || filesystem === undefined) return null;
  return { real, effective, saved, filesystem };
}

const MASKS = {
  inheritable: 'CapInh',
  permitted: 'CapPrm',
  effective: 'CapEff',
  bounding: 'CapBnd',
  ambient: 'CapAmb',
};

function capabilitySets(lines: ReadonlyMap<string, string>): Status['capabilities'] {
  const of = (set: CapabilitySet) => capabilitiesIn(lines.get(MASKS[set]) ?? '0');
  if (CAPABILITY_SETS.some(set => !lines.has(MASKS[set]))) return null;
  return {
    inheritable: of('inheritable'),
    permitted: of('permitted'),
    effective: of('effective'),
    bounding: of('bounding'),
    ambient: of('ambient'),
  };
}

const SECCOMP_MODES = ['none', 'strict', 'filter'] as const;

function seccompOf(lines: ReadonlyMap<string, string>): Seccomp | null {
  const mode = lines.get('Seccomp');
  const filters = lines.get('Seccomp_filters');
  if (mode === undefined) return null;
  return { mode: SECCOMP_MODES[Number(mode)] ?? Number(mode), filters: filters === undefined ? null : Number(filters) };
}

/** @param text /proc/PID/uid_map or gid_map. */
export const idMap = (text: string): readonly IdRange[] =>
  text.split('\n').flatMap(line => {
    const [inside, outside, count] = line.trim().split(/\s+/).map(Number);
    return inside === undefined || outside === undefined || count === undefined ? [] : [{ inside, outside, count }];
  });

/** @param text /proc/PID/cgroup: cgroups(7). */
export const cgroupsOf = (text: string): readonly Cgroup[] =>
  text.split('\n').flatMap(line => {
    const [, hierarchy, list = '', path = ''] = /^(\d+):([^:]*):(.*)$/s.exec(line) ?? [];
    if (hierarchy === undefined) return [];
    const words = list.split(',').filter(Boolean);
    const name = words.find(word => word.startsWith('name='));
    return [
      {
        hierarchy: Number(hierarchy),
        controllers: words.filter(word => word !== name),
        name: name === undefined ? null : decoded(name.slice('name='.length)),
        path: decoded(path),
      },
    ];
  });

/** @param text /proc/PID/cmdline. */
export const commandOf = (text: string): readonly string[] | null =>
  text === '' ? null : text.replace(/\0$/, '').split('\0').map(decoded);

const RLIMITS: Readonly<Record<string, string>> = {
  'cpu time': 'RLIMIT_CPU',
  'file size': 'RLIMIT_FSIZE',
  'data size': 'RLIMIT_DATA',
  'stack size': 'RLIMIT_STACK',
  'core file size': 'RLIMIT_CORE',
  'resident set': 'RLIMIT_RSS',
  processes: 'RLIMIT_NPROC',
  'open files': 'RLIMIT_NOFILE',
  'locked memory': 'RLIMIT_MEMLOCK',
  'address space': 'RLIMIT_AS',
  'file locks': 'RLIMIT_LOCKS',
  'pending signals': 'RLIMIT_SIGPENDING',
  'msgqueue size': 'RLIMIT_MSGQUEUE',
  'nice priority': 'RLIMIT_NICE',
  'realtime priority': 'RLIMIT_RTPRIO',
  'realtime timeout': 'RLIMIT_RTTIME',
};

/** @param text /proc/PID/limits. */
export const rlimitsOf = (text: string): readonly Rlimit[] =>
  text.split('\n').flatMap(line => {
    const [, name, soft = '', hard = '', unit] =
      /^Max (.+?) +(unlimited|\d+) +(unlimited|\d+)(?: +(\S+))? *$/.exec(line) ?? [];
    if (name === undefined) return [];
    return [{ name: RLIMITS[name] ?? name, soft: limitOf(soft), hard: limitOf(hard), unit: unit ?? null }];
  });

const limitOf = (text: string): number | string => (Number.isSafeInteger(Number(text)) ? Number(text) : text);

/** @param device as stat(2) has it: makedev(3). */
export function terminalOf(device: number): Terminal | null {
  if (device === 0) return null;
  const major = (device >>> 8) & 0xfff;
  const minor = (device & 0xff) | ((device >>> 12) & 0xfff00);
  return { device: `${major}:${minor}`, name: terminalName(major, minor) };
}

/** Documentation/admin-guide/devices.txt of the kernel. */
function terminalName(major: number, minor: number): string | null {
  if (major >= 136 && major <= 143) return `pts/${(major - 136) * 256 + minor}`;
  if (major === 4) return minor < 64 ? `tty${minor}` : `ttyS${minor - 64}`;
  if (major === 5 && minor === 1) return 'console';
  return null;
}
