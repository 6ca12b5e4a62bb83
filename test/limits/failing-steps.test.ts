import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, before, describe, test } from 'node:test';
import { release } from '../../src/backends/ffi/cgroup.js';
import { reapNow } from '../../src/backends/ffi/reap.js';
import { startBox } from '../../src/backends/ffi/start.js';
import { type BoxInput, makePlan, parseBox, StartError, script } from '../../src/index.js';
import { execute } from '../support/cli.js';
import { descendants } from '../support/leftovers.js';
import { ownCgroups } from '../support/own-cgroup.js';
import { ownDirectory } from '../support/own-directory.js';
import { delay } from '../support/session.js';

/** Each call of a start is made to fail, one after the other, by strace(1): no cgroup is left. */

const directory = ownDirectory('failing-steps');
const own = ownCgroups();
const legacy = { skip: own.directory('pids') === '' ? 'there is no controller pids of version 1 here' : false };
const BOX: BoxInput = {
  command: ['true'],
  resources: { memory: { limit: '64M' }, cpu: { quota: 50_000, period: 100_000, cpus: '0' }, pids: { limit: 30 } },
};

afterEach(async () => {
  for (let tries = 0; tries < 2000 && own.below().length + descendants().length > 0; tries += 1) await delay(10);
  assert.deepEqual(own.below(), []);
  assert.deepEqual(descendants(), []);
});

/** A name of a call, and how many of them one after the other are tried. Not close: Node itself does not survive it. */
const CALLS = [
  ['mkdirat', 4],
  ['openat', 30],
  ['write', 14],
  ['unshare', 1],
  ['clone3', 1],
  ['execve', 1],
  ['close_range', 1],
] as const;

describe('a start by ffi that fails at any call leaves no cgroup', legacy, () => {
  // It must not end while strace is attached: of SIGCHLD, Node's handler writes to a pipe, and Node does not survive that
  // that fails.
  const plan = makePlan(parseBox({ ...BOX, command: ['sleep', '1000'] }));
  let descriptors = 0;
  before(() => {
    // What is loaded on first use is loaded before anything is counted.
    assert.throws(() => startBox(makePlan(parseBox({ ...BOX, command: ['/nonexistent'] })), [0, 1, 2]), StartError);
    descriptors = readdirSync('/proc/self/fd').length;
  });

  for (const [call, most] of CALLS)
    test(call, async () => {
      let failures = 0;
      for (let when = 1; when <= most; when += 1) {
        const what = `${call} ${when}`;
        const error = await startUnderStrace(`${call}:error=EXFULL:when=${when}`, plan);
        if (error !== undefined) failures += 1;
        assert.deepEqual(own.below(), [], `${what}: ${error}`);
        assert.equal(readdirSync('/proc/self/fd').length, descriptors, `${what}: ${error}`);
      }
      assert.ok(failures > 0 && failures <= most, `${failures}`);
    });
});

/** Starts a box while strace is attached. One that starts after all is ended. */
async function startUnderStrace(injection: string, plan: ReturnType<typeof makePlan>): Promise<unknown> {
  const [call = ''] = injection.split(':');
  const args = ['-f', '-o', '/dev/null', '-e', `trace=${call}`, '-e', `inject=${injection}`, '-p', String(process.pid)];
  const strace = spawn('strace', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = new Promise(resolve => strace.on('close', resolve));
  let thrown: unknown;
  let box: ReturnType<typeof startBox> | undefined;
  await new Promise<void>((resolve, reject) => {
    strace.on('error', reject);
    strace.stderr.once('data', () => {
      // At once, so that nothing of Node's own is counted.
      try {
        box = startBox(plan, [0, 1, 2]);
      } catch (error) {
        thrown = error;
      }
      resolve();
    });
  });
  strace.kill('SIGINT');
  await ended;
  if (box !== undefined) {
    process.kill(box.pid, 'SIGKILL');
    reapNow(box.pid);
    await release(box.cgroups);
  }
  return thrown;
}

describe('a script that fails at any call leaves no cgroup', legacy, () => {
  const path = join(directory, 'box.sh');
  before(async () => writeFileSync(path, await script(BOX)));

  for (const [call, most] of [
    ['mkdir', 2],
    ['write', 5],
    ['unshare', 1],
    ['execve', 3],
    ['clone', 4],
  ] as const)
    test(call, async () => {
      for (let when = 1; when <= most; when += 1) {
        const inject = `inject=${call}:error=EXFULL:when=${when}`;
        await execute('strace', ['-f', '-o', '/dev/null', '-e', `trace=${call}`, '-e', inject, 'bash', path]);
        assert.deepEqual(own.below(), [], `${call} ${when}`);
      }
    });
});
