import type { Inspection, NamespaceType, TreeRow } from '../../src/inspect/inspection.js';

/** A host as it could be: a box with a namespace in it, and one that came in from outside. */

type Inodes = Readonly<Record<NamespaceType, number | null>>;

export const HOST: Inodes = { user: 1, mnt: 2, pid: 3, net: 4, uts: 5, ipc: 6, cgroup: 7, time: 8 };
const WEB: Inodes = { ...HOST, mnt: 12, pid: 13, net: 14 };
const INNER: Inodes = { ...WEB, mnt: 22, pid: 23 };
const NONE: Inodes = { user: null, mnt: null, pid: null, net: null, uts: null, ipc: null, cgroup: null, time: null };

const row = (
  [pid = 0, ...inside]: readonly number[],
  parent: number,
  name: string,
  namespaces: Inodes,
  box: string | null = null,
): TreeRow => ({ pid, parent, name, state: 'S', pids: [pid, ...inside], namespaces, box });

export const TREE: readonly TreeRow[] = [
  row([1], 0, 'init', NONE),
  row([70], 1, 'bash', HOST),
  row([711, 1], 70, 'nsgen-init', WEB, 'web'),
  row([712, 2], 711, 'sh', WEB, 'web'),
  row([720, 10, 1], 712, 'sleep', INNER, 'web'),
  { ...row([713, 6], 711, 'evil\x1b<&>\udcff', WEB, 'web'), state: 'Z' },
  row([800], 1, 'nsgen', HOST),
  row([801, 11], 800, 'ps', WEB, 'web'),
];

export const INSPECTION: Inspection = {
  version: 1,
  process: {
    pid: 712,
    start: '4711',
    parent: 711,
    name: 'sh',
    state: 'S',
    kernelThread: false,
    pids: [712, 2],
    command: ['sh', '-c', "it's\n", '\udcff'],
    executable: '/bin/dash',
    workingDirectory: null,
    group: 2,
    session: 711,
    terminal: { device: '136:3', name: 'pts/3' },
  },
  box: { name: 'web', pod: 'shop' },
  viewpoint: { pid: 900, host: 'nsgen', namespaces: HOST, pidNamespace: 3, initial: true, unreadable: 1 },
  namespaces: [
    {
      type: 'user',
      inode: 1,
      host: true,
      nsgen: true,
      initial: true,
      processes: [1, 2, 3, 4, 5, 6],
      boxes: ['db', 'web'],
    },
    { type: 'mnt', inode: 12, host: false, nsgen: false, initial: null, processes: [711, 801], boxes: ['web'] },
    { type: 'pid', inode: 13, host: false, nsgen: true, initial: false, processes: [], boxes: [] },
    { type: 'net', inode: null, host: null, nsgen: null, initial: null, processes: [], boxes: [] },
  ],
  ids: {
    uid: { real: 0, effective: 1, saved: 2, filesystem: 3 },
    gid: { real: 4, effective: 5, saved: 6, filesystem: 7 },
    groups: [10, 20],
    uidMap: [
      { inside: 0, outside: 1000, count: 1 },
      { inside: 1, outside: 100000, count: 65536 },
    ],
    gidMap: null,
  },
  cgroups: [
    { hierarchy: 5, controllers: ['cpu', 'cpuacct'], name: null, path: '/a\x1b' },
    { hierarchy: 1, controllers: [], name: 'systemd', path: '/user' },
    { hierarchy: 0, controllers: [], name: null, path: '/' },
  ],
  root: {
    path: '/',
    mount: {
      id: 1,
      parent: 2,
      device: '8:1',
      root: '/srv/web',
      point: '/',
      options: ['rw'],
      propagation: [],
      type: 'ext4',
      source: '/dev/sda1',
      superOptions: 'rw',
    },
  },
  mounts: [
    {
      id: 1,
      parent: 2,
      device: '8:1',
      root: '/srv/web',
      point: '/',
      options: ['rw', 'nosuid'],
      propagation: ['shared:1', 'master:2'],
      type: 'ext4',
      source: '/dev/sda1',
      superOptions: 'rw',
    },
  ],
  capabilities: { inheritable: [], permitted: ['CAP_KILL', 63], effective: ['CAP_KILL'], bounding: [], ambient: [] },
  noNewPrivileges: true,
  seccomp: { mode: 'filter', filters: 2 },
  label: 'web (enforce)',
  rlimits: [{ name: 'RLIMIT_NOFILE', soft: 1024, hard: 'unlimited', unit: 'files' }],
  tree: TREE,
  others: 93,
  changing: false,
  unreadable: { 'process.workingDirectory': 'EACCES', 'namespaces.net': 'EACCES', 'ids.gidMap': 'EPERM' },
};
