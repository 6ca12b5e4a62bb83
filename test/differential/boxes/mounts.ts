import type { BoxInput } from '../../../src/index.js';
import { all, ends, misses, type NamedBox, sees, TRUE } from '../named-box.js';

type Mounts = NonNullable<BoxInput['mounts']>;
const tmpfs = (destination: string, options: { size?: string; mode?: string } = {}): Mounts[number] => ({
  type: 'tmpfs',
  destination,
  ...options,
});
const bind = (source: string, destination: string, readOnly = false): Mounts[number] => ({
  type: 'bind',
  source,
  destination,
  readOnly,
});

/** Mounts that only this caller has: below the source of a bind, with flags of their own. */
const SUBMOUNTS = `set -- unshare --mount --propagation private -- bash -c '
  ground=$1; shift
  mount -t tmpfs -o nosuid,nodev,noexec,size=64k below "$ground/source/below" && exec "$@"' mounts "$GROUND" "$@"`;

/** Roots, binds, memory file systems and how mounts travel. */
export const mountBoxes: readonly NamedBox[] = [
  {
    name: 'rootfs',
    box: ({ rootfs }) => ({ command: ['/bin/ps', '-ef'], rootfs }),
    expect: all(
      sees(
        'mountinfo',
        /^\/ on nothing visible: /m,
        /^\/proc on \/: 0:\* \/ rw,nosuid,nodev,noexec,relatime - proc proc rw$/m,
      ),
      misses('mountinfo', /sysfs/),
      sees('directories', /^cwd: \/\nroot: \/\nexe: \/usr\/bin\/sh$/m),
    ),
    peer: ({ rootfs }) => [
      ...'bwrap --as-pid-1 --unshare-pid --clearenv --setenv HOME /root --bind'.split(' '),
      ...[rootfs, '/', '--proc', '/proc', '/bin/ps', '-ef'],
    ],
  },
  {
    name: 'rootfs by chroot',
    box: ({ rootfs }) => ({ command: ['/bin/ps', '-ef'], rootfs: { path: rootfs, change: 'chroot' } }),
    expect: all(sees('mountinfo', /^\/proc on nothing visible: 0:\* \/ /m), misses('mountinfo', /sysfs/)),
    peer: ({ rootfs }) => [
      ...`unshare --fork --pid --mount --mount-proc=${rootfs}/proc env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot`.split(
        ' ',
      ),
      ...[rootfs, '/bin/ps', '-ef'],
    ],
  },
  {
    name: 'rootfs by chroot, mounts shared',
    box: ({ rootfs }) => ({ command: ['/bin/ls', '/'], rootfs, namespaces: { mount: 'shared' } }),
    expect: all(ends(0), sees('namespaces', /not visible/), sees('self', /^pid 1$/m)),
  },
  {
    name: 'rootfs by chroot, nothing for a second bash to do',
    box: ({ rootfs }) => ({
      command: ['/bin/sh', '-c', 'exit 7'],
      rootfs: { path: rootfs, change: 'chroot' },
      cwd: '/work dir',
      namespaces: { uts: 'shared' },
      loopback: false,
    }),
    expect: all(ends(7), sees('directories', /^cwd: \/work dir$/m)),
  },
  {
    name: 'rootfs without /proc',
    box: ({ rootfs }) => ({ command: ['/bin/ls', '/proc'], rootfs, proc: false }),
    expect: all(ends(0, ''), sees('mountinfo', /not visible/), sees('self', /in \/proc not visible/)),
  },
  {
    name: 'rootfs with a user namespace',
    box: ({ rootfs }) => ({ command: ['/bin/true'], rootfs, namespaces: { user: 'new' }, mounts: [tmpfs('/tmp')] }),
    expect: all(ends(0), sees('mountinfo', /^\/tmp on \/: /m)),
  },
  {
    name: 'rootfs and a working directory',
    box: ({ rootfs }) => ({ command: ['/bin/sh', '-c', 'pwd'], rootfs, cwd: '/work dir' }),
    expect: all(ends(0, '/work dir\n'), sees('directories', /^cwd: \/work dir$/m)),
  },
  {
    name: 'a working directory reached through symlinks in the rootfs',
    box: ({ rootfs }) => ({ command: ['/bin/sh', '-c', 'pwd -P'], rootfs, cwd: '/a/b/climbing' }),
    expect: ends(0, '/mnt/target\n'),
  },
  {
    name: 'a working directory that only a mount has',
    box: ({ rootfs, directory }) => ({
      command: ['/bin/cat', '../file'],
      rootfs,
      cwd: '/srv/below',
      mounts: [bind(`${directory}/source`, '/srv')],
    }),
    expect: ends(0, 'of the host\n'),
  },
  {
    name: 'the working directory is missing',
    fails: true,
    withoutWorld: true,
    box: () => ({ command: [...TRUE], cwd: '/nowhere' }),
    expect: ends(125, ''),
  },
  {
    name: 'the working directory is missing in the rootfs',
    fails: true,
    withoutWorld: true,
    box: ({ rootfs }) => ({ command: ['/bin/true'], rootfs, cwd: '/nowhere' }),
    expect: ends(125, ''),
  },
  {
    name: 'the working directory is a symlink of the host',
    box: ({ directory }) => ({ command: ['sh', '-c', 'pwd -P; pwd'], cwd: `${directory}/link` }),
    expect: ({ run }) => ends(0, run.stdout.toString().replace(/link/g, 'source'))({ run, world: new Map() }),
  },
  {
    name: 'the working directory is covered by a mount',
    box: ({ directory }) => ({
      command: ['cat', 'file'],
      cwd: `${directory}/private`,
      mounts: [bind(`${directory}/source`, `${directory}/private`)],
    }),
    expect: ends(0, 'of the host\n'),
  },
  {
    name: 'a directory bound into the rootfs',
    box: ({ rootfs, directory }) => ({
      command: ['/bin/cat', '/srv/file'],
      rootfs,
      mounts: [bind(`${directory}/source`, '/srv')],
    }),
    expect: all(ends(0, 'of the host\n'), sees('mountinfo', /^\/srv on \/: \S+ \S+\/source rw,/m)),
  },
  {
    name: 'a file bound into the rootfs',
    box: ({ rootfs, directory }) => ({
      command: ['/bin/cat', '/mnt/file'],
      rootfs,
      mounts: [bind(`${directory}/source/file`, '/mnt/file', true)],
    }),
    expect: all(ends(0, 'of the host\n'), sees('mountinfo', /^\/mnt\/file on \/: \S+ \S+ ro,/m)),
  },
  {
    name: 'a read-only bind with a mount below its source',
    caller: SUBMOUNTS,
    box: ({ rootfs, directory }) => ({
      command: ['/bin/sh', '-c', '! sh -c ": >/srv/below/x"'],
      rootfs,
      mounts: [bind(`${directory}/source`, '/srv', true)],
    }),
    expect: all(
      ends(0),
      sees('mountinfo', /^\/srv on \/: \S+ \S+ ro,/m),
      sees('mountinfo', /^\/srv\/below on \/srv: 0:\* \/ ro,nosuid,nodev,noexec,relatime - tmpfs below rw,size=64k/m),
    ),
  },
  {
    name: 'a read-only bind with a mount below its source, in a user namespace',
    caller: SUBMOUNTS,
    box: ({ directory }) => ({
      command: [...TRUE],
      namespaces: { user: 'new' },
      mounts: [bind(`${directory}/source`, '/mnt', true)],
    }),
    expect: all(ends(0), sees('mountinfo', /^\/mnt\/below on \/mnt: 0:\* \/ ro,nosuid,nodev,noexec/m)),
  },
  {
    name: 'a writable bind with a mount below its source',
    caller: SUBMOUNTS,
    box: ({ directory }) => ({ command: [...TRUE], mounts: [bind(`${directory}/source`, '/mnt')] }),
    expect: sees('mountinfo', /^\/mnt\/below on \/mnt: 0:\* \/ rw,nosuid,nodev,noexec/m),
  },
  {
    name: 'memory file systems',
    box: ({ rootfs }) => ({
      command: ['/bin/stat', '-c', '%a', '/tmp', '/srv', '/mnt'],
      rootfs,
      mounts: [tmpfs('/tmp'), tmpfs('/srv', { size: '1m', mode: '0750' }), tmpfs('/mnt', { size: '50%', mode: '700' })],
    }),
    expect: all(
      ends(0, '1777\n750\n700\n'),
      sees('mountinfo', /^\/srv on \/: 0:\* \/ rw,nosuid,nodev,relatime - tmpfs tmpfs rw,size=1024k,mode=750/m),
    ),
  },
  {
    name: 'mounts on mounts, in order',
    box: ({ rootfs, directory }) => ({
      command: ['/bin/cat', '/mnt/file'],
      rootfs,
      mounts: [tmpfs('/mnt'), bind(`${directory}/source`, '/mnt'), tmpfs('/mnt/below')],
    }),
    expect: all(
      ends(0, 'of the host\n'),
      sees('mountinfo', /^\/mnt on \/: .*\n\/mnt on \/mnt: .*\n\/mnt\/below on \/mnt: /m),
    ),
  },
  ...['/absolute', '/a/b/climbing', '/relative', '/twice', '/./mnt//target/'].map(
    (destination): NamedBox => ({
      name: `a mount point reached as ${destination}`,
      box: ({ rootfs, directory }) => ({
        command: ['/bin/cat', '/mnt/target/file'],
        rootfs,
        mounts: [bind(`${directory}/source`, destination)],
      }),
      expect: all(ends(0, 'of the host\n'), sees('mountinfo', /^\/mnt\/target on \/: /m)),
    }),
  ),
  {
    name: 'mounts without a rootfs',
    box: ({ directory }) => ({
      command: ['cat', '/mnt/file'],
      mounts: [tmpfs('/srv'), bind(`${directory}/link`, '/mnt', true)],
    }),
    expect: all(ends(0, 'of the host\n'), sees('mountinfo', /^\/srv on \/: /m, /^\/mnt on \/: \S+ \S+\/source ro,/m)),
  },
  {
    name: 'a mount point that is missing on the host',
    fails: true,
    withoutWorld: true,
    box: () => ({ command: ['/bin/true'], mounts: [tmpfs('/nowhere')] }),
    expect: ends(125, ''),
  },
  {
    name: 'mount points that are missing in the rootfs',
    box: ({ rootfs, directory }) => ({
      command: ['/bin/stat', '-c', '%F %a %u', '/made', '/made/by', '/made/by/file', '/made/by/directory'],
      rootfs,
      mounts: [
        bind(`${directory}/source/file`, '/made/by/file'),
        bind(`${directory}/source`, '/made/by/directory'),
        tmpfs('/absolute/below', { mode: '0700' }),
      ],
    }),
    expect: all(
      ends(0, 'directory 755 0\ndirectory 755 0\nregular file 644 0\ndirectory 755 0\n'),
      sees('mountinfo', /^\/mnt\/target\/below on \//m),
    ),
  },
  {
    name: 'a source that is missing',
    fails: true,
    withoutWorld: true,
    box: ({ rootfs }) => ({ command: ['/bin/true'], rootfs, mounts: [bind('/nowhere', '/srv')] }),
    expect: ends(125, ''),
  },
  {
    name: 'a rootfs that is missing',
    fails: true,
    withoutWorld: true,
    box: () => ({ command: [...TRUE], rootfs: '/nowhere' }),
    expect: ends(2, ''),
  },
  {
    name: 'propagation private',
    box: () => ({ command: [...TRUE], propagation: 'private', proc: false }),
    expect: misses('mountinfo', /(shared|master):/),
  },
  {
    name: 'propagation slave',
    // The host may share nothing: a caller that does.
    caller: `set -- unshare --mount --propagation shared -- "$@"`,
    box: () => ({ command: [...TRUE], propagation: 'slave' }),
    expect: all(sees('mountinfo', /^\/ on \S.* master:\* -/m), misses('mountinfo', /shared:/)),
  },
  {
    name: 'propagation shared',
    box: () => ({ command: [...TRUE], propagation: 'shared', proc: false }),
    expect: sees('mountinfo', /^\/ on \S.* shared:\* -/m),
  },
  {
    name: 'propagation unchanged',
    caller: `set -- unshare --mount --propagation shared -- "$@"`,
    box: () => ({ command: [...TRUE], propagation: 'unchanged', proc: false }),
    expect: all(sees('mountinfo', /^\/ on \S.* shared:\* -/m), misses('mountinfo', /master:/)),
  },
];
