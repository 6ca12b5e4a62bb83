import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { after, afterEach, describe, test } from 'node:test';
import { statOf } from '../../src/host/process.js';
import { descendants, hostState } from '../support/leftovers.js';
import { ownDirectory } from '../support/own-directory.js';
import { randomNumbers } from '../support/random-numbers.js';
import { delay, Session } from '../support/session.js';
import { commandFor, runPod, shell, until, WAYS, type Way } from './ways.js';

/** How the boxes of a pod, and the pod, come to their ends. */

const directory = ownDirectory('pods-life');
const state = hostState();
afterEach(() => {
  assert.deepEqual(descendants(), []);
  assert.deepEqual(hostState(), state);
});

const SLEEP = { command: ['sleep', 'infinity'] };

const started: Session[] = [];
/** What a test that failed has left. */
after(() => {
  for (const { child } of started) child.kill('SIGKILL');
});

function startPod(way: Way, pod: unknown): Session {
  const [program = '', ...args] = commandFor(way, directory, pod);
  const session = new Session(program, args);
  started.push(session);
  return session;
}

/** Processes that have the word among their arguments, wherever they are by now. */
const withWord = (word: string): readonly string[] =>
  readdirSync('/proc').filter(name => {
    try {
      return /^\d+$/.test(name) && readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0').includes(word);
    } catch {
      return false;
    }
  });

async function gone(word: string): Promise<void> {
  for (let tries = 0; tries < 1500 && withWord(word).length > 0; tries += 1) await delay(20);
  assert.deepEqual(withWord(word), []);
}

let words = 0;
/** A number that sleep(1) takes, and no other process has. */
const uniqueTime = (): string => `${100_000 + words++}.${process.pid}`;

const seed = Number(process.env.NSGEN_SEED ?? Date.now() % 2 ** 31);
console.log(`# seed ${seed} (NSGEN_SEED)`);

for (const way of WAYS) {
  describe(`a pod, ${way}`, () => {
    test('one box reads and writes what the caller has; of several, none reads, and each line says whose it is', async () => {
      const one = await runPod(way, directory, { pod: 'one', boxes: { only: { command: ['cat'] } } }, 'in\nput');
      assert.deepEqual([one.status, one.stdout, one.stderr], [0, 'in\nput', '']);
      const pod = {
        pod: 'two',
        boxes: {
          a: { command: shell('cat; printf "\\377 1\\n2"') },
          longer: { command: shell('echo error >&2') },
        },
      };
      const two = await runPod(way, directory, pod, 'in\nput');
      assert.deepEqual([two.status, two.stdout, two.stderr], [0, 'a      | \ufffd 1\na      | 2', 'longer | error\n']);
    });

    test('a line of any length comes as it is', async () => {
      const long = 'yes | tr -d "\\n" | head -c 300000; echo; echo end';
      const pod = { pod: 'long', boxes: { a: { command: shell(long) }, b: { command: ['true'] } } };
      const { status, stdout } = await runPod(way, directory, pod);
      assert.equal(status, 0);
      assert.ok(stdout === `a | ${'y'.repeat(300_000)}\na | end\n`, stdout.slice(-200));
    });

    test('the end of one box leaves the others; the status is that of the first that is not 0, as they are written', async () => {
      const pod = {
        pod: 'ends',
        boxes: {
          fine: { command: ['true'] },
          late: { command: shell('while [ -e /proc/4 ] || ! [ -e /proc/1 ]; do :; done; exit 3') },
          early: { command: shell('echo still here; exit 4') },
        },
      };
      const { status, stdout } = await runPod(way, directory, pod);
      assert.deepEqual([status, stdout], [3, 'early | still here\n']);
    });

    test('what a box leaves behind ends with the pod', async () => {
      const time = uniqueTime();
      const pod = {
        pod: 'left',
        boxes: {
          leaving: { command: shell(`sleep ${time} & echo left`) },
          last: { command: shell('echo last') },
        },
      };
      const { status } = await runPod(way, directory, pod);
      assert.equal(status, 0);
      await gone(time);
    });

    test('a box that cannot be started ends those before it, and none is started after it', async () => {
      const [first, last] = [uniqueTime(), uniqueTime()];
      const pod = {
        pod: 'failing',
        boxes: {
          first: { command: ['sleep', first] },
          failing: { command: ['/nonexistent/program'] },
          last: { command: ['sleep', last] },
        },
      };
      const { status, stderr } = await runPod(way, directory, pod);
      assert.equal(status, 127);
      assert.match(stderr, /failing.*\/nonexistent\/program.*No such file or directory/);
      for (const time of [first, last]) await gone(time);
    });

    test('a signal reaches every box', async () => {
      const trap = 'trap "echo got it; kill \\$!; exit 5" TERM; sleep infinity & echo waiting; wait';
      const pod = { pod: 'signals', boxes: { one: { command: shell(trap) }, two: { command: shell(trap) } } };
      const session = startPod(way, pod);
      await session.until(/one \| waiting/);
      await session.until(/two \| waiting/);
      process.kill(session.pid, 'SIGTERM');
      assert.deepEqual(await session.ended, { status: 5, signal: null });
      assert.match(session.output, /one \| got it/);
      assert.match(session.output, /two \| got it/);
    });

    test('when somebody kills the init, all boxes are killed', async () => {
      const pod = {
        pod: 'killed',
        boxes: { one: SLEEP, two: { command: shell(`${until(2, 'sleep')}echo up; exec sleep infinity`) } },
      };
      const session = startPod(way, pod);
      await session.until(/two \| up/);
      const inits = descendants(session.pid).filter(pid => statOf(pid)?.name === 'nsgen-init');
      assert.equal(inits.length, 1);
      for (const init of inits) process.kill(init, 'SIGKILL');
      assert.equal((await session.ended).status, 137);
    });

    test('SIGKILL of who started it, at whatever moment, leaves nothing', async () => {
      const random = randomNumbers(seed);
      for (let round = 0; round < 4; round += 1) {
        const time = uniqueTime();
        const boxes = { one: { command: ['sleep', time] }, two: { command: shell(`echo up; exec sleep ${time}`) } };
        const session = startPod(way, { pod: 'killed', boxes });
        if (round === 0) await session.until(/two \| up/);
        else await delay(random() * 400);
        process.kill(session.pid, 'SIGKILL');
        await session.ended;
        await gone(time);
      }
      for (let tries = 0; tries < 1500 && descendants().length > 0; tries += 1) await delay(20);
    });
  });
}
