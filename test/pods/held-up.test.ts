import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { isAlive } from '../../src/host/process.js';
import { findBox } from '../../src/index.js';
import { until } from '../support/until.js';
import { ownPods } from './detached-pods.js';

/** A pod ends also when one of its boxes cannot be told to. */

const { parent, running, clear, start } = ownPods('pods-held-up');

const directories: string[] = [];
afterEach(async () => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true });
  await clear();
});

const startPod = async (name: string) => {
  assert.equal((await start('ffi', { pod: name, boxes: { a: { command: ['sleep', '1000'] } } })).status, 0);
};

/** A further box of a pod, by what is on file of another. */
function addMember(pod: string, changes: Readonly<Record<string, unknown>>): string {
  const directory = join(parent, `${pod}.stuck`);
  directories.push(directory);
  mkdirSync(directory, { mode: 0o700 });
  const record = JSON.parse(readFileSync(join(parent, `${pod}.a`, 'box.json'), 'utf8'));
  writeFileSync(join(directory, 'box.json'), JSON.stringify({ ...record, name: `${pod}.stuck`, ...changes }));
  writeFileSync(join(directory, 'life'), '');
  return directory;
}

test('SIGKILL reaches the init though whoever starts a box in the pod has been stopped', async () => {
  await startPod('p');
  const { process: init } = running('p');
  assert.ok(init);
  const life = join(addMember('p', {}), 'life');
  // Has the lock, and starts nothing.
  const starter = spawn('flock', [life, 'sh', '-c', 'echo held; read -r end'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const closed = once(starter, 'close');
  await once(starter.stdout, 'data');
  const pod = await findBox('p');
  assert.equal((await findBox('p.stuck')).status, 'starting');
  assert.equal(await pod.kill(), true);
  assert.equal(await (await findBox('p.a')).wait(), 137);
  await until(() => !isAlive(init), 'the init has ended');
  starter.stdin.end();
  await closed;
});

test('a box that cannot be told is named when the others and the init have ended', async () => {
  await startPod('q');
  const elsewhere = { pidNamespace: '4026532999-77-11111111-1111-4111-8111-111111111111' };
  addMember('q', elsewhere);
  const pod = await findBox('q');
  await assert.rejects(pod.kill('SIGCONT'), /box "q.stuck" was started in another pid namespace/);
  assert.equal(running('q').status, 'running');
  await assert.rejects(pod.stop({ timeout: 0 }), /box "q.stuck" was started in another pid namespace/);
  for (const [name, status] of [
    ['q', undefined],
    ['q.a', 137],
  ] as const) {
    const found = await findBox(name);
    assert.deepEqual([found.status, found.exitStatus], ['ended', status], name);
  }
});
