import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, test } from 'node:test';
import { isAlive, statOf } from '../../src/host/process.js';
import { execute, nsgen, nsgenPath } from '../support/cli.js';
import { assertClean } from '../support/lint.js';
import { ownCgroups } from '../support/own-cgroup.js';
import { randomNumbers } from '../support/random-numbers.js';
import { delay, Session } from '../support/session.js';
import { until } from '../support/until.js';
import { newMark, ownBoxes, processesWith, WAYS, type Way } from './named-boxes.js';

/** A box with a name that somebody waits for: found by it as long as it runs, and its end afterwards. */

const { parent, named, states, clear } = ownBoxes('foreground');
const own = ownCgroups();
const printed = (stdout: string) => ({ status: 0, signal: null, stdout, stderr: '' });

afterEach(async () => {
  await clear();
  assert.deepEqual(own.below(), []);
  assert.deepEqual(
    readdirSync(parent).filter(name => name !== '.lock'),
    [],
  );
});

/** The words that start such a box. */
async function wordsFor(way: Way, words: readonly string[]): Promise<readonly string[]> {
  if (way !== 'box.sh') return [process.execPath, nsgenPath, 'run', '--backend', way, ...words];
  const { status, stdout, stderr } = await nsgen(['script', ...words]);
  assert.equal(status, 0, stderr);
  const path = join(parent, '.box.sh');
  writeFileSync(path, stdout);
  return ['bash', path];
}

async function run(way: Way, words: readonly string[]) {
  const [program = '', ...rest] = await wordsFor(way, words);
  const end = await execute(program, rest);
  if (way === 'box.sh') await execute('rm', ['-f', join(parent, '.box.sh')]);
  return end;
}

/** One that has written a line, and so runs. */
async function start(way: Way, words: readonly string[]): Promise<Session> {
  const [program = '', ...rest] = await wordsFor(way, words);
  const session = new Session(program, rest);
  await session.until(/ready/);
  await execute('rm', ['-f', join(parent, '.box.sh')]);
  return session;
}

const READY = 'echo ready; while :; do sleep 0.05; done';

for (const way of WAYS) {
  describe(`by ${way}`, () => {
    test('it is there by its name, and its end afterwards; nothing of nsgen is open in it', async () => {
      const script = 'ls /proc/self/fd; echo ready; read -r line; exit 5';
      const session = await start(way, ['--name', 'web', '--', 'bash', '-c', script]);
      assert.equal(session.output, '0\n1\n2\n3\nready\n');
      const { process: first, status, foreground, command } = named('web') ?? assert.fail();
      assert.deepEqual([status, foreground, command], ['running', true, ['bash', '-c', script]]);
      assert.equal(statOf(first?.pid ?? 0)?.name, 'bash');
      assert.deepEqual(readdirSync(`/proc/${first?.pid}/fd`), ['0', '1', '2']);
      assert.match((await nsgen(['ps'])).stdout, /^web +\d+ +1 +\d+ seconds? ago +running +bash -c /m);
      assert.deepEqual(await nsgen(['exec', 'web', '--', 'cat', '/proc/1/comm']), printed('bash\n'));
      assert.match((await nsgen(['inspect', 'web'])).stdout, /^box +web$/m);
      const { status: refused, stderr } = await nsgen(['logs', 'web']);
      assert.deepEqual([refused, stderr.split('\n').length], [125, 2]);
      assert.match(
        stderr,
        /^nsgen: box "web" has no log: it was started in the foreground, and what it writes goes where/,
      );
      assert.match((await nsgen(['rm', 'web'])).stderr, /is running/);
      const waiting = nsgen(['wait', 'web']);
      session.type('\n');
      assert.equal((await session.ended).status, 5);
      assert.deepEqual(await waiting, printed('5\n'));
      assert.match((await nsgen(['ps', '-a'])).stdout, /^web +\d+ seconds? ago +ended \(5\) +bash/m);
      const again = await run(way, ['--name', 'web', '--', 'true']);
      assert.deepEqual([again.status, again.stdout], [125, '']);
      assert.match(again.stderr, /the name "?web"? is in use/);
      assert.deepEqual(await nsgen(['prune']), printed(''));
      assert.deepEqual(await nsgen(['rm', 'web']), printed('web\n'));
    });

    test('it ends as it would without a name', async () => {
      for (const [words, status] of [
        [['--', 'sh', '-c', 'exit 0'], 0],
        [['--', 'sh', '-c', 'exit 10'], 10],
        [['--', 'sh', '-c', 'exit 125'], 125],
        [['--', 'sh', '-c', 'exit 126'], 126],
        [['--', 'sh', '-c', 'exit 127'], 127],
        [['--', 'sh', '-c', 'exit 255'], 255],
        [['--share', 'pid', '--', 'sh', '-c', 'kill -KILL $$'], 137],
        [['--init', '--', 'sh', '-c', 'kill -TERM $$'], 143],
        [['--unshare', 'user', '--', 'true'], 0],
        [['--with', 'true', '--', 'true'], 0],
        [['--with', 'sh', '--', 'sh', '-c', 'exit 11'], 11],
        [['--with', 'sh', '--', 'no-such-program'], 127],
        [['--memory', '64M', '--', 'sh', '-c', 'exit 3'], 3],
        // It got as far as that.
        [['--', 'no-such-program'], 127],
        [['--', '/etc/passwd'], 126],
      ] as const) {
        const end = await run(way, ['--name', 'e', ...words]);
        assert.equal(end.status, status, `${words.join(' ')}: ${end.stderr}`);
        const { status: now, exitStatus, problem } = named('e') ?? assert.fail(words.join(' '));
        assert.deepEqual([now, exitStatus, problem], ['ended', status, undefined], words.join(' '));
        assert.deepEqual(await nsgen(['rm', 'e']), printed('e\n'));
      }
    });

    test('what cannot be made leaves nothing', async () => {
      for (const [words, status, message] of [
        [['--rootfs', '/no/such', '--', 'true'], 2, /rootfs: there is no directory "\/no\/such"/],
        [['-w', '/no/such', '--', 'true'], 125, /\/no\/such/],
        [['-w', '/no/such', '--memory', '64M', '--', 'true'], 125, /\/no\/such/],
      ] as const) {
        const end = await run(way, ['--name', 'x', ...words]);
        assert.equal(end.status, status, end.stderr);
        assert.match(end.stderr, message);
        assert.deepEqual(states(), []);
      }
    });

    test('stop, kill and rm -f end it, and whoever waits for it', async () => {
      const trap = "trap 'exit 3' TERM";
      for (const [act, words, status] of [
        [['stop', 'b'], ['--', 'bash', '-c', `${trap}; ${READY}`], 3],
        // Pid 1 has no handler.
        [['stop', '-t', '0.2', 'b'], ['--', 'bash', '-c', READY], 137],
        [['stop', 'b'], ['--init', '--', 'bash', '-c', READY], 143],
        [['stop', 'b'], ['--share', 'pid', '--', 'bash', '-c', READY], 143],
        [['kill', 'b'], ['--memory', '64M', '--', 'bash', '-c', READY], 137],
        [['kill', '-s', 'USR1', 'b'], ['--', 'bash', '-c', `trap 'exit 9' USR1; ${READY}`], 9],
      ] as const) {
        const session = await start(way, ['--name', 'b', ...words]);
        assert.deepEqual(await nsgen(act), printed('b\n'));
        assert.equal((await session.ended).status, status, `${act.join(' ')} ${words.join(' ')}`);
        assert.deepEqual((await nsgen(['wait', 'b'])).stdout, `${status}\n`);
        await nsgen(['rm', 'b']);
      }
      const session = await start(way, ['--name', 'b', '--', 'bash', '-c', READY]);
      assert.deepEqual(await nsgen(['rm', '-f', 'b']), printed('b\n'));
      assert.equal((await session.ended).status, 137);
      assert.ok(!existsSync(join(parent, 'b')));
    });

    test('a box whose nsgen or script is killed has been killed with it; prune removes it', async () => {
      const session = await start(way, ['--name', 'k', '--memory', '64M', '--', 'bash', '-c', READY]);
      const first = named('k')?.process ?? assert.fail();
      session.child.kill('SIGKILL');
      await until(() => named('k')?.status === 'ended', 'it has ended');
      assert.equal(isAlive(first), false);
      assert.match(
        (await nsgen(['ps', '-a'])).stdout,
        /^k .* ended \(137\): who started it was killed, and the box with/m,
      );
      assert.equal((await nsgen(['wait', 'k'])).stdout, '137\n');
      // What is a moment old is left to whoever has just made it.
      await until(async () => {
        const { status, stdout } = await nsgen(['prune']);
        assert.equal(status, 0, stdout);
        return own.below().length === 0;
      }, 'nothing is left');
      assert.deepEqual(states(), []);
    });

    // The rest is the same script.
    if (way === 'box.sh') return;

    test('with a terminal, too', async () => {
      const words = await wordsFor(way, [
        '-t',
        '--name',
        'tty',
        '--',
        'bash',
        '-c',
        'tty; echo ready; read -r line; exit 6',
      ]);
      const quoted = words.map(word => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
      const session = new Session('script', ['-qefc', quoted, '/dev/null']);
      await session.until(/ready/);
      assert.match(session.output, /^\/dev\/pts\/0\r/);
      assert.equal((await nsgen(['exec', '--backend', way, 'tty', '--', 'cat', '/proc/1/comm'])).stdout, 'bash\n');
      assert.match((await nsgen(['logs', 'tty'])).stderr, /has no log/);
      assert.deepEqual(readdirSync(`/proc/${named('tty')?.process?.pid}/fd`), ['0', '1', '2']);
      session.type('\n');
      assert.equal((await session.ended).status, 6);
      assert.equal(named('tty')?.exitStatus, 6);
      await nsgen(['rm', 'tty']);
    });

    test('a clock of its own does not hide who it is', async () => {
      const words = ['--unshare', 'time', '--boottime', '7000', '--name', 'c', '--', 'bash', '-c', READY];
      const session = await start(way, words);
      assert.equal(statOf(named('c')?.process?.pid ?? 0)?.name, 'bash');
      assert.deepEqual(await nsgen(['kill', 'c']), printed('c\n'));
      assert.equal((await session.ended).status, 137);
    });
  });
}

test('a script with a name is clean', async () => {
  const { stdout } = await nsgen(['script', '--name', 'web', '--memory', '64M', '--', 'true']);
  await assertClean([stdout]);
});

for (const command of ['run', 'script'])
  test(`nsgen ${command} --name: what is refused`, async () => {
    for (const [words, message] of [
      [['--name', '17', '--', 'true'], /^nsgen: --name: must be .*, and not be all digits$/m],
      [['--name', '', '--', 'true'], /^nsgen: --name: must be 1 to 64/m],
      [['--detach', '--name', '1', '--', 'true'], /^nsgen: --name: .* not be all digits$/m],
      [
        ['--name', 'w', '--join', 'time:/proc/1/ns/time', '--', 'true'],
        /^nsgen: namespaces.time: a box with a name cannot/m,
      ],
    ] as const) {
      const { status, stdout, stderr } = await nsgen([command, ...words]);
      assert.deepEqual([status, stdout], [2, ''], words.join(' '));
      assert.match(stderr, message);
    }
  });

const seed = Number(process.env.NSGEN_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
const random = randomNumbers(seed);

/** Milliseconds, about so long as it takes from the first to the last of it. */
for (const [backend, kills, longest] of [
  ['ffi', 30, 50],
  ['script', 20, 150],
] as const)
  test(`SIGKILL of nsgen run --name, by ${backend}, ${kills} times (NSGEN_TEST_SEED=${seed})`, async t => {
    const mark = newMark();
    const words = (name: string) => [
      'run',
      '--backend',
      backend,
      '--name',
      name,
      '--',
      'sh',
      '-c',
      'sleep 0.02; exit 42',
      mark,
    ];
    for (let kill = 0; kill < kills; kill += 1) {
      const name = `k${kill}`;
      const child = spawn(process.execPath, [nsgenPath, ...words(name)], { stdio: 'ignore' });
      const exited = once(child, 'exit');
      // Before there is anything of it, nothing can go wrong.
      await until(() => readdirSync(parent).some(entry => entry.includes(name)), 'it has begun');
      await delay(random() * longest);
      child.kill('SIGKILL');
      await exited;
    }
    await until(() => processesWith(mark).length === 0, 'all that was started has ended');
    await until(() => states().every(({ status }) => status === 'ended'), 'all have ended');
    const all = states();
    t.diagnostic(`${all.length} of ${kills} have a state, ${all.filter(({ started }) => started).length} have run`);
    assert.ok(all.some(({ abandoned }) => abandoned));
    for (const { started, exitStatus, abandoned, problem } of all) {
      assert.equal(abandoned, problem !== undefined);
      if (!abandoned) assert.equal(exitStatus, 42);
      else assert.equal(exitStatus, started ? 137 : 125);
    }
    assert.equal((await nsgen(['prune'])).status, 0);
    const kept = all.filter(({ abandoned }) => !abandoned).map(({ name }) => name);
    assert.deepEqual(
      readdirSync(parent)
        .filter(name => name !== '.lock')
        .toSorted(),
      kept.toSorted(),
    );
    if (kept.length > 0) assert.equal((await nsgen(['rm', ...kept])).status, 0);
  });

test('who says in the file life to be the box is it only below whoever started it', async () => {
  const session = await start('ffi', ['--name', 'liar', '--', 'bash', '-c', READY]);
  const stranger = spawn('sleep', ['1000']);
  try {
    const line = readFileSync(`/proc/${stranger.pid}/stat`, 'latin1');
    const path = join(parent, 'liar', 'life');
    const before = readFileSync(path);
    writeFileSync(path, `${line}started\n`);
    // The child of another process.
    assert.deepEqual([named('liar')?.status, named('liar')?.process], ['running', undefined]);
    writeFileSync(path, before);
    assert.deepEqual(await nsgen(['kill', 'liar']), printed('liar\n'));
    assert.equal((await session.ended).status, 137);
  } finally {
    stranger.kill('SIGKILL');
  }
});
