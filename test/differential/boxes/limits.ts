import type { BoxInput } from '../../../src/index.js';
import { all, ends, type NamedBox, type Seen, sees, TRUE } from '../named-box.js';
import { PROGRAMS } from '../place.js';
import { OTHER_FIELDS, otherLimitBoxes } from './other-limits.js';

type Resources = NonNullable<BoxInput['resources']>;

const EVERYTHING: Resources = {
  memory: { limit: '256M', reservation: '64M', swap: '512M' },
  cpu: { shares: 512, quota: 150_000, period: 100_000, burst: 20_000, cpus: '0', mems: '0' },
  pids: { limit: 300 },
};

/** One field of each name there is, and what both versions of cgroups show of it. */
export const FIELDS: Readonly<Record<string, readonly [Resources, RegExp]>> = {
  'memory.limit': [{ memory: { limit: '1.5GiB' } }, /^ {2}(memory\.limit_in_bytes|memory\.max): 1610612736$/m],
  'memory.limit, none': [
    { memory: { limit: -1 } },
    /^ {2}(memory\.limit_in_bytes: 9223372036854771712|memory\.max: max)$/m,
  ],
  'memory.limit, not of whole pages': [
    { memory: { limit: 100_000_001 } },
    // Rounded down to pages, by the kernel.
    /^ {2}(memory\.limit_in_bytes|memory\.max): 99999744$/m,
  ],
  'memory.reservation': [
    { memory: { reservation: '64m' } },
    /^ {2}(memory\.soft_limit_in_bytes|memory\.low): 67108864$/m,
  ],
  'memory.swap': [
    { memory: { limit: '128M', swap: '192M' } },
    /^ {2}(memory\.memsw\.limit_in_bytes: 201326592|memory\.swap\.max: 67108864)$/m,
  ],
  'memory.swap, none besides memory': [
    { memory: { limit: '128M', swap: '128M' } },
    /^ {2}(memory\.memsw\.limit_in_bytes: 134217728|memory\.swap\.max: 0)$/m,
  ],
  'memory.swap, no limit': [
    { memory: { limit: '128M', swap: -1 } },
    /^ {2}(memory\.memsw\.limit_in_bytes: 9223372036854771712|memory\.swap\.max: max)$/m,
  ],
  'cpu.shares': [{ cpu: { shares: 2048 } }, /^ {2}(cpu\.shares: 2048|cpu\.weight: 174)$/m],
  'cpu.quota': [{ cpu: { quota: 50_000 } }, /^ {2}(cpu\.cfs_quota_us: 50000|cpu\.max: 50000 100000)$/m],
  'cpu.quota, none': [{ cpu: { quota: -1 } }, /^ {2}(cpu\.cfs_quota_us: -1|cpu\.max: max 100000)$/m],
  'cpu.quota and cpu.period': [
    { cpu: { quota: 400_000, period: 200_000 } },
    /^ {2}(cpu\.cfs_quota_us: 400000|cpu\.max: 400000 200000)$/m,
  ],
  'cpu.period': [{ cpu: { period: 250_000 } }, /^ {2}(cpu\.cfs_period_us: 250000|cpu\.max: max 250000)$/m],
  'cpu.burst': [{ cpu: { quota: 50_000, burst: 10_000 } }, /^ {2}(cpu\.cfs_burst_us|cpu\.max\.burst): 10000$/m],
  'cpu.idle': [{ cpu: { idle: 1 } }, /^ {2}cpu\.idle: 1$/m],
  'cpu.cpus': [{ cpu: { cpus: '0' } }, /^ {2}cpuset\.cpus: 0$/m],
  'cpu.cpus and cpu.mems': [{ cpu: { cpus: '0-0', mems: '0' } }, /^ {2}cpuset\.mems: 0$/m],
  'pids.limit': [{ pids: { limit: 100 } }, /^ {2}pids\.max: 100$/m],
  'pids.limit, none': [{ pids: { limit: -1 } }, /^ {2}pids\.max: max$/m],
  ...OTHER_FIELDS,
};

const limited = sees('resources', /^ {2}pids\.max: 300$/m);

/** Of version 1 the paths are those of the hierarchies where the box has something; of the others, the caller's. */
const hidden = ({ world }: Seen): void => {
  const text = world.get('cgroup') ?? '';
  if (/nsgen/.test(text)) throw new Error(`the cgroup namespace does not hide the path: ${text}`);
};

/** What limits a box is seen from outside; that its processes cannot see more of it than that, from inside. */
export const limitBoxes: readonly NamedBox[] = [
  ...Object.entries(FIELDS).map(
    ([field, [resources, shown]]): NamedBox => ({
      name: `limits: ${field}`,
      box: () => ({ command: [...TRUE], resources }),
      expect: all(ends(0), sees('resources', shown), hidden),
    }),
  ),
  {
    name: 'limits: everything at once',
    box: () => ({ command: ['ps', '-ef'], resources: EVERYTHING, accounting: true, freezer: true }),
    expect: all(ends(0), limited, sees('resources', /^ {2}cpuset\.cpus: 0$/m), hidden),
  },
  {
    name: 'limits: nothing, but accounted for',
    box: () => ({ command: [...TRUE], accounting: true }),
    expect: all(ends(0), sees('resources', /nsgen-\*/), hidden),
  },
  {
    name: 'limits: nothing, but a freezer',
    box: () => ({ command: [...TRUE], freezer: true }),
    expect: all(ends(0), sees('resources', /nsgen-\*/), hidden),
  },
  {
    name: 'limits: empty fields limit nothing',
    box: () => ({ command: [...TRUE], resources: { memory: {}, cpu: {} } }),
    expect: all(ends(0), sees('resources', /none of its own/)),
  },
  {
    name: 'limits and a rootfs by pivot_root',
    box: ({ rootfs }) => ({ command: ['/bin/true'], rootfs, resources: EVERYTHING }),
    expect: all(ends(0), limited, hidden),
  },
  {
    name: 'limits and a rootfs by chroot',
    box: ({ rootfs }) => ({
      command: ['/bin/true'],
      rootfs: { path: rootfs, change: 'chroot' },
      resources: EVERYTHING,
    }),
    expect: all(ends(0), limited, hidden),
  },
  {
    name: 'limits and a root of programs',
    box: () => ({ command: ['true'], rootfs: { from: PROGRAMS }, resources: EVERYTHING }),
    expect: all(ends(0), limited, hidden),
  },
  {
    name: 'limits and an overlay, mounts, a directory and a name',
    box: ({ rootfs, directory }) => ({
      command: ['/bin/sh', '-c', 'pwd; cat file'],
      rootfs,
      overlay: true,
      hostname: 'limited',
      mounts: [
        { type: 'bind', source: `${directory}/source`, destination: '/mnt/target', readOnly: true },
        { type: 'tmpfs', destination: '/tmp', size: '1m' },
      ],
      cwd: '/mnt/target',
      resources: EVERYTHING,
    }),
    expect: all(ends(0, '/mnt/target\nof the host\n'), limited, hidden),
  },
  {
    name: 'limits and a user namespace',
    box: () => ({ command: [...TRUE], namespaces: { user: 'new' }, resources: EVERYTHING }),
    expect: all(ends(0), limited, hidden, sees('namespaces', /^user: new$/m, /^cgroup: new$/m)),
  },
  {
    name: 'limits and a user namespace with a rootfs',
    box: ({ rootfs }) => ({ command: ['/bin/true'], rootfs, namespaces: { user: 'new' }, resources: EVERYTHING }),
    expect: all(ends(0), limited, hidden),
  },
  {
    name: 'limits and a cgroup namespace that is shared',
    box: () => ({ command: [...TRUE], namespaces: { cgroup: 'shared' }, resources: EVERYTHING }),
    expect: all(ends(0), limited, sees('cgroup', /nsgen-\*$/m), sees('namespaces', /^cgroup: the caller's$/m)),
  },
  {
    name: 'limits and no namespace of its own',
    box: () => ({
      command: [...TRUE],
      namespaces: { pid: 'shared', mount: 'shared', uts: 'shared', ipc: 'shared', net: 'shared', cgroup: 'shared' },
      resources: EVERYTHING,
    }),
    expect: all(ends(0), limited),
  },
  {
    name: 'limits and pids that are shared',
    box: () => ({ command: [...TRUE], namespaces: { pid: 'shared' }, resources: EVERYTHING }),
    expect: all(ends(0), limited, hidden),
  },
  {
    name: 'limits and clocks of its own',
    box: () => ({
      command: [...TRUE],
      namespaces: { time: 'new' },
      timeOffsets: { boottime: 3600 },
      resources: EVERYTHING,
    }),
    expect: all(ends(0), limited, sees('clocks', /as the offset says/)),
  },
  ...(['net', 'uts', 'ipc', 'cgroup', 'time'] as const).map(
    (type): NamedBox => ({
      name: `limits and ${type} joined`,
      holder: [`--${type}`, '--fork'],
      box: ({ joined }) => ({ command: [...TRUE], namespaces: { [type]: joined(type) }, resources: EVERYTHING }),
      expect: all(ends(0), limited, sees('namespaces', new RegExp(`^${type}: joined$`, 'm'))),
    }),
  ),
  {
    name: 'limits and pid joined',
    holder: ['--pid', '--fork'],
    box: ({ joined }) => ({ command: [...TRUE], namespaces: { pid: joined('pid') }, resources: EVERYTHING }),
    expect: all(ends(0), limited, hidden, sees('namespaces', /^pid: joined$/m)),
  },
  {
    name: 'limits and mount joined',
    holder: ['--mount'],
    box: ({ joined }) => ({ command: [...TRUE], namespaces: { mount: joined('mnt') }, resources: EVERYTHING }),
    expect: all(ends(0), limited, sees('namespaces', /^mnt: joined$/m)),
  },
  {
    name: 'limits and user joined, the others new',
    holder: ['--user', '--map-root-user'],
    box: ({ joined }) => ({ command: [...TRUE], namespaces: { user: joined('user') }, resources: EVERYTHING }),
    expect: all(ends(0), limited, hidden, sees('namespaces', /^user: joined$/m)),
  },
  {
    name: 'limits and everything joined',
    holder: '--pid --fork --mount-proc --uts --ipc --net --cgroup'.split(' '),
    box: ({ joined }) => ({
      command: [...TRUE],
      namespaces: {
        pid: joined('pid'),
        mount: joined('mnt'),
        uts: joined('uts'),
        ipc: joined('ipc'),
        net: joined('net'),
        cgroup: joined('cgroup'),
      },
      resources: EVERYTHING,
    }),
    expect: limited,
  },
  {
    name: 'limits: one process and no more',
    withoutWorld: true,
    box: () => ({ command: ['/bin/cat', '/proc/self/cgroup'], resources: { pids: { limit: 1 } } }),
    expect: ({ run }) => {
      if (run.exitStatus !== 0 || !/^\d+:pids:\/$|^0::\/$/m.test(run.stdout.toString()))
        throw new Error(String(run.stdout));
    },
  },
  {
    name: 'limits: one process, which cannot fork',
    withoutWorld: true,
    box: () => ({
      command: ['perl', '-e', 'print defined fork ? "forked" : 0 + $!'],
      resources: { pids: { limit: 1 } },
    }),
    expect: ends(0, '11'),
  },
  {
    // Each backend says so in its own words.
    name: 'limits: killed for its memory',
    fails: true,
    withoutWorld: true,
    box: () => ({
      command: ['perl', '-e', '$text = "x" x ($ARGV[0] << 20); print "lived"', '200'],
      resources: { memory: { limit: '64M' } },
    }),
    expect: ends(137, ''),
  },
  {
    name: 'limits: a cpu that there is not',
    fails: true,
    withoutWorld: true,
    box: () => ({ command: [...TRUE], resources: { cpu: { cpus: '4095' } } }),
    expect: ends(125, ''),
  },
  {
    name: 'limits: a memory node that there is not',
    fails: true,
    withoutWorld: true,
    box: () => ({ command: [...TRUE], resources: { cpu: { mems: '63' } } }),
    expect: ends(125, ''),
  },
  {
    name: 'limits: a command that there is not',
    fails: true,
    withoutWorld: true,
    box: () => ({ command: ['no-such-program'], resources: EVERYTHING }),
    expect: ends(127, ''),
  },
  ...otherLimitBoxes,
];
