import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, describe, test } from 'node:test';
import { BACKEND_NAMES } from '../../src/index.js';
import { ownPidNamespace } from '../../src/state/pid-namespace.js';
import { ownBoxes } from '../detached/named-boxes.js';
import { execute, nsgen, nsgenPath } from '../support/cli.js';
import { makeRootfs, removeRootfs } from '../support/rootfs.js';
import { Session } from '../support/session.js';

/** nsgen exec NAME, of boxes of every kind that have one, and of those that cannot be joined. */

const { parent, named, clear } = ownBoxes('exec-named');
const rootfs = makeRootfs(
  ['sh', 'cat', 'readlink', 'grep', 'sleep', 'pwd', 'ls', 'echo'],
  ['proc', 'dev', 'tmp', 'work'],
);
after(() => removeRootfs(rootfs));
afterEach(clear);

/** What a process is made of, as the box itself sees it. */
const LOOK = `for n in cgroup ipc mnt net pid time user uts; do readlink /proc/$1/ns/$n; done
cat /proc/$1/cgroup /proc/$1/uid_map /proc/$1/limits
grep -E '^(Cap|Umask|NoNew|Seccomp|Uid|Gid|Groups|SigBlk)' /proc/$1/status`;

const BOXES: Readonly<Record<string, readonly string[]>> = {
  plain: ['--hostname', 'one', '-e', 'A=b c', '-w', '/tmp'],
  'in a user namespace, with its own clocks': [
    '--unshare',
    'user,time',
    '--boottime',
    '7000',
    '-e',
    'A=b c',
    '-w',
    '/tmp',
  ],
  'in a rootfs, with limits': ['--rootfs', rootfs, '--memory', '64M', '-e', 'A=b c', '-w', '/tmp'],
};

for (const maker of BACKEND_NAMES) {
  for (const [kind, flags] of Object.entries(BOXES)) {
    describe(`a box ${kind}, by ${maker}`, () => {
      const words = ['run', '--backend', maker, ...flags, '--name', 'web'];
      for (const detached of [true, false])
        test(detached ? 'detached' : 'in the foreground', async () => {
          const session = await started(words, detached);
          for (const backend of BACKEND_NAMES) {
            const exec = (...command: readonly string[]) =>
              nsgen(['exec', '--backend', backend, 'web', '--', ...command]);
            const [own, first] = [await exec('sh', '-c', LOOK, 'sh', 'self'), await exec('sh', '-c', LOOK, 'sh', '1')];
            assert.equal(own.status, 0, own.stderr);
            assert.ok(own.stdout.includes('Max open files'));
            assert.equal(own.stdout, first.stdout);
            assert.deepEqual((await exec('sh', '-c', 'echo "$A"; pwd; exit 7')).stdout, 'b c\n/tmp\n');
            assert.equal((await exec('sh', '-c', 'exit 7')).status, 7);
            const { stdout } = await nsgen(['script', 'exec', 'web', '--', 'sh', '-c', 'echo "$A"']);
            assert.equal((await execute('bash', ['-s'], { input: stdout })).stdout, 'b c\n');
          }
          assert.equal((await nsgen(['stop', '-t', '0', 'web'])).status, 0);
          await session?.ended;
        });
    });
  }
}

async function started(words: readonly string[], detached: boolean): Promise<Session | undefined> {
  const command = ['sh', '-c', 'echo ready; sleep 1000; :'];
  if (detached) {
    const { status, stderr } = await nsgen([...words, '--detach', '--', ...command]);
    assert.equal(status, 0, stderr);
    return undefined;
  }
  const session = new Session(process.execPath, [nsgenPath, ...words, '--', ...command]);
  await session.until(/ready/);
  return session;
}

describe('who cannot be joined', () => {
  const refusal = async (name: string) => {
    const outcomes = [];
    for (const words of [['exec'], ['exec', '--backend', 'script'], ['script', 'exec']]) {
      const { status, stdout, stderr } = await nsgen([...words, name, '--', 'echo', 'here']);
      assert.equal(stdout, '');
      outcomes.push([status, stderr]);
    }
    const [first, ...others] = outcomes;
    for (const other of others) assert.deepEqual(other, first);
    return first;
  };

  test('a box that has ended', async () => {
    await nsgen(['run', '-d', '--name', 'gone', '--', 'true']);
    await nsgen(['wait', 'gone']);
    assert.deepEqual(await refusal('gone'), [125, 'nsgen: box "gone" has ended\n']);
  });

  test('nobody', async () => {
    assert.deepEqual(await refusal('nobody'), [
      125,
      'nsgen: there is no box "nobody" (nsgen ps -a lists those that there are)\n',
    ]);
    assert.match(String((await refusal('../web'))?.[1]), /^nsgen: "\.\.\/web" is no name of a box: it must be/);
  });

  test('a box that is being started', async () => {
    const directory = join(parent, 'early');
    const holder = await starting(directory);
    assert.equal(named('early')?.status, 'starting');
    assert.deepEqual(await refusal('early'), [125, 'nsgen: box "early" is being started\n']);
    holder.child.kill('SIGKILL');
    await holder.ended;
  });

  test('a word of digits is a pid, and never a name', async () => {
    // Were it one, it would be this.
    mkdirSync(join(parent, '4194399'), { mode: 0o700 });
    assert.deepEqual(await refusal('4194399'), [125, 'nsgen: process 4194399 has ended: there is nothing to join\n']);
    const { status, stderr } = await nsgen(['inspect', '4194399']);
    assert.deepEqual([status, /^nsgen: inspect process 4194399: ESRCH/.test(stderr)], [125, true]);
    assert.match((await nsgen(['ps', '-a'])).stdout, /^4194399 +damaged: its name must be .*, and not be all digits$/m);
    assert.equal((await nsgen(['rm', '4194399'])).status, 0);
  });
});

/** Somebody who has got as far as the lock. */
async function starting(directory: string): Promise<Session> {
  mkdirSync(directory, { mode: 0o700 });
  const maker = { pid: process.pid, start: '1' };
  const record = {
    name: 'early',
    created: new Date().toISOString(),
    command: ['true'],
    backend: 'ffi',
    maker,
    pidNamespace: ownPidNamespace(),
  };
  writeFileSync(
    join(directory, 'box.json'),
    JSON.stringify({ ...record, foreground: true, box: { command: ['true'] } }),
  );
  const holder = new Session('flock', ['--no-fork', join(directory, 'life'), 'sh', '-c', 'echo held; exec sleep 1000']);
  await holder.until(/held/);
  return holder;
}
