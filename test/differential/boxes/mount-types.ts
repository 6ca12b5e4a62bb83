import type { BoxInput } from '../../../src/index.js';
import { all, ends, misses, type NamedBox, sees, TRUE } from '../named-box.js';

type Mounts = NonNullable<BoxInput['mounts']>;

const bind = (source: string, destination: string, options: object = {}): Mounts[number] => ({
  type: 'bind',
  source,
  destination,
  ...options,
});

/** A file system that a more privileged namespace has restricted, as the source of a bind: mount_namespaces(7). */
const LOCKED = `set -- unshare --mount --propagation private -- bash -c '
  mount -t tmpfs -o nosuid,nodev,noexec,size=64k locked "$1/private" && shift && exec "$@"' mounts "$GROUND" "$@"`;

const SUBMOUNT = `set -- unshare --mount --propagation private -- bash -c '
  mount -t tmpfs -o size=64k below "$1/source/below" && shift && exec "$@"' mounts "$GROUND" "$@"`;

/** What /sys/fs/cgroup is on a host that has only version 2, and on one with hierarchies that have two controllers. */
const cgroups = (mounts: string) => `set -- unshare --mount --propagation private -- bash -c '
  umount -l -R /sys/fs/cgroup && ${mounts} && exec "$@"' mounts "$@"`;
const UNIFIED = cgroups('mount -t cgroup2 cgroup2 /sys/fs/cgroup');
const COMBINED = cgroups(`mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup &&
  mkdir /sys/fs/cgroup/one,two,three /sys/fs/cgroup/three && mount -t cgroup2 cgroup2 /sys/fs/cgroup/one,two,three &&
  mount -t cgroup2 cgroup2 /sys/fs/cgroup/three`);

const TRAVELS: Readonly<Record<string, string>> = {
  private: '',
  shared: 'shared:\\* ',
  unbindable: 'unbindable ',
};
const RESTRICTED = 'nosuid,nodev,noexec,relatime';

/** File systems of the kernel's own, and binds with options. */
export const mountTypeBoxes: readonly NamedBox[] = [
  ...[false, true].flatMap(inRootfs =>
    [false, true].map((readOnly): NamedBox => {
      const access = readOnly ? 'ro' : 'rw';
      const at = inRootfs ? '/made/for' : '/mnt';
      return {
        name: `every type, ${access}, ${inRootfs ? 'in a rootfs' : 'on the host'}`,
        box: ({ rootfs }) => ({
          command: [...TRUE],
          ...(inRootfs ? { rootfs } : {}),
          mounts: inRootfs
            ? (['proc', 'sysfs', 'mqueue', 'devpts', 'tmpfs'] as const).map(type => ({
                type,
                destination: `${at}/${type}`,
                readOnly,
              }))
            : (['sysfs', 'mqueue', 'devpts', 'tmpfs', 'proc'] as const).map(type => ({
                type,
                destination: at,
                readOnly,
              })),
        }),
        expect: all(
          ends(0),
          ...['proc', 'sysfs', 'mqueue'].map(type =>
            sees(
              'mountinfo',
              new RegExp(`^${at}\\S* on \\S+: 0:\\* / ${access},${RESTRICTED} - ${type} ${type} r`, 'm'),
            ),
          ),
          sees(
            'mountinfo',
            new RegExp(`${access},nosuid,noexec,relatime - devpts devpts ${access},mode=620,ptmxmode=666$`, 'm'),
          ),
          sees('mountinfo', new RegExp(`${access},nosuid,nodev,relatime - tmpfs tmpfs ${access}(,|$)`, 'm')),
        ),
      };
    }),
  ),
  {
    name: 'options other than those of the type',
    box: ({ rootfs }) => ({
      command: ['/bin/stat', '-c', '%a %g', '/pts/ptmx'],
      rootfs,
      mounts: [
        { type: 'devpts', destination: '/pts', nodev: true, noexec: false, mode: '600', ptmxmode: '640', gid: 0 },
        { type: 'tmpfs', destination: '/tmp', nosuid: false, nodev: false, noexec: true, size: '1m', nr_inodes: '1k' },
        { type: 'proc', destination: '/srv', nosuid: false, nodev: false, noexec: false },
      ],
    }),
    expect: all(
      ends(0, '640 0\n'),
      sees(
        'mountinfo',
        /^\/pts on \/: 0:\* \/ rw,nosuid,nodev,relatime - devpts devpts rw,gid=0,mode=600,ptmxmode=640$/m,
        /^\/tmp on \/: 0:\* \/ rw,noexec,relatime - tmpfs tmpfs rw,size=1024k,nr_inodes=1024/m,
        /^\/srv on \/: 0:\* \/ rw,relatime - proc proc rw$/m,
      ),
    ),
  },
  {
    name: 'every type in a user namespace with all others',
    box: ({ rootfs }) => ({
      command: [...TRUE],
      rootfs,
      namespaces: { user: 'new' },
      mounts: (['proc', 'sysfs', 'mqueue', 'devpts', 'tmpfs', 'cgroup'] as const).map(type => ({
        type,
        destination: `/made/in/user/${type}`,
      })),
    }),
    expect: all(ends(0), sees('mountinfo', /\/user\/sysfs on \S+: 0:\* \/ ro,.* - sysfs sysfs /)),
  },
  {
    name: 'sysfs in a user namespace that shares the network',
    fails: true,
    withoutWorld: true,
    box: ({ rootfs }) => ({
      command: [...TRUE],
      rootfs,
      namespaces: { user: 'new', net: 'shared' },
      mounts: [{ type: 'sysfs', destination: '/sys' }],
    }),
    expect: ends(125, ''),
  },
  ...(['new', 'shared'] as const).map(
    (cgroup): NamedBox => ({
      name: `the cgroup hierarchies of this host, cgroup namespace ${cgroup}`,
      box: ({ rootfs }) => ({
        command: ['/bin/ls', '/sys'],
        rootfs,
        namespaces: { cgroup },
        mounts: [{ type: 'cgroup', destination: '/sys', readOnly: false }],
      }),
      expect: all(
        ends(0),
        sees('mountinfo', new RegExp(`^/sys(/\\S+)? on \\S+: \\S+ / rw,${RESTRICTED} - cgroup2? cgroup2? rw`, 'm')),
      ),
    }),
  ),
  {
    name: 'the cgroup hierarchies of this host, on the host',
    box: () => ({ command: ['pwd'], mounts: [{ type: 'cgroup', destination: '/mnt' }] }),
    expect: all(
      ends(0),
      sees('mountinfo', new RegExp(`^/mnt(/\\S+)? on \\S+: \\S+ / ro,${RESTRICTED} - cgroup2?`, 'm')),
    ),
  },
  ...(['shared', 'new'] as const).map(
    (user): NamedBox => ({
      name: `the cgroup hierarchies of this host, with limits, user namespace ${user}`,
      box: ({ rootfs }) => ({
        command: ['/bin/ls', '/sys'],
        rootfs,
        namespaces: { user },
        resources: { memory: { limit: '300M' }, pids: { limit: 200 } },
        mounts: [{ type: 'cgroup', destination: '/sys' }],
      }),
      // Of each hierarchy the root that is seen is the box's own.
      expect: all(
        ends(0),
        sees('mountinfo', new RegExp(`^/sys(/\\S+)? on \\S+: \\S+ / ro,${RESTRICTED} - cgroup2? cgroup2? rw`, 'm')),
        misses('mountinfo', /^\/sys\S* on \S+: \S+ \/\S+ .* - cgroup/m),
      ),
    }),
  ),
  {
    name: 'the cgroup hierarchies in a user namespace that shares them',
    fails: true,
    withoutWorld: true,
    box: ({ rootfs }) => ({
      command: [...TRUE],
      rootfs,
      namespaces: { user: 'new', cgroup: 'shared' },
      mounts: [{ type: 'cgroup', destination: '/sys' }],
    }),
    expect: ends(125, ''),
  },
  {
    name: 'the cgroup hierarchies of a host with version 2 alone',
    caller: UNIFIED,
    // Of what root could mount there, nothing is left out: test/cgroup-view.test.ts.
    box: ({ rootfs }) => ({
      command: [...TRUE],
      rootfs,
      namespaces: { user: 'new' },
      mounts: [{ type: 'cgroup', destination: '/sys/fs/cgroup' }],
    }),
    expect: all(
      sees('mountinfo', new RegExp(`^/sys/fs/cgroup on /: \\S+ / ro,${RESTRICTED} - cgroup2 cgroup2 rw`, 'm')),
      misses('mountinfo', /^\/sys\/fs\/cgroup\//m),
    ),
  },
  {
    name: 'the cgroup hierarchies of a host that combines some',
    caller: COMBINED,
    box: ({ rootfs }) => ({
      command: ['/bin/sh', '-c', 'cd /sys/fs/cgroup; readlink one two; ls'],
      rootfs,
      namespaces: { user: 'new' },
      mounts: [{ type: 'cgroup', destination: '/sys/fs/cgroup' }],
    }),
    expect: all(
      ends(0, 'one,two,three\none,two,three\none\none,two,three\nthree\ntwo\n'),
      sees('mountinfo', new RegExp(`^/sys/fs/cgroup on /: 0:\\* / ro,${RESTRICTED} - tmpfs tmpfs rw,mode=755`, 'm')),
      sees(
        'mountinfo',
        new RegExp(`^/sys/fs/cgroup/one,two,three on /sys/fs/cgroup: \\S+ / ro,${RESTRICTED} - cgroup2`, 'm'),
      ),
    ),
  },
  {
    name: 'the cgroup hierarchies of a host without',
    caller: cgroups(':'),
    fails: true,
    withoutWorld: true,
    box: ({ rootfs }) => ({ command: [...TRUE], rootfs, mounts: [{ type: 'cgroup', destination: '/sys' }] }),
    expect: ends(125, ''),
  },
  {
    name: 'a bind with options',
    box: ({ rootfs, directory }) => ({
      command: [...TRUE],
      rootfs,
      mounts: [
        bind(`${directory}/source`, '/mnt/target', { nosuid: true, nodev: true, noexec: true }),
        bind(`${directory}/source`, '/srv', { readOnly: true, noexec: true }),
      ],
    }),
    expect: sees(
      'mountinfo',
      new RegExp(`^/mnt/target on /: \\S+ \\S+ rw,${RESTRICTED} - `, 'm'),
      /^\/srv on \/: \S+ \S+ ro,noexec,relatime - /m,
    ),
  },
  {
    name: 'a bind with options covers the mounts below',
    caller: SUBMOUNT,
    box: ({ directory }) => ({ command: [...TRUE], mounts: [bind(`${directory}/source`, '/mnt', { noexec: true })] }),
    expect: sees('mountinfo', /^\/mnt\/below on \/mnt: 0:\* \/ rw,noexec,relatime - tmpfs below/m),
  },
  {
    name: 'a bind without the mounts below',
    caller: SUBMOUNT,
    box: ({ directory }) => ({
      command: [...TRUE],
      mounts: [bind(`${directory}/source`, '/mnt', { recursive: false, readOnly: true })],
    }),
    expect: all(sees('mountinfo', /^\/mnt on \S+: \S+ \S+ ro,/m), misses('mountinfo', /^\/mnt\/below/m)),
  },
  {
    name: 'a bind in a user namespace may not uncover what a mount covers',
    caller: SUBMOUNT,
    fails: true,
    withoutWorld: true,
    box: ({ directory }) => ({
      command: [...TRUE],
      namespaces: { user: 'new' },
      mounts: [bind(`${directory}/source`, '/mnt', { recursive: false })],
    }),
    expect: ends(125, ''),
  },
  ...[{}, { readOnly: true }, { readOnly: true, noexec: true }].map(
    (options): NamedBox => ({
      name: `flags that are locked stay, ${JSON.stringify(options)}`,
      caller: LOCKED,
      box: ({ rootfs, directory }) => ({
        command: ['/bin/sh', '-c', '! /srv/program'],
        rootfs,
        namespaces: { user: 'new' },
        mounts: [bind(`${directory}/private`, '/srv', options)],
      }),
      expect: sees(
        'mountinfo',
        new RegExp(`^/srv on /: 0:\\* / ${'readOnly' in options ? 'ro' : 'rw'},${RESTRICTED} - tmpfs locked rw`, 'm'),
      ),
    }),
  ),
  ...(['private', 'shared', 'unbindable', 'rprivate', 'rshared', 'runbindable'] as const).map(
    (propagation): NamedBox => ({
      name: `a bind that is ${propagation}`,
      caller: SUBMOUNT,
      box: ({ directory }) => ({
        command: [...TRUE],
        mounts: [bind(`${directory}/source`, '/mnt', { propagation })],
      }),
      expect: all(
        sees(
          'mountinfo',
          new RegExp(`^/mnt on \\S+: \\S+ \\S+ rw,\\S+ ${TRAVELS[propagation.replace(/^r/, '')]}- `, 'm'),
        ),
        sees(
          'mountinfo',
          new RegExp(
            `^/mnt/below on \\S+: \\S+ \\S+ rw,\\S+ ${propagation.startsWith('r') ? TRAVELS[propagation.slice(1)] : ''}- `,
            'm',
          ),
        ),
      ),
    }),
  ),
  ...(['slave', 'rslave', 'shared', 'private'] as const).map(
    (propagation): NamedBox => ({
      name: `a bind that is ${propagation} where the host shares its mounts`,
      caller: `set -- unshare --mount --propagation shared -- "$@"`,
      box: ({ directory }) => ({
        command: [...TRUE],
        propagation: 'slave',
        mounts: [bind(`${directory}/source`, '/mnt', { propagation })],
      }),
      expect: sees(
        'mountinfo',
        new RegExp(
          `^/mnt on \\S+: \\S+ \\S+ rw,\\S+ ${propagation === 'private' ? '' : propagation === 'shared' ? 'shared:\\* master:\\* ' : 'master:\\* '}- `,
          'm',
        ),
      ),
    }),
  ),
];
