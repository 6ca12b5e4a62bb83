import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { afterEach, describe, test } from 'node:test';
import { BACKEND_NAMES } from '../../src/backends/backend.js';
import { newMark, processesWith } from '../detached/named-boxes.js';
import { execute, nsgen, nsgenPath } from '../support/cli.js';
import { ownCgroups } from '../support/own-cgroup.js';
import { until } from '../support/until.js';
import { ownPods, WAYS, type Way } from './detached-pods.js';
import { shell } from './ways.js';

/** What goes on alone, and nobody has the name of, is ended and removed: a pod, and a further box in one. */

const { parent, states, clear, fileOf, start, running } = ownPods('unprinted-pods');
const own = ownCgroups();

afterEach(async () => {
  await clear();
  assert.deepEqual(states(), []);
  assert.deepEqual(own.below(), []);
});

const entries = () => readdirSync(parent).filter(name => !/^\.(lock|pod-)/.test(name));
/** The second has been closed by its reader before anything is written to it. */
const PLACES = ['"$@" >/dev/full', 'set -o pipefail; { exec 3>&-; "$@"; } | true'];
const unprinted = (what: string) =>
  new RegExp(`cannot print the name of the ${what}.*: it has been ended, and removed$`, 'm');

/** With the standard output of the command somewhere else. */
const elsewhere = (place: string, words: readonly string[], input?: string) =>
  execute('bash', ['-c', place, 'sh', ...words], input === undefined ? {} : { input });

async function startElsewhere(way: Way, place: string, pod: unknown) {
  const file = fileOf(pod);
  const run = [process.execPath, nsgenPath, 'run', '--detach', '--backend', way, '-f', file];
  if (way !== 'pod.sh') return elsewhere(place, run);
  const script = await nsgen(['script', '--detach', '-f', file]);
  return elsewhere(place, ['bash', '-s'], script.stdout);
}

for (const way of WAYS)
  test(`a pod, by ${way}`, async () => {
    for (const place of PLACES) {
      const mark = newMark();
      const box = { command: [...shell('sleep 1000; :'), mark], resources: { pids: { limit: 20 } } };
      const { status, stderr } = await startElsewhere(way, place, { pod: 'p', boxes: { one: box, two: box } });
      assert.equal(status, 125, stderr);
      assert.match(stderr, unprinted('pod'));
      assert.deepEqual(entries(), []);
      await until(() => processesWith(mark).length === 0, 'all that was started has ended');
    }
  });

for (const backend of BACKEND_NAMES)
  describe(`nsgen run -d --pod, by ${backend}`, () => {
    for (const place of PLACES)
      test(`the box goes, the pod that was there stays: ${place}`, async () => {
        await start('ffi', { pod: 'p', boxes: { web: { command: ['sleep', '1000'] } } });
        const mark = newMark();
        const words = ['run', '-d', '--backend', backend, '--pod', 'p', '--', ...shell('sleep 1000; :'), mark];
        const { status, stderr } = await elsewhere(place, [process.execPath, nsgenPath, ...words]);
        assert.equal(status, 125, stderr);
        assert.match(stderr, unprinted('box'));
        assert.deepEqual(entries(), ['p', 'p.web']);
        for (const name of ['p', 'p.web']) running(name);
        await until(() => processesWith(mark).length === 0, 'it has ended');
      });

    test('a pod that was made for it goes with it', async () => {
      const words = ['run', '-d', '--backend', backend, '--pod', 'new:p', '--', 'sleep', '1000'];
      const { status, stderr } = await elsewhere('"$@" >/dev/full', [process.execPath, nsgenPath, ...words]);
      assert.equal(status, 125, stderr);
      assert.deepEqual(entries(), []);
    });
  });
