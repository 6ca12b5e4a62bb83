import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, test } from 'node:test';
import { BACKEND_NAMES, start } from '../src/index.js';
import { patience } from './guest/patience.js';
import { nsgen, nsgenPath } from './support/cli.js';
import { descendants } from './support/leftovers.js';
import { ownDirectory } from './support/own-directory.js';
import { problemsOf } from './support/problems.js';
import { delay, Session } from './support/session.js';

/** How a box ends that takes no notice of signals, and how all of it stops and goes on. */

const directory = ownDirectory('stopping');

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

function startSession(way: Way, flags: readonly string[], program: string): Session {
  const [name = '', ...args] = [...starter(way, flags), '--', 'bash', '-c', program];
  return new Session(name, args);
}

/** Pid 1 has no handler for TERM and INT; its child has the default action, and is not asked. */
const DEAF = 'echo "<ready>"; sleep 1000 & wait; echo "<end>"';
const LISTENING = `trap 'echo "<TERM>"; exit 3' TERM; trap 'echo "<INT>"' INT; echo "<ready>"; while :; do sleep 0.05 & wait $!; done`;

const killedLines = (session: Session): readonly string[] =>
  session.output.match(/^.*the box is killed \(SIGKILL\)$/gm) ?? [];
const nameOf = (way: Way) => (way === 'nsgen run' ? 'nsgen' : 'box.sh');

afterEach(async () => {
  for (let tries = 0; tries < 500 && descendants().length > 0; tries++) await delay(20);
  assert.deepEqual(descendants(), []);
});

/** Is sent SIGTERM by `send`. @returns milliseconds until its end. */
async function timeToEnd(session: Session, send: () => unknown): Promise<number> {
  await session.until(/<ready>/);
  const from = performance.now();
  send();
  await session.until(/<TERM>/);
  assert.equal((await session.ended).status, 137, session.output);
  return performance.now() - from;
}

/** Ends by SIGKILL alone. */
const STUBBORN = `trap 'echo "<TERM>"' TERM; echo "<ready>"; while :; do sleep 0.05 & wait $!; done`;

// All at once, as one takes so long.
test('SIGKILL comes 10 seconds after SIGTERM, unless told otherwise', { timeout: 60_000 }, async () => {
  const attended = WAYS.map(way => {
    const session = startSession(way, [], STUBBORN);
    return { session, send: () => process.kill(session.pid, 'SIGTERM') };
  });
  // Of a box that nobody waits for, nsgen stop counts: what it has written is followed here.
  const env = { ...process.env, NSGEN_STATE_DIRECTORY: join(directory, 'boxes') };
  await nsgen(['run', '--detach', '--name', 'alone', '--', 'bash', '-c', STUBBORN], { env });
  const follow = `"$@" logs -f alone; exit "$("$@" wait alone)"`;
  const session = new Session('sh', ['-c', follow, 'sh', process.execPath, nsgenPath], env);
  // What has come in by a script, and is told to end before the box is, ends with that.
  const words = ['exec', '--backend', 'script', 'alone', '--', 'bash', '-c', STUBBORN];
  const newcomer = new Session(process.execPath, [nsgenPath, ...words], env);
  await newcomer.until(/<ready>/);
  const pod = join(directory, 'pod.json');
  writeFileSync(pod, JSON.stringify({ pod: 'p', boxes: { a: { command: ['bash', '-c', STUBBORN] } } }));
  const pods = BACKEND_NAMES.map(backend => {
    const session = new Session(process.execPath, [nsgenPath, 'run', '--backend', backend, '-f', pod]);
    return { session, send: () => process.kill(session.pid, 'SIGTERM') };
  });
  const exec = { session: newcomer, send: () => process.kill(newcomer.pid, 'SIGTERM') };
  const all = [...attended, ...pods, exec, { session, send: () => nsgen(['stop', 'alone'], { env }) }];
  const times = await Promise.all(all.map(one => timeToEnd(one.session, one.send)));
  // A timer of Node's may be a millisecond early.
  assert.ok(
    times.every(time => time >= 9_990 && time < 10_000 + SOON),
    `in milliseconds, by ${[...WAYS, ...BACKEND_NAMES.map(name => `pod, ${name}`), 'nsgen exec', 'nsgen stop'].join(', ')}: ${times.join(', ')}`,
  );
  const lines = attended.flatMap(one => killedLines(one.session));
  assert.deepEqual(
    lines,
    WAYS.map(way => `${nameOf(way)}: no end 10 s after SIGTERM: the box is killed (SIGKILL)`),
  );
  assert.equal((await nsgen(['rm', 'alone'], { env })).stdout, 'alone\n');
});

/** Milliseconds in which what has been killed is seen to have ended, also where others have the processors. */
const SOON = 5_000 * patience;

for (const way of WAYS) {
  describe(`stopping, ${way}`, () => {
    // The last needs no bash inside: there the script learns less of how its box ended.
    for (const flags of [[], ['--share', 'pid,net']]) {
      test(`SIGTERM, and SIGKILL when it is of no use ${flags.join(' ')}`, async () => {
        // Where others are killed with it by nobody, it has no children.
        const program = flags.length > 0 ? `trap '' TERM; echo "<ready>"; exec sleep 1000` : DEAF;
        const session = startSession(way, ['--stop-timeout', '1', ...flags], program);
        await session.until(/<ready>/);
        process.kill(session.pid, 'SIGTERM');
        const { status } = await session.ended;
        assert.equal(status, 137, session.output);
        assert.deepEqual(killedLines(session), [
          `${nameOf(way)}: no end 1 s after SIGTERM: the box is killed (SIGKILL)`,
        ]);
      });
    }

    test('at once, with --stop-timeout 0', async () => {
      const session = startSession(way, ['--stop-timeout', '0'], DEAF);
      await session.until(/<ready>/);
      process.kill(session.pid, 'SIGTERM');
      assert.equal((await session.ended).status, 137, session.output);
      assert.equal(killedLines(session).length, 1, session.output);
    });

    for (const flags of [[], ['--init']])
      test(`what ends by itself is left to do so ${flags.join('')}`, async () => {
        const session = startSession(way, flags, LISTENING);
        await session.until(/<ready>/);
        process.kill(session.pid, 'SIGTERM');
        assert.equal((await session.ended).status, 3, session.output);
        assert.equal(session.output, '<ready>\n<TERM>\n');
      });

    test('an init passes it on to a command that has the default action', async () => {
      const session = startSession(way, ['--init'], DEAF);
      await session.until(/<ready>/);
      process.kill(session.pid, 'SIGTERM');
      assert.equal((await session.ended).status, 143, session.output);
      assert.equal(session.output, '<ready>\n');
    });

    test('a second SIGINT kills at once', async () => {
      const session = startSession(way, ['--stop-timeout', '600'], LISTENING);
      await session.until(/<ready>/);
      process.kill(session.pid, 'SIGINT');
      await session.until(/<INT>/);
      // bash loses what comes before its trap has ended.
      await delay(100);
      process.kill(session.pid, 'SIGINT');
      assert.equal((await session.ended).status, 137, session.output);
      assert.deepEqual(killedLines(session), [`${nameOf(way)}: SIGINT again: the box is killed (SIGKILL)`]);
      assert.equal(session.output.split('<INT>').length, 2, session.output);
    });

    test('a SIGINT long after the first is a first one again', async () => {
      const session = startSession(way, ['--stop-timeout', '0'], LISTENING);
      await session.until(/<ready>/);
      process.kill(session.pid, 'SIGINT');
      await session.until(/<INT>/);
      await delay(1200);
      process.kill(session.pid, 'SIGINT');
      await session.until(/<INT>\s*<INT>/);
      assert.equal(killedLines(session).length, 0, session.output);
      process.kill(session.pid, 'SIGTERM');
      await session.ended;
    });

    test('what somebody has stopped is killed all the same', async () => {
      const session = startSession(way, ['--stop-timeout', '1'], LISTENING);
      await session.until(/<ready>/);
      for (const pid of insiders(session.pid)) process.kill(pid, 'SIGSTOP');
      process.kill(session.pid, 'SIGTERM');
      assert.equal((await session.ended).status, 137, session.output);
      assert.equal(session.output.includes('<TERM>'), false);
    });

    for (const flags of [[], ['--init']])
      test(`SIGTSTP stops every process of the box, SIGCONT lets go on those that it has stopped ${flags.join('')}`, async () => {
        const session = startSession(way, flags, CROWD);
        await session.until(/<ready>/);
        await session.until(/<orphan>/);
        const stopper = insiders(session.pid).find(pid => commandOf(pid).includes('500'));
        assert.ok(stopper !== undefined);
        process.kill(stopper, 'SIGSTOP');
        await until(() => stateOf(stopper) === 'T');
        process.kill(session.pid, 'SIGTSTP');
        await until(() => stateOf(session.pid) === 'T');
        const all = insiders(session.pid);
        assert.ok(all.length >= 5, String(all));
        assert.deepEqual(
          all.map(stateOf).filter(state => state !== 'Z'),
          all.filter(pid => stateOf(pid) !== 'Z').map(() => 'T'),
        );
        process.kill(session.pid, 'SIGCONT');
        await session.until(/<CONT>/);
        await until(() => insiders(session.pid).every(pid => pid === stopper || stateOf(pid) !== 'T'));
        assert.equal(stateOf(stopper), 'T');
        assert.equal(session.output.split('<CONT>').length, 2, session.output);
        process.kill(session.pid, 'SIGKILL');
        await session.ended;
      });
  });
}

for (const way of WAYS)
  test(`who lets others go on again keeps nobody from stopping, ${way}`, async () => {
    const session = startSession(way, [], RESTLESS);
    await session.until(/<ready>/);
    process.kill(session.pid, 'SIGTSTP');
    const began = Date.now();
    await until(() => stateOf(session.pid) === 'T');
    const time = Date.now() - began;
    process.kill(session.pid, 'SIGKILL');
    await session.ended;
    assert.ok(time < 5000, String(time));
    assert.match(
      session.output,
      new RegExp(`^${nameOf(way)}: processes of the box that go on, because others let them: \\d+`, 'm'),
    );
  });

/** They send each other SIGCONT as fast as they can; of two alone both are found stopped now and then. */
const RESTLESS = `perl -e 'fork; fork; syswrite STDOUT, "<ready>\\n"; 1 while kill CONT => -1' & wait`;

/** Children, a grandchild in a session of its own, an orphan; all but one of them busy. */
const CROWD = [
  `trap 'echo "<CONT>"' CONT`,
  'sleep 500 &',
  'setsid bash -c "while :; do sleep 0.01; done" &',
  '(bash -c "echo \\"<orphan>\\"; while :; do sleep 0.01; done" &)',
  'echo "<ready>"',
  'while :; do sleep 0.05 & wait $!; done',
].join('\n');

for (const backend of BACKEND_NAMES) {
  describe(`stop() of the library, ${backend}`, () => {
    const box = { command: ['bash', '-c', DEAF], stopTimeout: 1 };

    test('resolves with the end', async () => {
      const running = await start(box, { backend, stdin: 'ignore', stdout: 'pipe', stderr: 'ignore' });
      await new Promise(resolve => running.stdout?.once('data', resolve));
      const end = await running.stop();
      assert.equal(end.exitStatus, 137);
      assert.deepEqual(await running.ended, end);
    });

    test('suspend() stops the command and its children, resume() and SIGCONT let them go on', async () => {
      const command = ['bash', '-c', CROWD];
      const running = await start({ command }, { backend, stdin: 'ignore', stdout: 'pipe', stderr: 'ignore' });
      await new Promise(resolve => running.stdout?.once('data', resolve));
      running.stdout?.resume();
      const members = () => [running.pid, ...descendants(running.pid)].filter(pid => isInside(pid));
      const active = () => members().filter(pid => !['T', 'Z'].includes(stateOf(pid) ?? 'Z'));
      await running.suspend();
      await until(() => active().length === 0);
      assert.ok(members().length > 2);
      running.resume();
      running.kill('SIGCONT');
      await until(() => members().every(pid => stateOf(pid) !== 'T'));
      running.kill('SIGKILL');
      assert.equal((await running.ended).exitStatus, 137);
    });

    test('of what listens', async () => {
      const command = ['bash', '-c', LISTENING];
      const running = await start({ command }, { backend, stdin: 'ignore', stdout: 'pipe', stderr: 'ignore' });
      await new Promise(resolve => running.stdout?.once('data', resolve));
      assert.equal((await running.stop()).exitStatus, 3);
    });
  });
}

test('the time to stop is checked', async () => {
  const box = (stopTimeout: unknown) => problemsOf({ command: ['true'], stopTimeout });
  assert.deepEqual(box(-1), ['stopTimeout: must be at least 0']);
  assert.deepEqual(box(1.5), ['stopTimeout: must be a whole number of seconds']);
  assert.deepEqual(box(2_000_001), ['stopTimeout: must be at most 2000000']);
  assert.deepEqual(box(2_000_000), []);
  for (const value of ['', '-1', '1s', '1.5']) {
    const { status, stderr } = await nsgen(['run', `--stop-timeout=${value}`, '--', 'true']);
    assert.deepEqual([status, stderr], [2, 'nsgen: --stop-timeout: must be a whole number of seconds\n']);
  }
});

/** The processes below one that are in another pid namespace than this. */
const insiders = (pid: number): readonly number[] => descendants(pid).filter(isInside);

function isInside(pid: number): boolean {
  return /^NSpid:\t\d+\t/m.test(textOf(`${pid}/status`));
}

function textOf(file: string): string {
  try {
    return readFileSync(`/proc/${file}`, 'utf8');
  } catch {
    return '';
  }
}

const commandOf = (pid: number): readonly string[] => textOf(`${pid}/cmdline`).split('\0');

function stateOf(pid: number): string | undefined {
  const stat = textOf(`${pid}/stat`);
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[0];
}

async function until(isSo: () => boolean): Promise<void> {
  for (let tries = 0; !isSo(); tries++) {
    assert.ok(tries < 2000, 'it does not come to that');
    await delay(10);
  }
}
