import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { packageRoot } from '../../src/package-root.js';
import { execute, nsgenPath } from '../support/cli.js';
import { as, BACKENDS, leavingNothing, nsgenCommand, run, USERS, type User, withoutTimes } from './side-by-side.js';
import { alike, callsOfBox, FORK_BOOKKEEPING } from './strace.js';

/** docs/systems/c-program.md */
const FLAGS = ['--share', 'uts,ipc,net,cgroup'];
const SHELL = '/bin/bash';

/** The program mounts where it stands; on a host with shared mounts its /proc would cover the host's. */
const PRIVATELY = ['unshare', '--mount', '--propagation', 'private', '--'];

let directory = '';
let launcher = '';

before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'nsgen-test-launcher-'));
  chmodSync(directory, 0o755);
  launcher = join(directory, 'launcher');
  const source = join(packageRoot, 'test/systems/launcher.c');
  const { status, stderr } = await execute('cc', ['-Wall', '-Wextra', '-Werror', '-O2', '-o', launcher, source]);
  assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
});

after(() => rmSync(directory, { recursive: true }));

for (const backend of BACKENDS) {
  test(`${backend}: what bash sees, and how it ends, is the same as with the C program`, () =>
    leavingNothing(async () => {
      for (const end of ['exit 0', 'exit 42', 'no-such-command-here 2>/dev/null']) {
        const input = `ps -ef\npstree\necho $$ $PPID\nreadlink /proc/self/root\ngrep ' /proc ' /proc/mounts\n${end}\n`;
        const expected = await run([...PRIVATELY, launcher], input);
        assert.match(expected.stdout, /^bash---pstree\n1 0\n\/\n/m);
        const boxed = await run([process.execPath, nsgenPath, 'run', '--backend', backend, ...FLAGS, SHELL], input);
        assert.deepEqual(
          { ...boxed, stdout: withoutTimes(boxed.stdout) },
          { ...expected, stdout: withoutTimes(expected.stdout) },
        );
      }
    }));
}

for (const user of USERS) {
  test(`${user}, ffi: the calls of the plan are the calls made, in that order, to the last one`, () =>
    leavingNothing(async () => {
      const plan = await readPlan(user);
      const made = await trace([], nsgenCommand(user, ['run', ...FLAGS, SHELL]));
      assert.deepEqual(made.map(alike), plan.flatMap(({ systemCalls }) => systemCalls).map(alike));
      assert.equal(/CLONE_NEWUSER/.test(made[0] ?? ''), user === 'nobody');
    }));
}

test('nobody: the C program is refused what the box is granted, in a user namespace', () =>
  leavingNothing(async () => {
    const input = 'echo $$; exit 4\n';
    const refused = await run(as('nobody', [launcher]), input);
    assert.deepEqual([refused.status, refused.stderr], [125, 'unshare: Operation not permitted\n']);
    for (const backend of BACKENDS) {
      const boxed = await run(nsgenCommand('nobody', ['run', '--backend', backend, ...FLAGS, SHELL]), input);
      assert.deepEqual([boxed.status, boxed.stdout], [4, '1\n']);
    }
  }));

test('the plan is the C program, and these operations more', () =>
  leavingNothing(async () => {
    const plan = await readPlan('root');
    const calls = (operation: string) => plan.find(planned => planned.operation === operation)?.systemCalls ?? [];
    const made = await trace(PRIVATELY, [launcher]);
    const [unshared, forked, mounted, executed, ...others] = made.filter(call => !FORK_BOOKKEEPING.test(call));
    assert.deepEqual(others, []);

    // unshare(2) and fork(2) are one clone3(2).
    assert.equal(unshared, 'unshare(CLONE_NEWNS|CLONE_NEWPID)');
    assert.match(forked ?? '', /^clone\(.*SIGCHLD/);
    const [clone = '', ...more] = calls('create-namespaces');
    assert.deepEqual(more, []);
    assert.deepEqual(clone.match(/CLONE_NEW\w+/g), ['CLONE_NEWNS', 'CLONE_NEWPID']);

    assert.deepEqual(calls('mount-proc'), [mounted]);
    assert.equal(calls('execute').length, 1);
    assert.match(calls('execute')[0] ?? '', BASH_EXECUTED);
    assert.match(executed ?? '', BASH_EXECUTED);

    const page = readFileSync(join(packageRoot, 'docs/systems/c-program.md'), 'utf8');
    const explained = [...page.matchAll(/^\| `([a-z-]+)` +\|/gm)].map(([, name]) => name);
    const common = ['create-namespaces', 'mount-proc', 'execute'];
    const added = plan.filter(({ systemCalls }) => systemCalls.length > 0).map(({ operation }) => operation);
    assert.deepEqual(
      explained,
      added.filter(name => !common.includes(name)),
    );
  }));

const BASH_EXECUTED = /^execve\("\/bin\/bash", \["\/bin\/bash"\], \[".*"\]\)$/;

interface Planned {
  readonly operation: string;
  readonly systemCalls: readonly string[];
}

async function readPlan(user: User): Promise<readonly Planned[]> {
  const { status, stdout } = await run(nsgenCommand(user, ['plan', '--json', ...FLAGS, SHELL]), '');
  assert.equal(status, 0);
  return JSON.parse(stdout);
}

async function trace(outside: readonly string[], command: readonly string[]): Promise<readonly string[]> {
  const file = join(directory, 'trace');
  const strace = ['strace', '-f', '-v', '-s', '65536', '-o', file];
  const { status, stderr } = await run([...outside, ...strace, ...command], 'exit 5\n');
  assert.deepEqual({ status, stderr }, { status: 5, stderr: '' });
  return callsOfBox(readFileSync(file, 'utf8'));
}
