import { all, ends, misses, type NamedBox, sees, TRUE } from '../named-box.js';

/** No device can be made: as in a container whose runtime took CAP_MKNOD away. */
const WITHOUT_MKNOD = 'set -- setpriv --bounding-set -mknod -- "$@"';
const AS_NOBODY = 'set -- setpriv --reuid 65534 --regid 65534 --clear-groups -- "$@"';

const NODES = '/dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty';
const LISTED = [
  `stat -c '%n %f %t:%T %u' ${NODES}`,
  `stat -c '%N' /dev/ptmx /dev/fd /dev/stdin /dev/stdout /dev/stderr`,
  `stat -c '%n %a' /dev /dev/pts /dev/shm`,
].join('; ');
const nodes = (owner: number) =>
  `/dev/null 21b6 1:3 ${owner}\n/dev/zero 21b6 1:5 ${owner}\n/dev/full 21b6 1:7 ${owner}\n` +
  `/dev/random 21b6 1:8 ${owner}\n/dev/urandom 21b6 1:9 ${owner}\n/dev/tty 21b6 5:0 ${owner}\n`;
const LINKS =
  "'/dev/ptmx' -> 'pts/ptmx'\n'/dev/fd' -> '/proc/self/fd'\n'/dev/stdin' -> '/proc/self/fd/0'\n" +
  "'/dev/stdout' -> '/proc/self/fd/1'\n'/dev/stderr' -> '/proc/self/fd/2'\n";
const DIRECTORIES = '/dev 755\n/dev/pts 755\n/dev/shm 1777\n';

const OWN_DEV = sees(
  'mountinfo',
  /^\/dev on \/: 0:\* \/ rw,nosuid,relatime - tmpfs tmpfs rw,size=65536k,mode=755/m,
  /^\/dev\/pts on \/dev: 0:\* \/ rw,nosuid,noexec,relatime - devpts devpts rw,mode=620,ptmxmode=666$/m,
  /^\/dev\/shm on \/dev: 0:\* \/ rw,nosuid,nodev,noexec,relatime - tmpfs tmpfs rw,size=65536k/m,
);
/** What every kernel has, of the default paths. */
const PROTECTED = sees(
  'mountinfo',
  /^\/proc\/interrupts on \/proc: \S+ \/null /m,
  /^\/proc\/timer_list on \/proc: \S+ \/null /m,
  /^\/proc\/sys on \/proc: 0:\* \/sys ro,nosuid,nodev,noexec,relatime - proc proc rw$/m,
  /^\/proc\/irq on \/proc: 0:\* \/irq ro,nosuid,nodev,noexec,relatime - proc proc rw$/m,
);

const devBoxes: readonly NamedBox[] = [
  {
    name: '/dev, nodes of its own',
    box: ({ rootfs }) => ({ command: ['/bin/sh', '-c', LISTED], rootfs }),
    expect: all(
      ends(0, nodes(0) + LINKS + DIRECTORIES),
      OWN_DEV,
      PROTECTED,
      misses('mountinfo', /^\/dev\/(null|tty) on/m),
    ),
  },
  ...[
    { name: 'without CAP_MKNOD', caller: WITHOUT_MKNOD, owner: 0, namespaces: {} },
    { name: 'in a user namespace of root', owner: 0, namespaces: { user: 'new' as const } },
    { name: 'of an ordinary user', caller: AS_NOBODY, owner: 65534, namespaces: {} },
  ].map(
    ({ name, caller, owner, namespaces }): NamedBox => ({
      name: `/dev, nodes of the host, ${name}`,
      ...(caller === undefined ? {} : { caller }),
      box: ({ rootfs }) => ({ command: ['/bin/sh', '-c', LISTED], rootfs, namespaces }),
      expect: all(
        ends(0, nodes(owner) + LINKS + DIRECTORIES),
        OWN_DEV,
        PROTECTED,
        sees('mountinfo', /^\/dev\/null on \/dev: 0:\* \/null ro,/m, /^\/dev\/tty on \/dev: 0:\* \/tty ro,/m),
      ),
    }),
  ),
  {
    name: '/dev in a chroot, because it is asked for',
    box: ({ rootfs }) => ({
      command: ['/bin/sh', '-c', LISTED],
      rootfs: { path: rootfs, change: 'chroot' },
      dev: true,
    }),
    expect: all(ends(0, nodes(0) + LINKS + DIRECTORIES), misses('mountinfo', /^\/proc\//m)),
  },
  {
    name: 'no /dev',
    box: ({ rootfs }) => ({ command: [...TRUE], rootfs, dev: false }),
    expect: all(ends(0), PROTECTED, misses('mountinfo', /^\/dev on/m)),
  },
  {
    name: 'privileged: a /dev, and nothing masked or read-only',
    box: ({ rootfs }) => ({ command: [...TRUE], rootfs, privileged: true }),
    expect: all(ends(0), OWN_DEV, misses('mountinfo', /^\/proc\//m)),
  },
  {
    name: 'what the devices do',
    box: ({ rootfs }) => ({
      command: [
        '/bin/bash',
        '-c',
        'echo x >/dev/null; read -rd "" -n 4 zero </dev/zero; echo "$?$zero"; (echo x >/dev/full) 2>/dev/null || echo full; ' +
          'echo stdin | { read -r line </dev/stdin; echo "$line" >/dev/stdout; } | cat; cat /dev/fd/3 3<<<three; ' +
          'LC_ALL=C read -rN 1 -d "" </dev/urandom; echo $?; : <>/dev/tty',
      ],
      rootfs,
    }),
    expect: all(ends(1), ({ run }) => {
      const [zero, ...others] = run.stdout.toString('latin1').split('\n');
      if (!/^[01]$/.test(zero ?? '')) throw new Error(`/dev/zero: ${zero}`);
      if (others.join(' ') !== 'full stdin three 0 ') throw new Error(others.join('|'));
    }),
  },
];

const pathBoxes: readonly NamedBox[] = [
  {
    name: 'masked paths, each kind',
    box: ({ rootfs, directory }) => ({
      command: ['/bin/sh', '-c', 'ls -A /srv /a "/work dir"; cat /mnt/file /tmp/x/file; stat -c %F /mnt/file'],
      rootfs,
      mounts: [
        { type: 'bind', source: `${directory}/source`, destination: '/srv' },
        { type: 'tmpfs', destination: '/tmp' },
        { type: 'bind', source: `${directory}/source`, destination: '/tmp/x' },
      ],
      maskedPaths: ['/srv', '/a', '/a/b', '/work dir', '/mnt/file', '/mnt/file/below', '/tmp/x/file', '/nothing'],
      readonlyPaths: [],
    }),
    expect: all(
      ends(0, '/a:\n\n/srv:\n\n/work dir:\ncharacter special file\n'),
      sees('mountinfo', /^\/srv on \/srv: 0:\* \/ ro,nosuid,nodev,noexec,relatime - tmpfs tmpfs ro$/m),
      misses('mountinfo', /^\/a\/b /m),
    ),
  },
  {
    name: 'masked paths that are reached by symlinks of the rootfs',
    box: ({ rootfs }) => ({
      command: [...TRUE],
      rootfs,
      maskedPaths: ['/absolute', '/a/b/climbing'],
      readonlyPaths: ['/twice', '/relative'],
    }),
    expect: all(ends(0), sees('mountinfo', /^\/mnt\/target on \/mnt\/target: /m)),
  },
  {
    name: 'masked paths without a /dev',
    box: ({ rootfs }) => ({ command: ['/bin/cat', '/mnt/file'], rootfs, dev: false, maskedPaths: ['/mnt/file'] }),
    expect: all(ends(0, ''), sees('mountinfo', /^\/mnt\/file on \/: 0:\* \/null .* - devtmpfs /m)),
  },
  {
    name: 'masked and read-only paths on the tree of the host',
    box: ({ directory }) => ({
      command: ['sh', '-c', `cat ${directory}/source/file; ls ${directory}/bin; (: >/mnt/x) || echo refused`],
      maskedPaths: [`${directory}/source/file`, `${directory}/bin`],
      readonlyPaths: ['/mnt'],
    }),
    expect: ({ run }) => ends(0, 'refused\n')({ run, world: new Map() }),
  },
  {
    name: 'read-only paths, with mounts below and flags of their own',
    box: ({ rootfs, directory }) => ({
      command: ['/bin/sh', '-c', '! (: >/srv/x) && ! (: >/srv/below/x) && ! (: >/mnt/target/x) && : >/mnt/y'],
      rootfs,
      mounts: [
        { type: 'bind', source: `${directory}/source`, destination: '/srv' },
        { type: 'tmpfs', destination: '/srv/below', mode: '700' },
        { type: 'tmpfs', destination: '/mnt' },
        { type: 'tmpfs', destination: '/mnt/target' },
      ],
      readonlyPaths: ['/srv', '/mnt/target', '/nothing', '/srv/below', '/work dir'],
      maskedPaths: [],
    }),
    expect: all(
      ends(0),
      sees(
        'mountinfo',
        /^\/srv on \/srv: \S+ \S+\/source ro,/m,
        /^\/srv\/below on \/srv: 0:\* \/ ro,nosuid,nodev,relatime /m,
        /^\/work\\040dir on \/: \S+ \S+ ro,/m,
      ),
    ),
  },
  {
    name: 'a read-only root',
    box: ({ rootfs }) => ({
      command: ['/bin/sh', '-c', '! (: >/x) && ! (: >/made/x) && : >/tmp/x && : >/dev/shm/x'],
      rootfs: { path: rootfs, readOnly: true },
      mounts: [
        { type: 'tmpfs', destination: '/tmp' },
        { type: 'tmpfs', destination: '/made/for/it' },
      ],
    }),
    expect: all(ends(0), sees('mountinfo', /^\/ on nothing visible: \S+ \S+ ro,/m, /^\/tmp on \/: 0:\* \/ rw,/m)),
  },
  {
    name: 'a read-only root, with mounts below it on the host',
    caller: `set -- unshare --mount --propagation private -- bash -c '
      rootfs=$1; shift
      mount -t tmpfs -o nosuid,nodev,noexec,size=64k below "$rootfs/srv" && exec "$@"' mounts "$ROOTFS" "$@"`,
    box: ({ rootfs }) => ({
      command: ['/bin/sh', '-c', '! (: >/srv/x) && : >/tmp/x'],
      rootfs: { path: rootfs, readOnly: true },
      mounts: [{ type: 'tmpfs', destination: '/tmp' }],
      namespaces: { user: 'new' },
    }),
    expect: all(
      ends(0),
      sees('mountinfo', /^\/srv on \/: 0:\* \/ ro,nosuid,nodev,noexec,relatime - tmpfs below rw,size=64k/m),
    ),
  },
];

/** /dev, masked and read-only paths, read-only roots. */
export const deviceBoxes: readonly NamedBox[] = [...devBoxes, ...pathBoxes];
