import type { BoxInput } from '../../../src/index.js';
import { all, ends, misses, type NamedBox, sees, TRUE } from '../named-box.js';

const ALL = ['pid', 'mount', 'uts', 'ipc', 'net', 'cgroup'] as const;
type Choices = NonNullable<BoxInput['namespaces']>;

const everyOne = (choice: 'new' | 'shared'): Choices => Object.fromEntries(ALL.map(type => [type, choice]));
const file = (type: string) => (type === 'mount' ? 'mnt' : type);
const PS = ['ps', '-ef'] as const;
const ENVIRONMENT = ['env', '-i', 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'HOME=/root'];

/** Which namespaces a box has. */
export const namespaceBoxes: readonly NamedBox[] = [
  {
    name: 'default',
    box: () => ({ command: [...PS] }),
    expect: all(
      ends(0),
      sees('self', /^pid 1\nparent 0\npid in \/proc the same$/m),
      sees('process', /^group SELF\nsession SELF\nterminal 0$/m),
      sees('namespaces', ...ALL.map(type => new RegExp(`^${file(type)}: new$`, 'm')), /^user: the caller's$/m),
      sees('network', /^lo$/m, /00000000000000000000000000000001/),
      sees('environment', /^PATH=[^\n]*\nHOME=\/root\n$/),
      sees('descriptors', /^0: .*^1: .*^2: /ms),
      misses('descriptors', /^([3-9]|\d\d+): /m),
      sees('privileges', /Parent death signal: KILL/i),
    ),
    peer: () => [
      'unshare',
      ...'--fork --pid --mount --uts --ipc --net --cgroup --mount-proc --'.split(' '),
      ...ENVIRONMENT,
      ...PS,
    ],
  },
  {
    name: 'nothing new',
    box: () => ({ command: [...TRUE], namespaces: everyOne('shared') }),
    expect: all(
      ends(0),
      sees('namespaces', ...ALL.map(type => new RegExp(`^${file(type)}: the caller's$`, 'm'))),
      sees('self', /^pid SELF$/m),
      sees('process', /^group SELF\nsession SELF\nterminal 0$/m),
    ),
  },
  ...ALL.map(
    (type): NamedBox => ({
      name: `only ${type} new`,
      box: () => ({ command: [...TRUE], namespaces: { ...everyOne('shared'), [type]: 'new' } }),
      expect: all(
        ends(0),
        sees('namespaces', new RegExp(`^${file(type)}: new$`, 'm')),
        sees(
          'namespaces',
          ...ALL.filter(other => other !== type).map(other => new RegExp(`^${file(other)}: the caller's$`, 'm')),
        ),
      ),
    }),
  ),
  ...ALL.map(
    (type): NamedBox => ({
      name: `all but ${type} new`,
      box: () => ({ command: [...TRUE], namespaces: { [type]: 'shared' } }),
      expect: all(
        ends(0),
        sees('namespaces', new RegExp(`^${file(type)}: the caller's$`, 'm')),
        sees(
          'namespaces',
          ...ALL.filter(other => other !== type).map(other => new RegExp(`^${file(other)}: new$`, 'm')),
        ),
      ),
    }),
  ),
  {
    name: 'user namespace and the others',
    box: () => ({ command: [...PS], namespaces: { user: 'new' } }),
    expect: all(
      sees('namespaces', /^user: new$/m, /^net: new$/m),
      sees('id maps', /uid_map: +0 +0 +1\n.*gid_map: +0 +0 +1\n.*setgroups: deny/s),
      sees('status', /^CapEff:\t0*1ff+$/m),
    ),
    peer: () => [
      'unshare',
      ...'--user --map-root-user --fork --pid --mount --uts --ipc --net --cgroup --mount-proc --'.split(' '),
      ...ENVIRONMENT,
      ...PS,
    ],
  },
  {
    name: 'only a user namespace',
    box: () => ({ command: [...TRUE], namespaces: { ...everyOne('shared'), user: 'new' } }),
    expect: all(ends(0), sees('namespaces', /^user: new$/m, /^pid: the caller's$/m)),
  },
  {
    name: 'an ordinary user',
    // Reads the repository wherever it is, and has no other right that root has.
    caller: `set -- setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=+dac_read_search \\
      --ambient-caps=+dac_read_search -- "$@"`,
    box: () => ({ command: [...TRUE] }),
    expect: all(
      ends(0),
      sees('namespaces', /^user: new$/m),
      sees('id maps', /uid_map: +0 +65534 +1\n.*gid_map: +0 +65534 +1\n.*setgroups: deny/s),
      sees('status', /^Uid:\t0\t0\t0\t0$/m),
    ),
  },
  {
    name: 'pid namespace with the /proc of the host',
    box: () => ({ command: ['sh', '-c', 'echo $$'], proc: false }),
    expect: all(ends(0, '1\n'), sees('self', /^pid 1\nparent 0\npid in \/proc another$/m), sees('ps -ef', /outside/)),
  },
  {
    name: 'pid namespace, peer bwrap',
    box: () => ({ command: [...PS], namespaces: { net: 'shared', uts: 'shared', ipc: 'shared', cgroup: 'shared' } }),
    expect: sees('self', /^pid 1$/m),
    peer: () => ['bwrap', '--as-pid-1', '--unshare-pid', '--dev-bind', '/', '/', '--proc', '/proc', ...PS],
  },
  {
    name: 'pid and mount namespaces as unshare -fp --mount-proc makes them',
    box: () => ({
      command: ['sh', '-c', 'ps -ef; true'],
      namespaces: { ...everyOne('shared'), pid: 'new', mount: 'new' },
    }),
    expect: sees('self', /^pid 1$/m),
    peer: () => ['unshare', '--fork', '--pid', '--mount-proc', '--', ...ENVIRONMENT, 'sh', '-c', 'ps -ef; true'],
  },
  ...[
    { name: 'time namespace without offsets', timeOffsets: undefined, shown: /monotonic +0 +0\nboottime +0 +0/ },
    {
      name: 'both clocks forward',
      timeOffsets: { monotonic: 5000, boottime: 86400 },
      shown: /monotonic +5000 +0\nboottime +86400 +0/,
    },
    { name: 'boot time back', timeOffsets: { boottime: -3 }, shown: /monotonic +0 +0\nboottime +-3 +0/ },
    { name: 'monotonic clock back', timeOffsets: { monotonic: -7 }, shown: /monotonic +-7 +0\nboottime +0 +0/ },
  ].map(
    ({ name, timeOffsets, shown }): NamedBox => ({
      name,
      box: () => ({
        command: [...TRUE],
        namespaces: { time: 'new' },
        ...(timeOffsets === undefined ? {} : { timeOffsets }),
      }),
      expect: all(
        ends(0),
        sees('namespaces', /^time: new$/m, /^time_for_children: new$/m),
        sees('clocks', shown, /as the offset says/),
      ),
    }),
  ),
  {
    name: 'time and user namespaces',
    box: () => ({ command: [...TRUE], namespaces: { user: 'new', time: 'new' }, timeOffsets: { boottime: 10 } }),
    expect: sees('clocks', /boottime +10 +0/, /as the offset says/),
  },
  {
    name: 'loopback down',
    box: () => ({ command: [...TRUE], loopback: false }),
    expect: all(
      sees('network', /^lo$/m),
      misses('network', /00000000000000000000000000000001/),
      sees('ip', /state DOWN/),
    ),
  },
];
