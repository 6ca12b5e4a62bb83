import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { descendants, hostState } from '../support/leftovers.js';
import { ownDirectory } from '../support/own-directory.js';
import { delay, Session } from '../support/session.js';
import { until } from '../support/until.js';
import { commandFor, shell, WAYS, type Way } from './ways.js';

/** How the boxes of a pod in the foreground end that take no notice of signals. */

const directory = ownDirectory('pods-stopping');
const state = hostState();
const started: Session[] = [];

afterEach(() => {
  for (const { child } of started.splice(0)) child.kill('SIGKILL');
  assert.deepEqual(descendants(), []);
  assert.deepEqual(hostState(), state);
});

function begin(way: Way, boxes: Readonly<Record<string, unknown>>): Session {
  const [program = '', ...args] = commandFor(way, directory, { pod: 'p', boxes });
  const session = new Session(program, args);
  started.push(session);
  return session;
}

const LOOP = 'while :; do sleep 0.05; done';
const DEAF = shell(`trap "" TERM; echo up; ${LOOP}`);

/** Milliseconds after which a signal that has killed nobody is sent again. */
const TIME_TO_KILL = 2000;

/** Why boxes are said to have been killed, one after the other. */
const killed = ({ output }: Session): readonly string[] =>
  [...output.matchAll(/(?:nsgen|box\.sh): (.*): the box is killed \(SIGKILL\)$/gm)].map(([, why]) => String(why));

for (const way of WAYS) {
  describe(`a pod in the foreground, ${way}`, () => {
    test('after SIGTERM each box has its own time, and is killed then', async () => {
      // It ends when the other has been killed.
      const patient = 'trap "until ! [ -e /proc/2 ]; do sleep 0.05; done; echo alone; exit 3" TERM';
      const session = begin(way, {
        deaf: { command: DEAF, stopTimeout: 1 },
        patient: { command: shell(`${patient}; echo up; ${LOOP}`), stopTimeout: 600 },
      });
      for (const line of [/^deaf +\| up$/m, /^patient \| up$/m]) await session.until(line);
      const began = performance.now();
      process.kill(session.pid, 'SIGTERM');
      assert.equal((await session.ended).status, 137, session.output);
      assert.ok(performance.now() - began >= 1000);
      assert.match(session.output, /^patient \| alone$/m);
      assert.deepEqual(killed(session), ['no end 1 s after SIGTERM']);
    });

    test('every box that does not end is killed, by which its status is 137', async () => {
      const session = begin(way, {
        good: { command: shell(`trap "exit 0" TERM; echo up; ${LOOP}`), stopTimeout: 600 },
        one: { command: DEAF, stopTimeout: 1 },
        other: { command: DEAF, stopTimeout: 1 },
      });
      for (const line of [/^good +\| up$/m, /^one +\| up$/m, /^other \| up$/m]) await session.until(line);
      process.kill(session.pid, 'SIGTERM');
      assert.equal((await session.ended).status, 137, session.output);
      assert.deepEqual(killed(session), ['no end 1 s after SIGTERM', 'no end 1 s after SIGTERM']);
    });

    test('a second SIGINT kills all of them at once', async () => {
      const box = { command: shell(`trap "" TERM; trap "echo INT" INT; echo up; ${LOOP}`), stopTimeout: 600 };
      const session = begin(way, { one: box, two: box });
      for (const line of [/^one \| up$/m, /^two \| up$/m]) await session.until(line);
      process.kill(session.pid, 'SIGINT');
      for (const line of [/^one \| INT$/m, /^two \| INT$/m]) await session.until(line);
      // bash loses what comes before its trap has ended.
      await until(async () => {
        process.kill(session.pid, 'SIGINT');
        const end = Date.now() + TIME_TO_KILL;
        while (killed(session).length < 2 && Date.now() < end) await delay(5);
        return killed(session).length === 2;
      }, 'both boxes have been killed');
      assert.equal((await session.ended).status, 137, session.output);
      assert.deepEqual(killed(session), ['SIGINT again', 'SIGINT again']);
      assert.equal(session.output.match(/INT$/gm)?.length, 2, session.output);
    });
  });
}
