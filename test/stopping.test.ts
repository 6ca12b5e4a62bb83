import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, test } from 'node:test';
import { BACKEND_NAMES, start } from '../src/index.js';
import { patience } from './guest/patience.js';
import { nsgen, nsgenPath } from './support/cli.js';
import { insiders } from './support/insiders.js';
import { descendants } from './support/leftovers.js';
import { ownDirectory } from './support/own-directory.js';
import { problemsOf } from './support/problems.js';
import { delay, Session } from './support/session.js';
import { nameOf, startSession, WAYS, type Way } from './support/ways.js';

/** How a box ends that takes no notice of signals. */

const directory = ownDirectory('stopping');

const bash = (way: Way, flags: readonly string[], program: string): Session =>
  startSession(way, directory, flags, ['bash', '-c', program]);

/** Pid 1 has no handler for TERM and INT; its child has the default action, and is not asked. */
const DEAF = 'echo "<ready>"; sleep 1000 & wait; echo "<end>"';
const LISTENING = `trap 'echo "<TERM>"; exit 3' TERM; trap 'echo "<INT>"' INT; echo "<ready>"; while :; do sleep 0.05 & wait $!; done`;

const killedLines = (session: Session): readonly string[] =>
  session.output.match(/^.*the box is killed \(SIGKILL\)$/gm) ?? [];

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
    const session = bash(way, [], STUBBORN);
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
        const session = bash(way, ['--stop-timeout', '1', ...flags], program);
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
      const session = bash(way, ['--stop-timeout', '0'], DEAF);
      await session.until(/<ready>/);
      process.kill(session.pid, 'SIGTERM');
      assert.equal((await session.ended).status, 137, session.output);
      assert.equal(killedLines(session).length, 1, session.output);
    });

    for (const flags of [[], ['--init']])
      test(`what ends by itself is left to do so ${flags.join('')}`, async () => {
        const session = bash(way, flags, LISTENING);
        await session.until(/<ready>/);
        process.kill(session.pid, 'SIGTERM');
        assert.equal((await session.ended).status, 3, session.output);
        assert.equal(session.output, '<ready>\n<TERM>\n');
      });

    test('an init passes it on to a command that has the default action', async () => {
      const session = bash(way, ['--init'], DEAF);
      await session.until(/<ready>/);
      process.kill(session.pid, 'SIGTERM');
      assert.equal((await session.ended).status, 143, session.output);
      assert.equal(session.output, '<ready>\n');
    });

    test('a second SIGINT kills at once', async () => {
      const session = bash(way, ['--stop-timeout', '600'], LISTENING);
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
      const session = bash(way, ['--stop-timeout', '0'], LISTENING);
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
      const session = bash(way, ['--stop-timeout', '1'], LISTENING);
      await session.until(/<ready>/);
      for (const pid of insiders(session.pid)) process.kill(pid, 'SIGSTOP');
      process.kill(session.pid, 'SIGTERM');
      assert.equal((await session.ended).status, 137, session.output);
      assert.equal(session.output.includes('<TERM>'), false);
    });
  });
}

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
