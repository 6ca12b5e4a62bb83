import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { statOf } from '../../src/host/process.js';
import {
  BACKEND_NAMES,
  BoxError,
  boxes,
  CommandError,
  findBox,
  run,
  StartError,
  StateError,
  start,
  startDetached,
} from '../../src/index.js';
import { packageRoot } from '../../src/package-root.js';
import { execute, nsgen } from '../support/cli.js';
import { descendants } from '../support/leftovers.js';
import { ownCgroups } from '../support/own-cgroup.js';
import { until } from '../support/until.js';
import { newMark, ownBoxes, processesWith } from './named-boxes.js';

/** What a program does with boxes that have names. */

const { states, clear } = ownBoxes('library');
const own = ownCgroups();

afterEach(async () => {
  await clear();
  // Who has ended is reaped, though nobody waits for it.
  await until(() => descendants().length === 0, 'no child is left');
  assert.deepEqual(own.below(), []);
});

const READY = 'echo ready; while :; do sleep 0.05; done';

for (const backend of BACKEND_NAMES) {
  describe(`by ${backend}`, () => {
    test('a detached box, from its start to its removal', async () => {
      const command = ['bash', '-c', `trap 'exit 3' TERM; ${READY}`] as const;
      const web = await startDetached(
        { command: [...command], env: { A: 'b' }, cwd: '/tmp' },
        { name: 'web', backend },
      );
      assert.deepEqual([web.name, web.status, web.backend, web.foreground], ['web', 'running', backend, false]);
      assert.deepEqual([web.command, web.exitStatus, web.problem], [command, undefined, undefined]);
      assert.equal(statOf(web.pid ?? 0)?.name, 'nsgen-init');
      assert.deepEqual(
        (await boxes()).map(({ name }) => name),
        ['web'],
      );
      const log = web.log ?? assert.fail();
      await until(() => readFileSync(log, 'utf8') === 'ready\n', 'it is ready');
      const inside = await web.exec(['sh', '-c', 'cat; echo "$A $C"; pwd; echo error >&2; exit 4'], {
        backend,
        env: { C: 'd e=f' },
        cwd: '/',
        input: 'in\n',
      });
      assert.deepEqual(inside, { exitStatus: 4, stdout: 'in\nb d e=f\n/\n', stderr: 'error\n' });
      assert.equal((await web.exec(['-no-option'], { backend })).exitStatus, 127);
      await assert.rejects(web.remove(), /is running/);
      assert.equal(await web.kill('SIGCONT'), true);
      assert.equal(await web.stop(), 3);
      assert.deepEqual([await web.wait(), await web.kill(), web.status], [3, false, 'running']);
      const ended = await findBox('web');
      assert.deepEqual([ended.status, ended.exitStatus, ended.pid], ['ended', 3, undefined]);
      await assert.rejects(ended.exec(['true']), { name: 'StartError', message: 'box "web" has ended' });
      await ended.remove();
      for (const gone of [ended.wait(), ended.kill(), ended.stop(), ended.remove(), ended.exec(['true'])])
        await assert.rejects(gone, { name: 'StateError', message: 'box "web" has been removed' });
      await assert.rejects(findBox('web'), StateError);
    });

    test('what it does, it does to no later box of the name', async () => {
      const first = await startDetached({ command: ['true'] }, { name: 'twice', backend });
      await first.wait();
      await first.remove();
      const second = await startDetached({ command: ['sleep', '1000'] }, { name: 'twice', backend });
      await assert.rejects(first.kill(), StateError);
      await assert.rejects(first.remove({ force: true }), StateError);
      assert.equal((await findBox('twice')).status, 'running');
      assert.equal(await second.stop({ timeout: 0 }), 137);
    });

    test('with limits, and a name that is made up', async () => {
      const box = await startDetached({ command: ['sleep', '1000'], resources: { pids: { limit: 20 } } }, { backend });
      assert.match(box.name, /^[a-z]{6}-\d\d$/);
      assert.notEqual(own.below().length, 0);
      await box.remove({ force: true });
      assert.deepEqual(await boxes(), []);
    });

    test('what cannot be started', async () => {
      await assert.rejects(startDetached({ command: ['no-such-program'] }, { backend }), error => {
        assert.ok(error instanceof StartError);
        assert.match(error.message, /cannot execute no-such-program$/);
        assert.equal(error.exitStatus, 127);
        return true;
      });
      await assert.rejects(startDetached({ command: ['true'], terminal: true }, { backend }), BoxError);
      await assert.rejects(startDetached({ command: ['true'] }, { backend, name: '12' }), /^BoxError: name: must be/);
      await startDetached({ command: ['true'] }, { backend, name: 'a' });
      await assert.rejects(startDetached({ command: ['true'] }, { backend, name: 'a' }), /the name "?a"? is in use/);
      assert.equal(states().length, 1);
    });

    test('in the foreground', async () => {
      const box = await start(
        { command: ['bash', '-c', READY] },
        { backend, name: 'fore', stdin: 'ignore', stdout: 'pipe' },
      );
      await new Promise(resolve => box.stdout?.once('data', resolve));
      const found = await findBox('fore');
      assert.deepEqual([found.status, found.foreground, found.log], ['running', true, undefined]);
      if (backend === 'ffi') assert.equal(found.pid, box.pid);
      assert.equal(await found.stop({ timeout: 0 }), 137);
      box.stdout?.resume();
      assert.equal((await box.ended).exitStatus, 137);
      assert.equal((await run({ command: ['true'] }, { backend, name: 'ran' })).exitStatus, 0);
      await assert.rejects(run({ command: ['false'] }, { backend, name: 'failed' }), CommandError);
      const all = await boxes();
      assert.deepEqual(all.map(({ name, exitStatus }) => [name, exitStatus]).sort(), [
        ['failed', 1],
        ['fore', 137],
        ['ran', 0],
      ]);
      await assert.rejects(start({ command: ['true'] }, { backend, name: '1' }), /^BoxError: name: must be/);
    });
  });
}

test('a name in use in the foreground, and of nobody', async () => {
  await run({ command: ['true'] }, { name: 'a' });
  await assert.rejects(run({ command: ['true'] }, { name: 'a' }), StateError);
  await assert.rejects(findBox('b'), { name: 'StateError', message: /there is no box "b"/ });
  await assert.rejects(findBox('../a'), StateError);
  const box = await findBox('a');
  await assert.rejects(box.stop({ timeout: Number.NaN }), RangeError);
  await assert.rejects(box.kill(65), RangeError);
});

test('a detached box goes on when the program has ended, which nothing keeps alive', async () => {
  const library = JSON.stringify(join(packageRoot, 'dist', 'index.js'));
  const program = `import { startDetached } from ${library};
    const { pid } = await startDetached({ command: ['sleep', '1000'] }, { name: 'on' });
    console.log(pid);`;
  const { status, stdout, stderr } = await execute(process.execPath, ['--input-type=module', '-e', program]);
  assert.deepEqual([status, stderr], [0, '']);
  const box = await findBox('on');
  assert.deepEqual([box.status, `${box.pid}\n`], ['running', stdout]);
  assert.equal((await nsgen(['stop', 'on'])).status, 0);
  assert.equal(await box.wait(), 143);
});

test('a command in a box ends with the program that runs it', async () => {
  const mark = newMark();
  const box = await startDetached({ command: ['sleep', '1000'] }, { name: 'in' });
  const program = `import { findBox } from ${JSON.stringify(join(packageRoot, 'dist', 'index.js'))};
    const box = await findBox('in');
    box.exec(['sh', '-c', 'sleep 1000; :', '${mark}']);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: 'ignore' });
  const exited = once(child, 'exit');
  const inBox = () => processesWith(mark).filter(pid => statOf(pid)?.name === 'sh');
  await until(() => inBox().length === 1, 'the command runs');
  child.kill('SIGKILL');
  await exited;
  await until(() => processesWith(mark).length === 0, 'it has ended');
  await box.remove({ force: true });
});

test('in a worker, ffi refuses', async () => {
  const program = `const { parentPort } = require('node:worker_threads');
    import(${JSON.stringify(join(packageRoot, 'dist', 'index.js'))})
      .then(({ startDetached }) => startDetached({ command: ['true'] }))
      .catch(error => parentPort.postMessage(error.message));`;
  const message = await new Promise((resolve, reject) => {
    new Worker(program, { eval: true }).on('message', resolve).on('error', reject);
  });
  assert.match(String(message), /worker thread/);
  assert.deepEqual(states(), []);
});
