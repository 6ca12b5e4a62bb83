import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { describe, test } from 'node:test';
import { nsgen, nsgenPath } from '../support/cli.js';
import { randomNumbers } from '../support/random-numbers.js';
import { delay } from '../support/session.js';
import { until } from '../support/until.js';
import { newMark, ownBoxes, processesWith } from './named-boxes.js';

/** nsgen is killed while it starts a box: no exit status is lost, and nobody runs whom no state knows. */

const { parent, states } = ownBoxes('kills');
const seed = Number(process.env.NSGEN_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
const random = randomNumbers(seed);

for (const [backend, kills] of [
  ['ffi', 40],
  ['script', 20],
] as const) {
  describe(`SIGKILL of nsgen run -d, by ${backend}`, () => {
    test(`${kills} times (NSGEN_TEST_SEED=${seed})`, async t => {
      const mark = newMark();
      // Of one that nobody kills, on this machine as it is now.
      const began = performance.now();
      assert.equal((await nsgen(['run', '-d', '--backend', backend, '--name', 'whole', '--', 'true'])).status, 0);
      const whole = performance.now() - began;
      await nsgen(['wait', 'whole']);
      await nsgen(['rm', 'whole']);
      for (let kill = 0; kill < kills; kill += 1) {
        const words = ['run', '-d', '--backend', backend, '--name', `k${kill}`, '--', 'sh', '-c', 'exit 42', mark];
        const child = spawn(process.execPath, [nsgenPath, ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
        const closed = once(child, 'exit');
        // Before there is anything but Node, nothing can go wrong.
        await delay((0.3 + random()) * whole);
        child.kill('SIGKILL');
        await closed;
      }
      await until(() => processesWith(mark).length === 0, 'all that was started has ended');
      await until(() => states().every(({ status }) => status === 'ended'), 'all have ended');
      const all = states();
      const statuses = new Set(all.map(({ exitStatus, started }) => (started ? exitStatus : 'not started')));
      t.diagnostic(`${all.length} of ${kills} have a state, ${all.filter(({ started }) => started).length} have run`);
      assert.ok(
        [...statuses].every(status => status === 42 || status === 'not started'),
        [...statuses].join(),
      );
      assert.equal((await nsgen(['prune'])).status, 0);
      const ran = all.filter(({ started }) => started).map(({ name }) => name);
      assert.deepEqual(
        readdirSync(parent)
          .filter(name => name !== '.lock')
          .toSorted(),
        ran.toSorted(),
      );
      if (ran.length > 0) assert.equal((await nsgen(['rm', ...ran])).status, 0);
      assert.deepEqual(states(), []);
    });
  });
}
