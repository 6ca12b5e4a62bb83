import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { boxes, findBox } from '../../src/index.js';
import { ownPods } from './detached-pods.js';
import { shell } from './ways.js';

/** What a program does with a pod that goes on alone, whose name it finds among those of the boxes. */

const { states, clear, start, logged } = ownPods('pods-library');
afterEach(clear);

const LISTENING = `trap 'exit 7' TERM USR1; echo ready; while :; do sleep 0.05 & wait $!; done`;

async function startPod() {
  const pod = { pod: 'p', boxes: { deaf: { command: ['sleep', '1000'] }, ears: { command: shell(LISTENING) } } };
  assert.equal((await start('ffi', pod)).status, 0);
  await logged('p.ears', /^ready$/m);
  return findBox('p');
}

const ends = () =>
  states()
    .map(({ name, exitStatus }) => [name, exitStatus])
    .sort();

test('stop() asks each of its boxes to end, then its init, and resolves as nsgen wait prints', async () => {
  const pod = await startPod();
  const waiting = pod.wait();
  assert.deepEqual([await pod.stop(), await waiting, await pod.wait()], [143, 143, 143]);
  assert.deepEqual(ends(), [
    ['p', undefined],
    ['p.deaf', 143],
    ['p.ears', 7],
  ]);
});

test('kill() sends a signal to every box, SIGKILL to the init too; remove() removes all of it', async () => {
  const pod = await startPod();
  assert.equal(await pod.kill('SIGUSR1'), true);
  assert.deepEqual(await Promise.all(['p.deaf', 'p.ears'].map(async name => (await findBox(name)).wait())), [138, 7]);
  await assert.rejects(pod.remove(), /pod "p" is running/);
  assert.equal((await findBox('p')).status, 'running');
  assert.equal(await pod.kill(), true);
  assert.equal(await pod.wait(), 138);
  await pod.remove({ force: true });
  assert.deepEqual(await boxes(), []);
  await assert.rejects(pod.wait(), { name: 'StateError', message: 'pod "p" has been removed' });
});
