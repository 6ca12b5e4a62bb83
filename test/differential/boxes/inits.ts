import assert from 'node:assert/strict';
import { all, ends, type NamedBox } from '../named-box.js';

/** What a process sees of its pid 1: its names, what it is executed from, what it has open, whose child it is. */
const LOOK =
  'echo $$ $PPID; cat /proc/1/comm /proc/1/cmdline; readlink /proc/1/exe /proc/1/root /proc/1/cwd; ls /proc/1/fd; ps -eo pid,ppid,sid,pgid,tty,user,comm,args';
const OWN = ['sh', '-c', LOOK];
const isOwn: NamedBox['expect'] = ({ run }) =>
  assert.match(
    run.stdout.toString(),
    /^2 1\nnsgen-init\nnsgen-init\0exec\0sh\0-c\0.*\0\/memfd:nsgen-init \(deleted\)\n\/\n/s,
  );
const second: NamedBox['expect'] = ({ run }) => assert.match(run.stdout.toString(), /^2 1\n/);
const EACH = all(isOwn, second);

/** Boxes whose pid 1 is an init: nsgen's own, or one of the host. */
export const initBoxes: readonly NamedBox[] = [
  { name: 'init: on the host', box: () => ({ command: OWN, init: true }), expect: EACH },
  { name: 'init: a rootfs', box: ({ rootfs }) => ({ command: OWN, rootfs, init: true }), expect: EACH },
  {
    name: 'init: a rootfs by chroot',
    box: ({ rootfs }) => ({ command: OWN, rootfs: { path: rootfs, change: 'chroot' }, init: true }),
    expect: EACH,
  },
  {
    name: 'init: a rootfs of programs',
    box: () => ({ command: OWN, rootfs: { from: ['sh', 'cat', 'readlink', 'ls', 'ps'] }, init: true }),
    expect: EACH,
  },
  {
    name: 'init: an overlay, another directory',
    box: ({ rootfs }) => ({ command: OWN, rootfs, overlay: true, cwd: '/tmp', init: true }),
    expect: all(second, ({ run }) => assert.match(run.stdout.toString(), /\n\/\n\/tmp\n/)),
  },
  {
    name: 'init: a user namespace',
    box: () => ({ command: OWN, namespaces: { user: 'new' }, init: true }),
    expect: EACH,
  },
  {
    name: 'init: a user namespace and a rootfs',
    box: ({ rootfs }) => ({ command: OWN, rootfs, namespaces: { user: 'new' }, init: true }),
    expect: EACH,
  },
  {
    name: 'init: an ordinary user',
    caller: 'set -- setpriv --reuid 65534 --regid 65534 --clear-groups "$@"',
    box: () => ({ command: OWN, cwd: '/', init: true }),
    expect: EACH,
  },
  {
    name: 'init: the mounts of the host',
    box: () => ({ command: ['true'], namespaces: { mount: 'shared' }, init: true }),
    expect: ends(0, ''),
  },
  {
    name: 'init: variables that ld.so reads, of which it takes no notice',
    box: () => ({ command: ['true'], env: { LD_PRELOAD: '/no/such', LD_LIBRARY_PATH: '/nowhere' }, init: true }),
    expect: ({ run }) => assert.equal(run.exitStatus, 0),
  },
  {
    name: 'init: a program that is not there',
    box: () => ({ command: ['no-such-program'], init: true }),
    expect: all(ends(127, ''), ({ run }) =>
      assert.equal(run.stderr.toString(), 'nsgen-init: cannot execute no-such-program\n'),
    ),
  },
  {
    name: 'init: a file that is not executable',
    box: ({ directory }) => ({ command: [`${directory}/bin/locked`], init: true }),
    expect: ends(126, ''),
  },
  {
    name: 'init: a script without #!, found by an empty element of PATH',
    box: ({ directory }) => ({
      command: ['plain', 'a b'],
      cwd: `${directory}/bin`,
      env: { PATH: ':/bin' },
      init: true,
    }),
    expect: ends(0, 'run by plain: a b\n'),
  },
  ...['a=b', '-dash'].map(
    (program): NamedBox => ({
      name: `init: a command called ${program}`,
      box: ({ directory }) => ({ command: [program, '--help'], env: { PATH: `${directory}/bin:/bin` }, init: true }),
      expect: ends(0, `named ${program}: --help\n`),
    }),
  ),
  {
    name: 'init: what a key of a terminal would do, the command can do',
    withoutWorld: true,
    box: () => ({ command: ['sh', '-c', 'kill -INT $$; exit 9'], init: true }),
    expect: ends(130, ''),
  },
  {
    name: 'init: limits count it, and not what made it',
    withoutWorld: true,
    box: () => ({ command: ['true'], resources: { pids: { limit: 2 } }, init: true }),
    expect: ends(0, ''),
  },
  ...['/usr/bin/tini', '/usr/bin/tini-static', '/usr/bin/catatonit', '/usr/bin/dumb-init'].map(
    (init): NamedBox => ({
      name: `init: ${init} of the host`,
      box: () => ({ command: ['sh', '-c', 'echo $$ $PPID; cat /proc/1/comm; kill -KILL $$'], init }),
      expect: all(ends(137), second),
    }),
  ),
  ...['/usr/bin/tini-static', '/usr/bin/catatonit'].flatMap((init): NamedBox[] => [
    {
      name: `init: ${init} of the host, in a rootfs`,
      box: ({ rootfs }) => ({ command: ['sh', '-c', 'echo $$ $PPID; cat /proc/1/cmdline; exit 4'], rootfs, init }),
      expect: all(second, ({ run }) => {
        assert.equal(run.exitStatus, 4);
        assert.match(run.stdout.toString(), new RegExp(`^2 1\n/dev/init${init.slice('/usr/bin'.length)}\0--\0sh\0`));
      }),
    },
  ]),
  {
    name: 'init: /usr/bin/tini of the host, in a rootfs of programs',
    box: () => ({ command: ['sh', '-c', 'echo $$ $PPID; exit 4'], rootfs: { from: ['sh'] }, init: '/usr/bin/tini' }),
    expect: all(ends(4, '2 1\n'), second),
  },
  {
    name: 'init: a program of the host that is not there',
    fails: true,
    withoutWorld: true,
    box: () => ({ command: ['true'], init: '/no/such/init' }),
    expect: ends(127, ''),
  },
];
