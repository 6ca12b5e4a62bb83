import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type BoxInput, script } from '../../src/index.js';
import { execute } from '../support/cli.js';
import { descendants } from '../support/leftovers.js';
import { ownCgroups } from '../support/own-cgroup.js';
import { ownDirectory } from '../support/own-directory.js';
import { delay } from '../support/session.js';
import type { Start } from './failing-starts.js';

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

/** A name of a call, and how many of them one after the other are tried. */
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
  const program = fileURLToPath(new URL('failing-starts.js', import.meta.url));
  for (const [call, most] of CALLS)
    test(call, async () => {
      const words = ['--single-threaded', program, JSON.stringify(BOX), call, String(most)];
      const { stdout, stderr, ...end } = await survived(() => execute(process.execPath, words));
      assert.deepEqual(end, { status: 0, signal: null }, stderr);
      const starts: readonly Start[] = JSON.parse(stdout);
      assert.equal(starts.length, most);
      for (const [index, { error, cgroups, descriptors }] of starts.entries())
        assert.deepEqual({ cgroups, descriptors }, { cgroups: [], descriptors: 0 }, `${call} ${index + 1}: ${error}`);
      assert.ok(
        starts.some(({ error }) => error !== undefined),
        stdout,
      );
    });
});

/** Once in a great while it is a call of Node's own that fails after all, on a thread of its: then that aborts. */
async function survived(attempt: () => ReturnType<typeof execute>): ReturnType<typeof execute> {
  for (let tries = 1; ; tries += 1) {
    const result = await attempt();
    if (result.signal !== 'SIGABRT' || tries === 5) return result;
  }
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
