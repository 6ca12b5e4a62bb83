import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { afterEach, describe, test } from 'node:test';
import { statOf } from '../src/host/process.js';
import { BACKEND_NAMES, start } from '../src/index.js';
import { insiders, isInside } from './support/insiders.js';
import { descendants } from './support/leftovers.js';
import { ownDirectory } from './support/own-directory.js';
import type { Session } from './support/session.js';
import { until } from './support/until.js';
import { nameOf, startSession, WAYS, type Way } from './support/ways.js';

/** How all of a box stops, and goes on. */

const directory = ownDirectory('suspending');
const bash = (way: Way, flags: readonly string[], program: string): Session =>
  startSession(way, directory, flags, ['bash', '-c', program]);

const stateOf = (pid: number): string | undefined => statOf(pid)?.state;

function commandOf(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0');
  } catch {
    return [];
  }
}

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

afterEach(() => until(() => descendants().length === 0, 'nobody is left'));

for (const way of WAYS) {
  describe(`suspending, ${way}`, () => {
    for (const flags of [[], ['--init']])
      test(`SIGTSTP stops every process of the box, SIGCONT lets go on those that it has stopped ${flags.join('')}`, async () => {
        const session = bash(way, flags, CROWD);
        await session.until(/<ready>/);
        await session.until(/<orphan>/);
        const stopper = insiders(session.pid).find(pid => commandOf(pid).includes('500'));
        assert.ok(stopper !== undefined);
        process.kill(stopper, 'SIGSTOP');
        await until(() => stateOf(stopper) === 'T', 'one has stopped');
        process.kill(session.pid, 'SIGTSTP');
        await until(() => stateOf(session.pid) === 'T', 'who started the box has stopped');
        const all = insiders(session.pid);
        assert.ok(all.length >= 5, String(all));
        assert.deepEqual(
          all.map(stateOf).filter(state => state !== 'Z'),
          all.filter(pid => stateOf(pid) !== 'Z').map(() => 'T'),
        );
        process.kill(session.pid, 'SIGCONT');
        await session.until(/<CONT>/);
        await until(
          () => insiders(session.pid).every(pid => pid === stopper || stateOf(pid) !== 'T'),
          'the others go on',
        );
        assert.equal(stateOf(stopper), 'T');
        assert.equal(session.output.split('<CONT>').length, 2, session.output);
        process.kill(session.pid, 'SIGKILL');
        await session.ended;
      });

    test('who lets others go on again keeps nobody from stopping', async () => {
      const session = bash(way, [], RESTLESS);
      await session.until(/<ready>/);
      process.kill(session.pid, 'SIGTSTP');
      const began = Date.now();
      await until(() => stateOf(session.pid) === 'T', 'who started the box has stopped');
      const time = Date.now() - began;
      process.kill(session.pid, 'SIGKILL');
      await session.ended;
      assert.ok(time < 5000, String(time));
      assert.match(
        session.output,
        new RegExp(`^${nameOf(way)}: processes of the box that go on, because others let them: \\d+`, 'm'),
      );
    });
  });
}

for (const backend of BACKEND_NAMES)
  test(`suspend() stops the command and its children, resume() and SIGCONT let them go on, ${backend}`, async () => {
    const command = ['bash', '-c', CROWD];
    const running = await start({ command }, { backend, stdin: 'ignore', stdout: 'pipe', stderr: 'ignore' });
    await new Promise(resolve => running.stdout?.once('data', resolve));
    running.stdout?.resume();
    const members = () => [running.pid, ...descendants(running.pid)].filter(pid => isInside(pid));
    const active = () => members().filter(pid => !['T', 'Z'].includes(stateOf(pid) ?? 'Z'));
    await running.suspend();
    await until(() => active().length === 0, 'all have stopped');
    assert.ok(members().length > 2);
    running.resume();
    running.kill('SIGCONT');
    await until(() => members().every(pid => stateOf(pid) !== 'T'), 'all go on');
    running.kill('SIGKILL');
    assert.equal((await running.ended).exitStatus, 137);
  });
