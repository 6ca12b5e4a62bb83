import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { execute, nsgenPath } from './support/cli.js';
import { ownDirectory } from './support/own-directory.js';
import { makeRootfs, removeRootfs } from './support/rootfs.js';

/** Every box leads a session of its own, whatever it is made of, and cannot type into the terminal that it was started from. */

const directory = ownDirectory('new-session');
const rootfs = makeRootfs(['cat'], ['proc', 'dev']);
after(() => removeRootfs(rootfs));

const WAYS = ['nsgen run', 'nsgen run --backend script', 'bash box.sh'] as const;
type Way = (typeof WAYS)[number];

let scripts = 0;

function starter(way: Way, flags: readonly string[]): readonly string[] {
  if (way === 'nsgen run') return [process.execPath, nsgenPath, 'run', ...flags];
  if (way !== 'bash box.sh') return [process.execPath, nsgenPath, 'run', '--backend', 'script', ...flags];
  const path = join(directory, `box-${scripts++}.sh`);
  writeFileSync(path, execFileSync(process.execPath, [nsgenPath, 'script', ...flags, '--', 'true']));
  return ['bash', path];
}

/** The command with /proc of its own namespace is pid 1, and so its group, its session and its terminal are these. */
const OWN_PIDS: Readonly<Record<string, readonly string[]>> = {
  'the default box': [],
  'a box that unshare(1) can start alone': ['--share', 'net'],
  'a rootfs': ['--rootfs', rootfs],
  'a chroot': ['--rootfs', rootfs, '--chroot'],
  'a chroot and nothing else': ['--rootfs', rootfs, '--chroot', '--share', 'net'],
  'a user namespace': ['--unshare', 'user'],
};

const SHARED_PIDS: Readonly<Record<string, readonly string[]>> = {
  'a shared pid namespace': ['--share', 'pid'],
  'a process and nothing else': ['--share', 'pid,mount,uts,ipc,net,cgroup'],
  'a joined namespace': ['--join', 'uts:/proc/self/ns/uts', '--share', 'pid'],
};

/** Tries each way to write to the terminal's input, and to get it as one's own; then types for real, to be seen. */
const PUSH = `
import fcntl, os, termios
def attempt(name, action):
    try:
        action()
        print('<%s done>' % name)
    except OSError as error:
        print('<%s %s>' % (name, os.strerror(error.errno)))
for descriptor in range(3):
    attempt('push %d' % descriptor, lambda: fcntl.ioctl(descriptor, termios.TIOCSTI, b'!'))
attempt('control', lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
attempt('steal', lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 1))
attempt('open', lambda: os.open('/dev/tty', os.O_RDWR))
attempt('again', lambda: fcntl.ioctl(0, termios.TIOCSTI, b'!'))
`;

/** In a terminal of script(1)'s, which reads nothing else. */
async function inTerminal(words: readonly string[]): Promise<string> {
  const quoted = words.map(word => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
  const { stdout } = await execute('script', ['-qefc', quoted, '/dev/null']);
  return stdout;
}

const outcomes = (output: string): readonly string[] => output.match(/<[^<>]+>/g) ?? [];

/** Since Linux 6.2 an administrator can forbid TIOCSTI to all but root of the host. */
const FORBIDDEN_TO_ALL =
  existsSync('/proc/sys/dev/tty/legacy_tiocsti') && readFileSync('/proc/sys/dev/tty/legacy_tiocsti', 'utf8') === '0\n';

test('what shows that the attack works: from the session of the terminal, without rights', async () => {
  const output = await inTerminal(['unshare', '--user', '--map-root-user', 'python3', '-c', PUSH]);
  const push = FORBIDDEN_TO_ALL ? 'Input/output error' : 'done';
  const expected = [`<push 0 ${push}>`, `<push 1 ${push}>`, `<push 2 ${push}>`];
  assert.deepEqual(outcomes(output).slice(0, 3), expected, output);
  assert.equal(output.includes('!'), !FORBIDDEN_TO_ALL, output);
});

for (const way of WAYS) {
  describe(`a session of its own, ${way}`, () => {
    for (const [name, flags] of Object.entries(OWN_PIDS)) {
      test(name, async () => {
        const [program = '', ...args] = [...starter(way, flags), '--', 'cat', '/proc/self/stat'];
        const { stdout, stderr } = await execute(program, args);
        assert.match(stdout, /^1 \(cat\) \S 0 1 1 0 -1 /, stderr);
      });
    }

    test('with an init, which gives the command a group', async () => {
      const [program = '', ...args] = [...starter(way, ['--init']), '--', 'cat', '/proc/1/stat', '/proc/self/stat'];
      const { stdout, stderr } = await execute(program, args);
      assert.match(stdout, /^1 \(nsgen-init\) \S 0 1 1 0 -1 .*\n2 \(cat\) \S 1 2 1 0 -1 /, stderr);
    });

    for (const [name, flags] of Object.entries(SHARED_PIDS)) {
      test(name, async () => {
        const [program = '', ...args] = [...starter(way, flags), '--', 'cat', '/proc/self/stat'];
        const { stdout, stderr } = await execute(program, args);
        assert.match(stdout, /^(\d+) \(cat\) \S \d+ \1 \1 0 -1 /, stderr);
      });
    }

    test('no way to type into the terminal', async () => {
      const output = await inTerminal([...starter(way, ['--unshare', 'user']), '--', 'python3', '-c', PUSH]);
      const refused = FORBIDDEN_TO_ALL ? 'Input/output error' : 'Operation not permitted';
      const pushes = ['push 0', 'push 1', 'push 2'].map(push => `<${push} ${refused}>`);
      const controls = ['control', 'steal'].map(control => `<${control} Operation not permitted>`);
      const expected = [...pushes, ...controls, '<open No such device or address>', `<again ${refused}>`];
      assert.deepEqual(outcomes(output), expected, output);
      assert.doesNotMatch(output, /!/);
    });
  });
}
