import assert from 'node:assert/strict';
import { all, ends, misses, type NamedBox, sees } from '../named-box.js';

/** Where the terminal is, whose it is, and what of it is open. */
const LOOK =
  'tty; stat -c "%A %u %g %t,%T" /dev/console /dev/pts/0; ls /dev/pts; stty -a; ps -o pid,ppid,sid,tpgid,tty,args';
const COMMAND = ['sh', '-c', LOOK];

const isOwn: NamedBox['expect'] = ({ run }) =>
  assert.match(
    run.stdout.toString('latin1'),
    /^\/dev\/pts\/0\r\ncrw--w---- 0 [05] 88,0\r\ncrw--w---- 0 [05] 88,0\r\n0 {2}ptmx\r\nspeed /,
  );

const EACH = all(
  isOwn,
  sees('descriptors', /^0: \/dev\/pts\/0$/m, /^2: \/dev\/pts\/0$/m),
  sees('mountinfo', /^\/dev\/pts on .*: .* devpts /m, /^\/dev\/console on .*: \S+ \/0 .* devpts /m),
  sees('environment', /^TERM=xterm$/m),
  misses('process', /terminal 0/),
);

/** Boxes with a terminal of their own. */
export const terminalBoxes: readonly NamedBox[] = [
  { name: 'terminal: on the host', box: () => ({ command: COMMAND, terminal: true }), expect: EACH },
  { name: 'terminal: a rootfs', box: ({ rootfs }) => ({ command: COMMAND, rootfs, terminal: true }), expect: EACH },
  {
    name: 'terminal: a rootfs by chroot, without a /dev',
    box: ({ rootfs }) => ({ command: COMMAND, rootfs: { path: rootfs, change: 'chroot' }, terminal: true }),
    expect: EACH,
  },
  {
    name: 'terminal: a rootfs of programs, an init',
    box: () => ({
      command: COMMAND,
      rootfs: { from: ['sh', 'cat', 'readlink', 'stat', 'ls', 'ps', 'stty', 'tty'], readOnly: true },
      init: true,
      terminal: true,
    }),
    expect: EACH,
  },
  {
    name: 'terminal: a devpts as runc has it',
    box: ({ rootfs }) => ({
      command: COMMAND,
      rootfs,
      mounts: [{ type: 'devpts', destination: '/dev/pts', gid: 5 }],
      terminal: true,
    }),
    expect: all(EACH, sees('mountinfo', /devpts rw,gid=5,mode=620,ptmxmode=666/)),
  },
  {
    name: 'terminal: a user namespace, an overlay',
    box: ({ rootfs }) => ({ command: COMMAND, rootfs, overlay: true, namespaces: { user: 'new' }, terminal: true }),
    expect: EACH,
  },
  {
    name: 'terminal: an ordinary user',
    caller: 'set -- setpriv --reuid 65534 --regid 65534 --clear-groups "$@"',
    box: () => ({ command: COMMAND, cwd: '/', terminal: true }),
    expect: EACH,
  },
  {
    name: 'terminal: an ordinary user, a rootfs of programs',
    caller: 'set -- setpriv --reuid 65534 --regid 65534 --clear-groups "$@"',
    box: () => ({
      command: COMMAND,
      rootfs: { from: ['sh', 'cat', 'readlink', 'stat', 'ls', 'ps', 'stty', 'tty'] },
      terminal: true,
    }),
    expect: EACH,
  },
  {
    name: 'terminal: limits, the process ids of the host',
    box: () => ({
      command: ['sh', '-c', 'tty; exit 3'],
      namespaces: { pid: 'shared' },
      resources: { memory: { limit: '200M' } },
      terminal: true,
    }),
    expect: ends(3, '/dev/pts/0\r\n'),
    // Its first output, by which its limits would be looked up, is the echo of what it is sent before it begins.
    withoutWorld: true,
  },
  {
    name: 'terminal: clocks, another TERM',
    box: () => ({
      command: ['sh', '-c', 'echo $TERM'],
      env: { TERM: 'dumb' },
      namespaces: { time: 'new' },
      timeOffsets: { monotonic: 86400 },
      terminal: true,
    }),
    expect: ends(0, 'dumb\r\n'),
  },
  {
    name: 'terminal: a signal ends the command',
    box: () => ({ command: ['sh', '-c', 'kill -TERM $$'], namespaces: { pid: 'shared' }, terminal: true }),
    expect: ends(143, ''),
  },
  {
    name: 'terminal: the arguments arrive as they are',
    box: () => ({
      command: ['printf', '<%s>\\n', '', ' a  b ', '\'"`$(id)\\', '\n\t*', 'ü\u{1f600}', '-c'],
      terminal: true,
    }),
    expect: ends(0, '<>\r\n< a  b >\r\n<\'"`$(id)\\>\r\n<\r\n\t*>\r\n<ü\u{1f600}>\r\n<-c>\r\n'),
  },
];
