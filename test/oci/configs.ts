/** Files config.json as others write them, and parts of them. */

export interface ConfigFile {
  readonly [name: string]: unknown;
}

/** The least that the specification lets a runtime start. */
export const MINIMAL = {
  ociVersion: '1.0.2',
  root: { path: 'rootfs' },
  process: { cwd: '/', args: ['/bin/true'] },
} as const satisfies ConfigFile;

const CAPABILITIES = ['CAP_AUDIT_WRITE', 'CAP_KILL', 'CAP_NET_BIND_SERVICE'];

export const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** What `runc spec` writes, and what engines that are built on runc start from. */
export const SPEC = {
  ociVersion: '1.0.2-dev',
  process: {
    terminal: true,
    user: { uid: 0, gid: 0 },
    args: ['sh'],
    env: [`PATH=${PATH}`, 'TERM=xterm'],
    cwd: '/',
    capabilities: {
      bounding: CAPABILITIES,
      effective: CAPABILITIES,
      permitted: CAPABILITIES,
      ambient: CAPABILITIES,
    },
    rlimits: [{ type: 'RLIMIT_NOFILE', hard: 1024, soft: 1024 }],
    noNewPrivileges: true,
  },
  root: { path: 'rootfs', readonly: true },
  hostname: 'runc',
  mounts: [
    { destination: '/proc', type: 'proc', source: 'proc' },
    {
      destination: '/dev',
      type: 'tmpfs',
      source: 'tmpfs',
      options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
    },
    {
      destination: '/dev/pts',
      type: 'devpts',
      source: 'devpts',
      options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
    },
    {
      destination: '/dev/shm',
      type: 'tmpfs',
      source: 'shm',
      options: ['nosuid', 'noexec', 'nodev', 'mode=1777', 'size=65536k'],
    },
    { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: ['nosuid', 'noexec', 'nodev'] },
    { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', 'ro'] },
    {
      destination: '/sys/fs/cgroup',
      type: 'cgroup',
      source: 'cgroup',
      options: ['nosuid', 'noexec', 'nodev', 'relatime', 'ro'],
    },
  ],
  linux: {
    resources: { devices: [{ allow: false, access: 'rwm' }] },
    namespaces: [{ type: 'pid' }, { type: 'network' }, { type: 'ipc' }, { type: 'uts' }, { type: 'mount' }],
    maskedPaths: [
      ...['/proc/acpi', '/proc/asound', '/proc/kcore', '/proc/keys', '/proc/latency_stats', '/proc/timer_list'],
      ...['/proc/timer_stats', '/proc/sched_debug', '/sys/firmware', '/proc/scsi'],
    ],
    readonlyPaths: ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'],
  },
} as const satisfies ConfigFile;

type Key = string | number;

/** A copy with another value at a place of it; `undefined` takes the place away. */
export function changed(config: unknown, path: readonly Key[], value: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return value;
  if (Array.isArray(config)) {
    const copy: unknown[] = [...config];
    copy[Number(key)] = changed(copy[Number(key)], rest, value);
    return copy.filter(element => element !== undefined);
  }
  const own = Object.entries(typeof config === 'object' && config !== null ? config : {});
  const before = own.find(([name]) => name === String(key))?.[1];
  const after = changed(before, rest, value);
  const others = own.map(([name, old]) => [name, name === String(key) ? after : old] as const);
  const all = own.some(([name]) => name === String(key)) ? others : [...others, [String(key), after] as const];
  return Object.fromEntries(all.filter(([, inner]) => inner !== undefined));
}

/** The paths of all values that have none inside them. */
export function leaves(value: unknown, path: readonly Key[] = []): readonly (readonly Key[])[] {
  if (Array.isArray(value)) return value.flatMap((inner, index) => leaves(inner, [...path, index]));
  if (typeof value !== 'object' || value === null) return [path];
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, [...path, key]));
}

/** SPEC without what is refused: a container as runc makes it, with the capabilities of whoever starts it. */
export const RUNNABLE = {
  ...SPEC,
  process: {
    terminal: false,
    user: { uid: 0, gid: 0, umask: 18 },
    args: SPEC.process.args,
    env: [...SPEC.process.env, 'HOME=/root'],
    cwd: '/',
    rlimits: [],
    noNewPrivileges: false,
  },
  domainname: 'example.org',
  linux: {
    ...SPEC.linux,
    devices: [{ path: '/dev/null', type: 'c', major: 1, minor: 3, fileMode: 438, uid: 0, gid: 0 }],
    namespaces: [...SPEC.linux.namespaces, { type: 'time' }, { type: 'cgroup' }],
    timeOffsets: { monotonic: { secs: 3, nanosecs: 0 }, boottime: { secs: 4 } },
    rootfsPropagation: 'private',
  },
  annotations: { 'org.example.team': 'a team' },
} as const satisfies ConfigFile;
