import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { nsgen } from '../support/cli.js';
import { newMark, ownBoxes, processesWith } from './named-boxes.js';

/**
 * Many boxes, started by several nsgen at once. NSGEN_TEST_CROWD=50 has each of them start as many by script as by ffi, which
 * takes a minute.
 */

const STARTERS = 4;
const BY_SCRIPT = Number(process.env.NSGEN_TEST_CROWD ?? 6);
assert.ok(Number.isSafeInteger(BY_SCRIPT) && BY_SCRIPT > 0, 'NSGEN_TEST_CROWD must be a number of boxes');

const { states } = ownBoxes('crowd');

for (const [backend, each] of [
  ['ffi', 50],
  ['script', BY_SCRIPT],
] as const) {
  describe(`${STARTERS} nsgen at once, by ${backend}`, () => {
    test(`${STARTERS * each} boxes are all listed, stopped and gone`, async () => {
      const mark = newMark();
      const starters = Array.from({ length: STARTERS }, async (_, starter) => {
        for (let box = 0; box < each; box += 1) {
          const named = box % 2 === 0 ? ['--name', `b${starter}-${box}`] : [];
          const words = ['run', '-d', '--backend', backend, ...named, '--', 'sleep', '1000', mark].slice(0, -1);
          const { status, stderr } = await nsgen(words);
          assert.deepEqual([status, stderr], [0, '']);
        }
      });
      await Promise.all(starters);
      const running = states();
      assert.equal(running.length, STARTERS * each);
      assert.deepEqual(new Set(running.map(({ status }) => status)), new Set(['running']));
      const pids = running.map(({ process }) => process?.pid);
      assert.equal(new Set(pids).size, STARTERS * each);
      const listed: unknown = JSON.parse((await nsgen(['ps', '--json'])).stdout);
      assert.ok(Array.isArray(listed) && listed.length === STARTERS * each);
      const names = running.map(({ name }) => name);
      // Two at once, each all of them.
      const both = await Promise.all([nsgen(['stop', ...names]), nsgen(['stop', ...names])]);
      for (const { status, stderr } of both) assert.deepEqual([status, stderr], [0, '']);
      assert.deepEqual(new Set(states().map(({ exitStatus }) => exitStatus)), new Set([143]));
      const removed = await Promise.all([nsgen(['rm', ...names]), nsgen(['rm', ...names])]);
      const printed = removed.flatMap(({ stdout }) => stdout.trimEnd().split('\n')).filter(Boolean);
      assert.deepEqual(printed.toSorted(), names.toSorted());
      assert.deepEqual(states(), []);
      assert.deepEqual(processesWith(mark), []);
    });
  });
}

test('of several that want one name, one gets it', async () => {
  const all = await Promise.all(
    Array.from({ length: 6 }, (_, index) =>
      nsgen(['run', '-d', '--backend', index % 2 === 0 ? 'ffi' : 'script', '--name', 'wanted', '--', 'sleep', '1000']),
    ),
  );
  assert.deepEqual(all.map(({ status }) => status).toSorted(), [0, 125, 125, 125, 125, 125]);
  assert.deepEqual(
    states().map(({ name, status }) => [name, status]),
    [['wanted', 'running']],
  );
});
