import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { describe, test } from 'node:test';
import { isPod } from '../../src/state/boxes.js';
import { newMark, processesWith } from '../detached/named-boxes.js';
import { nsgen, nsgenPath } from '../support/cli.js';
import { randomNumbers } from '../support/random-numbers.js';
import { delay } from '../support/session.js';
import { until } from '../support/until.js';
import { ownPods } from './detached-pods.js';
import { shell } from './ways.js';

/** nsgen is killed while it starts a pod: nobody runs whom no state knows, and prune removes what is not all there. */

const { parent, fileOf, states } = ownPods('kills-of-pods');
const seed = Number(process.env.NSGEN_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
const random = randomNumbers(seed);

for (const [backend, kills] of [
  ['ffi', 16],
  ['script', 12],
] as const) {
  describe(`SIGKILL of nsgen run -d -f pod.yaml, by ${backend}`, () => {
    test(`${kills} times (NSGEN_TEST_SEED=${seed})`, async t => {
      const mark = newMark();
      const box = { command: [...shell('exec sleep 1000'), mark] };
      const words = (pod: string) => {
        const file = fileOf({ pod, boxes: { one: box, two: box } });
        return ['run', '-d', '--backend', backend, '-f', file];
      };
      // Of one that nobody kills, on this machine as it is now.
      const began = performance.now();
      assert.equal((await nsgen(words('whole'))).status, 0);
      const whole = performance.now() - began;
      for (let kill = 0; kill < kills; kill += 1) {
        const child = spawn(process.execPath, [nsgenPath, ...words(`k${kill}`)], { stdio: ['ignore', 'pipe', 'pipe'] });
        const closed = once(child, 'exit');
        await delay((0.2 + 0.9 * random()) * whole);
        child.kill('SIGKILL');
        await closed;
      }
      // Whoever is at it still, as a script of a box is, sees to it.
      await until(() => states().every(({ status, problem }) => status !== 'starting' || problem), 'all is quiet');
      const halves = states().filter(box => isPod(box) && box.problem !== undefined);
      t.diagnostic(`${states().filter(isPod).length - 1} of ${kills} have a state, ${halves.length} are half there`);
      for (const half of halves) assert.match((await nsgen(['ps', '-a'])).stdout, new RegExp(`^${half.name} `, 'm'));
      await until(async () => {
        await nsgen(['prune']);
        return readdirSync(parent).every(name => name === '.lock' || name.startsWith('.pod-') || !name.startsWith('.'));
      }, 'nothing is left of what was being made');
      const whole_ = states()
        .filter(isPod)
        .map(({ name, status }) => [name, status] as const);
      // What is left is whole, and runs.
      assert.ok(whole_.every(([name, status]) => status === 'running' && !halves.some(half => half.name === name)));
      for (const { pod } of states().filter(state => !isPod(state)))
        assert.ok(
          whole_.some(([name]) => name === pod),
          String(pod),
        );
      for (const [name] of whole_)
        assert.equal(states().filter(({ pod, status }) => pod === name && status === 'running').length, 2);
      assert.equal((await nsgen(['rm', '-f', ...whole_.map(([name]) => name)])).status, 0);
      assert.deepEqual(states(), []);
      await until(() => processesWith(mark).length === 0, 'all that was started has ended');
    });
  });
}
