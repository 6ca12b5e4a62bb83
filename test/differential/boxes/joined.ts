import { all, ends, type NamedBox, sees, TRUE } from '../named-box.js';

const ALONE = {
  pid: 'shared',
  mount: 'shared',
  uts: 'shared',
  ipc: 'shared',
  net: 'shared',
  cgroup: 'shared',
} as const;

/** Boxes in namespaces that a process of the test has made. */
export const joinedBoxes: readonly NamedBox[] = [
  ...(['uts', 'ipc', 'net', 'cgroup'] as const).map(
    (type): NamedBox => ({
      name: `${type} joined`,
      holder: [`--${type}`],
      box: ({ joined }) => ({ command: [...TRUE], namespaces: { [type]: joined(type) } }),
      expect: all(ends(0), sees('namespaces', new RegExp(`^${type}: joined$`, 'm'), /^pid: new$/m)),
    }),
  ),
  {
    name: 'pid joined',
    holder: ['--pid', '--fork'],
    box: ({ joined }) => ({ command: [...TRUE], namespaces: { pid: joined('pid') } }),
    expect: all(
      ends(0),
      sees('namespaces', /^pid: joined$/m, /^pid_for_children: joined$/m, /^mnt: new$/m),
      sees('ps -ef', /^root 1 0 \? sleep infinity$/m, /^root SELF 0 /m),
    ),
  },
  {
    name: 'pid and mount joined, nothing new',
    holder: ['--pid', '--fork', '--mount-proc'],
    box: ({ joined }) => ({ command: [...TRUE], namespaces: { ...ALONE, pid: joined('pid'), mount: joined('mnt') } }),
    expect: all(
      ends(0),
      sees('namespaces', /^pid: joined$/m, /^mnt: joined$/m, /^net: the caller's$/m),
      sees('ps -ef', /^root 1 0 \? sleep infinity$/m),
    ),
  },
  {
    name: 'mount joined',
    holder: ['--mount'],
    box: ({ joined }) => ({ command: [...TRUE], namespaces: { mount: joined('mnt') } }),
    expect: all(ends(0), sees('namespaces', /^mnt: joined$/m)),
  },
  {
    name: 'user joined',
    holder: ['--user', '--map-root-user'],
    box: ({ joined }) => ({ command: [...TRUE], namespaces: { ...ALONE, user: joined('user') } }),
    expect: all(
      ends(0),
      sees('namespaces', /^user: joined$/m),
      sees('status', /^Uid:\t0\t0\t0\t0$/m, /^CapEff:\t0*1ff+$/m),
    ),
  },
  {
    name: 'user and net joined',
    holder: ['--user', '--map-root-user', '--net'],
    box: ({ joined }) => ({
      command: [...TRUE],
      namespaces: { ...ALONE, user: joined('user'), net: joined('net') },
    }),
    expect: all(ends(0), sees('namespaces', /^user: joined$/m, /^net: joined$/m)),
  },
  {
    name: 'user and net joined by an ordinary user',
    holder: ['--user', '--map-root-user', '--net'],
    holderAs: ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--'],
    // Reads the repository wherever it is, and has no other right that root has.
    caller: `set -- setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=+dac_read_search \\
      --ambient-caps=+dac_read_search -- "$@"`,
    box: ({ joined }) => ({ command: [...TRUE], namespaces: { user: joined('user'), net: joined('net') } }),
    expect: all(
      ends(0),
      sees('namespaces', /^user: joined$/m, /^net: joined$/m, /^pid: new$/m),
      sees('status', /^Uid:\t0\t0\t0\t0$/m),
    ),
  },
  {
    name: 'user joined, the others new',
    holder: ['--user', '--map-root-user'],
    box: ({ joined }) => ({ command: [...TRUE], hostname: 'inner', namespaces: { user: joined('user') } }),
    expect: all(ends(0), sees('namespaces', /^user: joined$/m, /^pid: new$/m, /^uts: new$/m), sees('names', /inner/)),
  },
  {
    name: 'time joined',
    holder: ['--time', '--boottime=4000', '--fork'],
    box: ({ joined }) => ({ command: [...TRUE], namespaces: { time: joined('time') } }),
    expect: all(
      ends(0),
      sees('namespaces', /^time: joined$/m),
      sees('clocks', /boottime +4000 +0/, /as the offset says/),
    ),
  },
  {
    name: 'everything joined',
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
    }),
    expect: sees(
      'namespaces',
      ...['pid', 'mnt', 'uts', 'ipc', 'net', 'cgroup'].map(type => new RegExp(`^${type}: joined$`, 'm')),
    ),
  },
  {
    name: 'pid joined and a rootfs',
    holder: ['--pid', '--fork'],
    box: ({ joined, rootfs }) => ({ command: ['/bin/true'], rootfs, namespaces: { pid: joined('pid') } }),
    expect: all(ends(0), sees('ps -ef', /sleep infinity/), sees('mountinfo', /^\/proc on \/: 0:\* \/ /m)),
  },
  {
    name: 'a namespace that is gone',
    fails: true,
    withoutWorld: true,
    box: () => ({ command: [...TRUE], namespaces: { net: '/proc/4194304/ns/net' } }),
    expect: ends(125, ''),
  },
];
