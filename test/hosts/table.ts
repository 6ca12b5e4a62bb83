import type { Controller } from '../../src/plan/cgroup.js';
import { type FakeHost, kernel, v1, v1Mount, v2, v2Mount } from './fake-host.js';

/** Hosts, and where a box has its cgroups on each: one table for both backends. */

export interface Question {
  readonly controllers: readonly Controller[];
  readonly optional?: readonly Controller[];
  readonly everywhere?: 'mounted' | 'all';
  readonly parent?: string;
}

export interface Row extends Question {
  readonly name: string;
  readonly host: FakeHost;
  /** Whoever asks, unless root. */
  readonly uid?: number;
  /** Sorted: `CONTROLLER vVERSION PARENT`, and what is switched on, `DIRECTORY +CONTROLLER`; or the error. */
  readonly answer: readonly string[];
}

const TOP = '/sys/fs/cgroup';
const AWKWARD = '/mnt/with space\\and\nmore';

const hybrid: FakeHost = {
  mountinfo: [
    '24 23 0:22 / /sys rw - sysfs sysfs rw',
    ...['cpu', 'memory', 'pids', 'blkio', 'name=systemd'].map(name =>
      v1Mount(`${TOP}/${name.replace('name=', '')}`, name),
    ),
    v2Mount(`${TOP}/unified`),
  ],
  membership: ['9:name=systemd:/', '8:pids:/', '7:blkio:/', '4:memory:/process/x', '1:cpu:/', '0::/'],
  cgroups: [
    ...['cpu', 'memory', 'memory/process/x', 'memory/named', 'pids', 'pids/named', 'blkio', 'systemd'].map(name =>
      v1(`${TOP}/${name}`),
    ),
    v2(`${TOP}/unified`, { has: 'hugetlb', type: null, pids: [1, 7] }),
  ],
};

const combined: FakeHost = {
  mountinfo: [v1Mount(`${TOP}/cpu,cpuacct`, 'cpu,cpuacct'), v1Mount(`${TOP}/net_cls,net_prio`, 'net_cls,net_prio')],
  membership: ['5:net_cls,net_prio:/', '4:cpu,cpuacct:/user.slice'],
  cgroups: [v1(`${TOP}/cpu,cpuacct`), v1(`${TOP}/cpu,cpuacct/user.slice`), v1(`${TOP}/net_cls,net_prio`)],
};

const memoryAt = (membership: string, mountinfo: readonly string[], directories: readonly string[]): FakeHost => ({
  mountinfo,
  membership: [`4:memory:${membership}`],
  cgroups: directories.map(directory => v1(directory)),
});

const unified = (own: string, cgroups: FakeHost['cgroups'], more: Partial<FakeHost> = {}): FakeHost => ({
  mountinfo: [v2Mount(TOP)],
  membership: [`0::${own}`],
  kernel: null,
  cgroups,
  ...more,
});

const CONTROLLERS = 'cpuset cpu io memory pids';
const systemd = (own: string): FakeHost =>
  unified(
    own,
    [
      v2(TOP, { has: CONTROLLERS, on: 'cpu memory pids', type: null, pids: [2, 3] }),
      v2(`${TOP}/system.slice`, { has: 'cpu memory pids', on: 'cpu memory pids' }),
      v2(`${TOP}/system.slice/web.service`, { has: 'cpu memory pids', pids: [70] }),
      v2(`${TOP}/a`, { has: 'cpu memory pids' }),
      v2(`${TOP}/a/b`, {}),
      v2(`${TOP}/busy`, { has: 'cpu memory pids', pids: [70, 71] }),
      v2(`${TOP}/busy/b`, {}),
      v2(`${TOP}/threads`, { has: 'cpu pids', type: 'domain threaded' }),
      v2(`${TOP}/threads/t`, { has: 'cpu pids', type: 'threaded' }),
    ],
    { names: { 70: 'web', 71: 'a\u001b[31m b' } },
  );

const container = (own: string, top: Parameters<typeof v2>[1]): FakeHost =>
  unified(own, [v2(TOP, { has: CONTROLLERS, ...top }), v2(`${TOP}/child`), v2(`${TOP}/nsgen-callers`)], {
    names: { 7: 'sleep' },
  });

const SLICE = `${TOP}/user.slice/user-1000.slice`;
const session = (own: string): FakeHost =>
  unified(
    own,
    [
      v2(TOP, { has: CONTROLLERS, on: 'cpu memory pids', type: null }),
      v2(`${TOP}/user.slice`, { has: 'cpu memory pids', on: 'memory pids' }),
      v2(SLICE, { has: 'memory pids', on: 'memory pids' }),
      v2(`${SLICE}/session-3.scope`, { has: 'memory pids', pids: [70] }),
      v2(`${SLICE}/user@1000.service`, { has: 'memory pids', on: 'memory pids', owner: 1000 }),
      v2(`${SLICE}/user@1000.service/app.slice`, { has: 'memory pids', on: 'memory pids', owner: 1000 }),
      v2(`${SLICE}/user@1000.service/app.slice/term.scope`, { has: 'memory pids', pids: [70], owner: 1000 }),
      v2(`${SLICE}/user@1000.service/free`, { has: 'memory pids', owner: 1000 }),
    ],
    { names: { 70: 'term' } },
  );
const USER = '/user.slice/user-1000.slice';

const WAY = 'systemd-run --user --scope -p Delegate=yes nsgen ...';
const DELEGATED = `start nsgen where the cgroups are yours: ${WAY}, or --cgroup-parent`;
const OWN_ONE = `start nsgen in a cgroup of its own (${WAY}), or name another with --cgroup-parent`;
const NOT_MOUNTED = 'it is in no cgroup file system that is mounted here, or not passed on to this part of it';

export const rows: readonly Row[] = [
  {
    name: 'a hybrid host',
    host: hybrid,
    controllers: ['memory', 'cpu', 'pids', 'io', 'hugetlb'],
    answer: [
      `${TOP}/unified +hugetlb`,
      `cpu v1 ${TOP}/cpu`,
      `hugetlb v2 ${TOP}/unified`,
      `io v1 ${TOP}/blkio`,
      `memory v1 ${TOP}/memory/process/x`,
      `pids v1 ${TOP}/pids`,
    ],
  },
  {
    name: 'what version 2 has built in',
    host: hybrid,
    controllers: ['freezer', 'cpuacct'],
    answer: [`cpuacct v2 ${TOP}/unified`, `freezer v2 ${TOP}/unified`],
  },
  {
    name: 'a parent that is named, in each hierarchy',
    host: hybrid,
    controllers: ['memory', 'pids'],
    parent: '/named',
    answer: [`memory v1 ${TOP}/memory/named`, `pids v1 ${TOP}/pids/named`],
  },
  {
    name: 'a parent that is the top',
    host: hybrid,
    controllers: ['memory'],
    parent: '/',
    answer: [`memory v1 ${TOP}/memory`],
  },
  {
    name: 'a parent that one hierarchy lacks',
    host: hybrid,
    controllers: ['memory', 'cpu'],
    parent: '/named',
    answer: [`cgroupParent: there is no cgroup ${TOP}/cpu/named: make it first (mkdir -p)`],
  },
  {
    name: 'a parent that is a file',
    host: hybrid,
    controllers: ['memory'],
    parent: '/cgroup.procs',
    answer: [`cgroupParent: there is no cgroup ${TOP}/memory/cgroup.procs: make it first (mkdir -p)`],
  },
  {
    name: 'a parent with all that bash could misread',
    host: { ...hybrid, cgroups: [...hybrid.cgroups, v1(`${TOP}/memory/$(id) *'"`)] },
    controllers: ['memory'],
    parent: `/$(id) *'"`,
    answer: [`memory v1 ${TOP}/memory/$(id) *'"`],
  },
  {
    name: 'in every hierarchy',
    host: hybrid,
    controllers: ['memory'],
    everywhere: 'all',
    answer: [
      `blkio v1 ${TOP}/blkio`,
      `cpu v1 ${TOP}/cpu`,
      `memory v1 ${TOP}/memory/process/x`,
      `name=systemd v1 ${TOP}/systemd`,
      `pids v1 ${TOP}/pids`,
      `unified v2 ${TOP}/unified`,
    ],
  },
  {
    name: 'in every hierarchy, of which one is mounted nowhere',
    host: { ...hybrid, membership: [...hybrid.membership, '11:devices:/', '12:name=other:/'] },
    controllers: [],
    everywhere: 'all',
    answer: [
      'mounts: the box could mount the cgroup hierarchy devices and name=other, and see its root: mount it first, so that the box can have a cgroup of its own there, or use --unshare user',
    ],
  },
  {
    name: 'in every hierarchy that is mounted',
    host: { ...combined, membership: [...combined.membership, '11:devices:/'] },
    controllers: [],
    everywhere: 'mounted',
    answer: [`cpu,cpuacct v1 ${TOP}/cpu,cpuacct/user.slice`, `net_cls,net_prio v1 ${TOP}/net_cls,net_prio`],
  },
  {
    name: 'in every hierarchy, for an ordinary user',
    host: hybrid,
    controllers: [],
    everywhere: 'all',
    uid: 1000,
    answer: [],
  },
  {
    name: 'in every hierarchy, for root in a user namespace',
    host: { ...hybrid, userNamespace: 'user:[4026532000]' },
    controllers: [],
    everywhere: 'all',
    answer: [],
  },
  {
    name: 'hierarchies of several controllers',
    host: combined,
    controllers: ['cpu', 'cpuacct'],
    answer: [`cpu v1 ${TOP}/cpu,cpuacct/user.slice`, `cpuacct v1 ${TOP}/cpu,cpuacct/user.slice`],
  },
  {
    name: 'hierarchies of several controllers, all of them',
    host: combined,
    controllers: ['cpuacct'],
    everywhere: 'all',
    answer: [`cpuacct v1 ${TOP}/cpu,cpuacct/user.slice`, `net_cls,net_prio v1 ${TOP}/net_cls,net_prio`],
  },
  {
    name: 'a mount point with a space, a backslash and a newline',
    host: memoryAt('/a b\\c', [v1Mount(AWKWARD, 'memory')], [AWKWARD, `${AWKWARD}/a b\\c`]),
    controllers: ['memory'],
    answer: [`memory v1 ${AWKWARD}/a b\\c`],
  },
  {
    name: 'several mounts of a hierarchy: one that shows our own, and can be written to',
    host: memoryAt(
      '/docker/abc',
      [
        v1Mount('/mnt/other', 'memory', { root: '/docker/other' }),
        v1Mount('/mnt/fixed', 'memory', { options: 'ro,relatime' }),
        v1Mount('/mnt/covered', 'memory'),
        v1Mount('/mnt/right', 'memory'),
        v1Mount('/mnt/later', 'memory'),
      ],
      ['/mnt/other', '/mnt/fixed', '/mnt/fixed/docker/abc', '/mnt/right', '/mnt/right/docker/abc', '/mnt/later'],
    ),
    controllers: ['memory'],
    answer: ['memory v1 /mnt/right/docker/abc'],
  },
  {
    name: 'a container without a cgroup namespace',
    host: memoryAt('/docker/abc', [v1Mount(`${TOP}/memory`, 'memory', { root: '/docker/abc' })], [`${TOP}/memory`]),
    controllers: ['memory'],
    answer: [`memory v1 ${TOP}/memory`],
  },
  {
    name: 'deeper in a container without a cgroup namespace',
    host: memoryAt(
      '/docker/abc/d',
      [v1Mount(`${TOP}/memory`, 'memory', { root: '/docker/abc' })],
      [`${TOP}/memory`, `${TOP}/memory/d`],
    ),
    controllers: ['memory'],
    answer: [`memory v1 ${TOP}/memory/d`],
  },
  {
    name: 'a name that begins as that of the container does',
    host: memoryAt('/docker/abcd', [v1Mount(`${TOP}/memory`, 'memory', { root: '/docker/abc' })], [`${TOP}/memory`]),
    controllers: ['memory'],
    answer: [`memory v1 ${TOP}/memory`],
  },
  {
    name: 'a membership outside of what is mounted',
    host: memoryAt('/../../user.slice', [v1Mount(`${TOP}/memory`, 'memory')], [`${TOP}/memory`]),
    controllers: ['memory'],
    answer: [`memory v1 ${TOP}/memory`],
  },
  {
    name: 'a hierarchy whose mount is covered',
    host: memoryAt('/', [v1Mount(`${TOP}/memory`, 'memory')], []),
    controllers: ['memory'],
    answer: [`accounting: this host has no cgroup controller memory: ${NOT_MOUNTED}`],
  },
  {
    name: 'cgroup_disable=memory',
    host: { ...combined, kernel: kernel(['memory']) },
    controllers: ['cpu', 'memory'],
    answer: [
      'accounting: this host has no cgroup controller memory: it is switched off (a kernel parameter cgroup_disable=memory)',
    ],
  },
  {
    name: 'a kernel without hugetlb',
    host: { ...combined, kernel: kernel([], ['cpu', 'cpuacct']) },
    controllers: ['hugetlb'],
    answer: ['accounting: this host has no cgroup controller hugetlb: the kernel was built without it'],
  },
  {
    name: 'a host without any cgroups',
    host: { mountinfo: [], membership: [], cgroups: [] },
    controllers: ['freezer'],
    answer: [`freezer: this host has no cgroup controller freezer: ${NOT_MOUNTED}`],
  },
  {
    name: 'version 1, for an ordinary user',
    host: combined,
    controllers: ['cpuacct'],
    uid: 1000,
    answer: [
      `accounting: cannot make a cgroup for cpu,cpuacct in ${TOP}/cpu,cpuacct/user.slice: this process may not write there (EACCES): start nsgen as root, or name a cgroup that is yours with --cgroup-parent`,
    ],
  },
  {
    name: 'version 1, mounted read-only',
    host: { ...combined, mountinfo: [v1Mount(`${TOP}/cpu,cpuacct`, 'cpu,cpuacct', { options: 'ro,nosuid' })] },
    controllers: ['cpu'],
    uid: 1000,
    answer: [
      `accounting: cannot make a cgroup for cpu,cpuacct in ${TOP}/cpu,cpuacct/user.slice: the cgroup file system is mounted read-only there (EROFS): mount it writable`,
    ],
  },
  {
    name: 'version 2: the nearest whose children have the controllers',
    host: systemd('/system.slice/web.service'),
    controllers: ['memory', 'pids'],
    answer: [`memory v2 ${TOP}/system.slice`, `pids v2 ${TOP}/system.slice`],
  },
  {
    name: 'version 2: a controller that only the root has',
    host: systemd('/system.slice/web.service'),
    controllers: ['memory', 'cpuset'],
    answer: [`${TOP} +cpuset`, `cpuset v2 ${TOP}`, `memory v2 ${TOP}`],
  },
  {
    name: 'version 2: nothing to switch on',
    host: systemd('/system.slice/web.service'),
    controllers: ['freezer'],
    answer: [`freezer v2 ${TOP}/system.slice/web.service`],
  },
  {
    name: 'version 2: in a tree of threads',
    host: systemd('/threads/t'),
    controllers: ['cpu'],
    answer: [`cpu v2 ${TOP}`],
  },
  {
    name: 'version 2: from the root itself',
    host: systemd('/'),
    controllers: ['io'],
    answer: [`${TOP} +io`, `io v2 ${TOP}`],
  },
  {
    name: 'version 2: a parent, and all on the way to it',
    host: systemd('/'),
    controllers: ['cpu', 'cpuset'],
    parent: '/a/b',
    answer: [
      `${TOP} +cpuset`,
      `${TOP}/a +cpu +cpuset`,
      `${TOP}/a/b +cpu +cpuset`,
      `cpu v2 ${TOP}/a/b`,
      `cpuset v2 ${TOP}/a/b`,
    ],
  },
  {
    name: 'version 2: processes on the way to a parent',
    host: systemd('/'),
    controllers: ['cpu'],
    parent: '/busy/b',
    answer: [
      `accounting: cpu cannot be switched on in ${TOP}/busy: other processes are in the way: 70 (web), 71 (a?[31m b): ${OWN_ONE}`,
    ],
  },
  {
    name: 'version 2: a parent that is a tree of threads',
    host: systemd('/'),
    controllers: ['cpu'],
    parent: '/threads/t',
    answer: [
      `accounting: cpu cannot be switched on in ${TOP}/threads/t: it belongs to somebody else, or has only threads: ${DELEGATED}`,
    ],
  },
  {
    name: 'version 2: a controller that is not there, but only counts',
    host: systemd('/system.slice/web.service'),
    controllers: ['memory', 'hugetlb'],
    optional: ['hugetlb'],
    answer: [`memory v2 ${TOP}/system.slice`],
  },
  {
    name: 'version 2: a controller that is not passed on, but only counts',
    host: session(`${USER}/user@1000.service/app.slice/term.scope`),
    uid: 1000,
    controllers: ['memory', 'io'],
    optional: ['io'],
    answer: [`memory v2 ${SLICE}/user@1000.service/app.slice`],
  },
  {
    name: 'a container: others are in the way',
    host: container('/', { pids: [7, 0] }),
    controllers: ['memory'],
    answer: [
      `accounting: memory cannot be switched on in ${TOP}: other processes are in the way: 7 (sleep), some of another pid namespace: ${OWN_ONE}`,
    ],
  },
  {
    name: 'a container: nobody is in the way',
    host: container('/child', {}),
    controllers: ['memory'],
    answer: [`${TOP} +memory`, `memory v2 ${TOP}`],
  },
  {
    name: 'a container: nsgen has been moved out of the way before',
    host: container('/nsgen-callers', { on: 'memory' }),
    controllers: ['memory'],
    answer: [`memory v2 ${TOP}`],
  },
  {
    name: 'a container: moved out of the way, and another controller is wanted',
    host: container('/nsgen-callers', { on: 'memory' }),
    controllers: ['memory', 'pids'],
    answer: [`${TOP} +pids`, `memory v2 ${TOP}`, `pids v2 ${TOP}`],
  },
  {
    name: 'an ordinary user, in a scope of the user manager',
    host: session(`${USER}/user@1000.service/app.slice/term.scope`),
    uid: 1000,
    controllers: ['memory', 'pids'],
    answer: [`memory v2 ${SLICE}/user@1000.service/app.slice`, `pids v2 ${SLICE}/user@1000.service/app.slice`],
  },
  {
    name: 'an ordinary user, in a cgroup without processes that is theirs',
    host: session(`${USER}/user@1000.service/free`),
    uid: 1000,
    controllers: ['pids'],
    answer: [`${SLICE}/user@1000.service/free +pids`, `pids v2 ${SLICE}/user@1000.service/free`],
  },
  {
    name: 'an ordinary user, in a session that is not theirs',
    host: session(`${USER}/session-3.scope`),
    uid: 1000,
    controllers: ['memory'],
    answer: [
      `accounting: cannot make a cgroup for memory in ${SLICE}/session-3.scope: this process may not write there (EACCES): ${DELEGATED}`,
    ],
  },
  {
    name: 'an ordinary user, from a session to a parent that is theirs',
    host: session(`${USER}/session-3.scope`),
    uid: 1000,
    parent: `${USER}/user@1000.service/app.slice`,
    controllers: ['memory'],
    answer: [
      `accounting: cannot make a cgroup for memory in ${SLICE}: this process may not write there (EACCES): ${DELEGATED}`,
    ],
  },
  {
    name: 'an ordinary user, and a controller that is not passed on',
    host: session(`${USER}/user@1000.service/app.slice/term.scope`),
    uid: 1000,
    controllers: ['cpu'],
    answer: [
      `accounting: cpu cannot be switched on in ${SLICE}/user@1000.service: its cgroup.controllers has not all of them: whoever made it must pass them on (systemd: Delegate=cpu cpuset io memory pids)`,
    ],
  },
];
