import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, describe, test } from 'node:test';
import { statOf } from '../../src/host/process.js';
import { BACKEND_NAMES } from '../../src/index.js';
import { execute, type Finished, nsgen, nsgenPath } from '../support/cli.js';
import { installForEveryone } from '../support/installed.js';
import { descendants, hostState } from '../support/leftovers.js';
import { assertClean } from '../support/lint.js';
import { ownDirectory } from '../support/own-directory.js';
import { makeRootfs, removeRootfs } from '../support/rootfs.js';
import { until } from '../support/until.js';
import { found, inBox, startBox } from './running-box.js';

const directory = ownDirectory('exec');
chmodSync(directory, 0o755);
const rootfs = makeRootfs(['sh', 'cat', 'readlink', 'grep', 'sleep', 'pwd', 'ls'], ['proc', 'dev', 'tmp', 'work']);
chmodSync(rootfs, 0o755);
after(() => removeRootfs(rootfs));

const state = hostState();
afterEach(() => {
  assert.deepEqual(descendants(), []);
  assert.deepEqual(hostState(), state);
});

/** What a process is made of, as the box itself sees it. */
const LOOK = `for n in cgroup ipc mnt net pid time user uts; do readlink /proc/$1/ns/$n; done
cat /proc/$1/cgroup /proc/$1/uid_map /proc/$1/limits
grep -E '^(Cap|Umask|NoNew|Seccomp|Uid|Gid|Groups|Sig(Blk|Ign))' /proc/$1/status`;

const BOXES: Readonly<Record<string, readonly string[]>> = {
  'as root': ['--hostname', 'one'],
  'with a user namespace': ['--unshare', 'user'],
  'with limits': ['--memory', '100m', '--pids-limit', '20'],
  'with a rootfs': ['--rootfs', rootfs, '-w', '/work'],
  'with a chroot': ['--rootfs', rootfs, '--chroot'],
  'with clocks of its own': ['--unshare', 'time', '--boottime', '7000'],
  'with clocks and a user namespace': ['--unshare', 'time,user', '--monotonic', '-1'],
};

const RIGHTS = /^(Cap|NoNew|Uid|Gid|Groups)/;
const FEWER_RIGHTS: Readonly<Record<string, readonly string[]>> = {
  'a bounding set': ['--bounding-set=-sys_admin', '--no-new-privs'],
  'no capabilities': ['--bounding-set=-all', '--inh-caps=-all'],
  'another user': ['--reuid=1234', '--regid=1235', '--groups=1236,1237'],
  'three users': ['--ruid=1234', '--euid=0'],
  'another user with an ambient capability': [
    '--reuid=1234',
    '--clear-groups',
    '--inh-caps=-all,+net_raw',
    '--ambient-caps=+net_raw',
    '--bounding-set=-all,+net_raw,+chown',
  ],
};

const uptime = () => Number.parseFloat(readFileSync('/proc/uptime', 'utf8'));

for (const backend of BACKEND_NAMES) {
  const run = (words: readonly string[]): Promise<Finished> => nsgen(['exec', '--backend', backend, ...words]);
  const look = async (pid: string, which: string) =>
    (await run([pid, '--', 'sh', '-c', LOOK, 'sh', which])).stdout.replace(/^SigIgn.*/m, 'SigIgn');

  describe(`nsgen exec, ${backend}`, () => {
    for (const [name, flags] of Object.entries(BOXES))
      test(`is a process like that of the box, ${name}`, () =>
        inBox(startBox(flags), async pid => {
          const [own, other] = [await look(pid, 'self'), await look(pid, '1')];
          assert.ok(own.includes('Max open files'), own);
          assert.equal(own, other);
          const { stdout } = await run(['-e', 'MORE=a b', pid, '--', 'sh', '-c', 'pwd; echo "$MORE $HOME"']);
          assert.equal(stdout, `${name === 'with a rootfs' ? '/work' : '/'}\na b /root\n`);
        }));

    for (const [name, words] of Object.entries(FEWER_RIGHTS))
      test(`has no more rights than the box: ${name}`, () =>
        inBox(startBox([], ['setpriv', ...words, '--', 'sleep', 'infinity']), async pid => {
          await until(() => statOf(Number(pid))?.name === 'sleep', 'sleep');
          // By no shell: it would give up what its real user is not.
          const { stdout } = await run([pid, '--', 'grep', '-E', RIGHTS.source, '/proc/self/status']);
          const lines = readFileSync(`/proc/${pid}/status`, 'latin1').split('\n');
          assert.deepEqual(
            stdout.trimEnd().split('\n'),
            lines.filter(line => RIGHTS.test(line)),
          );
        }));

    test('has the clocks of the box', () =>
      inBox(startBox(['--unshare', 'time', '--boottime', '7000']), async pid => {
        const before = uptime();
        const { stdout } = await run([pid, '--', 'cat', '/proc/uptime']);
        const inside = Number.parseFloat(stdout) - 7000;
        assert.ok(inside >= before && inside <= uptime(), `${before} ${inside}`);
        const others = await run([pid, '--', 'readlink', '/proc/self/ns/time', '/proc/self/ns/time_for_children']);
        const [own, ofChildren] = others.stdout.split('\n');
        assert.equal(own, readlinkSync(`/proc/${pid}/ns/time`));
        assert.equal(ofChildren, own);
        assert.notEqual(own, readlinkSync('/proc/self/ns/time'));
      }));

    test('sees in ps what the box sees, and itself', () =>
      inBox(startBox([]), async pid => {
        const { stdout } = await run([pid, '--', 'ps', '-eo', 'ppid,args', '--no-headers']);
        assert.deepEqual(
          stdout
            .trim()
            .split('\n')
            .map(line => line.trim()),
          ['0 sleep infinity', '0 ps -eo ppid,args --no-headers'],
        );
      }));

    test('ends as the command ends, and says what failed', () =>
      inBox(startBox(['--rootfs', rootfs]), async pid => {
        const status = async (...words: readonly string[]) => (await run([...words])).status;
        assert.equal(await status(pid, '--', 'sh', '-c', 'exit 1'), 1);
        assert.equal(await status(pid, '--', 'sh', '-c', 'kill -KILL $$'), 137);
        assert.equal(await status(pid, '--', 'nsgen-nonexistent'), 127);
        assert.equal(await status(pid, '--', '/work'), 126);
        assert.equal(await status('-w', '/nonexistent', pid, '--', 'pwd'), 125);
        assert.equal((await run(['-w', '/work', pid, '--', 'pwd'])).stdout, '/work\n');
      }));

    test('a status of the command is that, whatever becomes of the box', async () => {
      const { pid, end } = await startBox(['--share', 'pid']);
      const { status, stderr } = await run([String(pid), '--', 'sh', '-c', `kill -KILL ${pid}; exit 1`]);
      assert.deepEqual([status, stderr], [1, '']);
      await end();
    });

    test('a box that is at its limit starts nothing, and that is no status of the command', () =>
      inBox(startBox(['--pids-limit', '1']), async pid => {
        const { status, stderr } = await run([pid, '--', 'sh', '-c', 'exit 1']);
        assert.equal(status, 125);
        assert.match(stderr, /EAGAIN/);
      }));

    test('a script without #! is for the shell, wherever PATH has it', () =>
      inBox(startBox([]), async pid => {
        const file = join(directory, 'no-interpreter');
        writeFileSync(file, 'echo "$0" "$@"; exit 3\n');
        chmodSync(file, 0o755);
        const found = await run(['-e', `PATH=/nonexistent:${directory}:/usr/bin`, pid, '--', 'no-interpreter', 'a b']);
        assert.deepEqual([found.status, found.stdout], [3, `${file} a b\n`]);
        assert.equal((await run([pid, '--', file, 'c'])).stdout, `${file} c\n`);
      }));

    test('passes signals on', () =>
      inBox(startBox([]), async pid => {
        const script = 'trap "echo TERM; exit 9" TERM; echo ready; while :; do sleep 0.05; done';
        const child = spawn(process.execPath, [nsgenPath, 'exec', '--backend', backend, pid, '--', 'sh', '-c', script]);
        const ended = once(child, 'exit');
        let output = '';
        child.stdout.on('data', text => {
          output += text;
        });
        await until(() => output.includes('ready'), 'ready');
        child.kill('SIGTERM');
        assert.deepEqual(await ended, [9, null]);
        assert.equal(output, 'ready\nTERM\n');
      }));

    test('leaves no process when nsgen is killed', () =>
      inBox(startBox([]), async pid => {
        const child = spawn(process.execPath, [nsgenPath, 'exec', '--backend', backend, pid, '--', 'sleep', '12345']);
        const ended = once(child, 'exit');
        const isSleep = (each: number) => readFileSync(`/proc/${each}/cmdline`, 'latin1').startsWith('sleep\x0012345');
        const command = await found('the command', () =>
          descendants(child.pid).find(each => existsSync(`/proc/${each}`) && isSleep(each)),
        );
        child.kill('SIGKILL');
        await ended;
        await until(() => statOf(command) === undefined, 'its end');
        // Who watches over the script takes away the program that it has made.
        await until(() => hostState().join() === state.join(), 'nothing left');
      }));
  });
}

test('a process that has ended, or whose number is another, is not joined', async () => {
  const box = await startBox([]);
  const { stdout } = await nsgen(['script', 'exec', String(box.pid), '--', 'true']);
  const start = statOf(box.pid)?.start ?? '';
  assert.ok(start !== '' && stdout.includes(start));
  // As if the number had come again.
  const other = await execute('bash', ['-s'], { input: stdout.replaceAll(start, String(Number(start) - 1)) });
  await box.end();
  assert.equal(other.status, 125);
  assert.match(other.stderr, /^exec\.sh: process \d+ has ended: its number is another's now\n$/);
  const gone = await nsgen(['exec', String(box.pid), '--', 'true']);
  assert.deepEqual(
    [gone.status, gone.stderr],
    [125, `nsgen: process ${box.pid} has ended: there is nothing to join\n`],
  );
  const late = await execute('bash', ['-s'], { input: stdout });
  assert.equal(late.status, 125);
});

test('the script is clean, and passes its arguments on', () =>
  inBox(startBox(['--memory', '100m']), async pid => {
    const { stdout } = await nsgen(['script', 'exec', pid, '--', 'printf', '%s', "it's $HOME"]);
    const path = join(directory, 'exec.sh');
    writeFileSync(path, stdout);
    const withTerminal = await nsgen(['script', 'exec', '-t', pid, '--', 'true']);
    await assertClean([stdout, withTerminal.stdout]);
    assert.equal((await execute('bash', [path])).stdout, "it's $HOME");
    assert.equal((await execute('bash', [path, '--', 'echo', 'other'])).stdout, 'other\n');
  }));

test('what cannot be done is refused by name', () =>
  inBox(startBox([]), async pid => {
    assert.equal((await nsgen(['exec', '-d', pid, '--', 'true'])).status, 2);
    const { status, stderr } = await nsgen(['exec', '--backend', 'script', '-e', 'LD_DEBUG=all', pid, '--', 'true']);
    assert.deepEqual([status, stderr.split(':')[1]], [2, ' env.LD_DEBUG']);
  }));

describe('an ordinary user', () => {
  const installed = installForEveryone(join(directory, 'nsgen'));
  const words = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--', ...installed];
  for (const backend of BACKEND_NAMES)
    test(`joins a box of their own, and no other, ${backend}`, () =>
      inBox(startBox(['--hostname', 'mine'], undefined, words), async pid => {
        const [program = '', ...rest] = [...words, 'exec', '--backend', backend];
        const { stdout, stderr } = await execute(
          program,
          [...rest, pid, '--', 'sh', '-c', 'hostname; id -u; echo $PPID'],
          {
            cwd: '/',
          },
        );
        assert.deepEqual([stdout, stderr], ['mine\n0\n0\n', '']);
        assert.equal((await execute(program, [...rest, String(process.pid), '--', 'true'], { cwd: '/' })).status, 125);
      }));

  for (const backend of BACKEND_NAMES)
    test(`has a terminal of the box, ${backend}`, () =>
      inBox(startBox(['--mount', 'type=devpts,dst=/dev/pts'], undefined, words), async pid => {
        const [program = '', ...rest] = [...words, 'exec', '-t', '--backend', backend];
        const { status, stdout } = await execute(program, [...rest, pid, '--', 'sh', '-c', 'tty; id -u; exit 6'], {
          cwd: '/',
        });
        assert.equal(status, 6);
        assert.match(stdout, /\/dev\/pts\/0\r\n0\r\n$/);
      }));

  test('is refused a box that shares the pids of the caller, by a script', () =>
    inBox(startBox(['--share', 'pid', '--no-proc'], undefined, words), async pid => {
      const [program = '', ...rest] = [...words, 'exec', '--backend'];
      const run = (backend: string) => execute(program, [...rest, backend, pid, '--', 'true'], { cwd: '/' });
      assert.equal((await run('ffi')).status, 0);
      const { status, stderr } = await run('script');
      assert.equal(status, 2);
      assert.match(stderr, /^nsgen: namespaces\.pid: the box shares the one of the caller/);
    }));

  test('is refused a box that sees the processes of the caller in a /proc of the host, by a script', () =>
    inBox(startBox(['--rootfs', rootfs, '--bind', '/proc:/work'], undefined, words), async pid => {
      const [program = '', ...rest] = [...words, 'exec', '--backend'];
      const run = (backend: string) => execute(program, [...rest, backend, pid, '--', 'true'], { cwd: '/' });
      assert.equal((await run('ffi')).status, 127);
      const { status, stderr } = await run('script');
      assert.equal(status, 2, stderr);
      assert.match(stderr, /^nsgen: mounts: the box sees the processes of the caller on "\/work", and could attach/);
    }));

  test('is not refused a box with a rootfs and a /proc of its own, by a script', () =>
    inBox(startBox(['--rootfs', rootfs], undefined, words), async pid => {
      const [program = '', ...rest] = [...words, 'exec', '--backend', 'script'];
      const { status, stdout } = await execute(program, [...rest, pid, '--', 'sh', '-c', 'echo in'], { cwd: '/' });
      assert.deepEqual([status, stdout], [0, 'in\n']);
    }));
});
