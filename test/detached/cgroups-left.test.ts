import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, describe, test } from 'node:test';
import { nsgen, nsgenPath } from '../support/cli.js';
import { ownCgroups } from '../support/own-cgroup.js';
import { ended, ownBoxes, startDetached, WAYS } from './named-boxes.js';

/** The end of a box is known, and a cgroup of it stays. */

const { parent, named, clear } = ownBoxes('cgroups-left');
const own = ownCgroups();
afterEach(() => clear());

/** In a mount namespace of its own, in which nobody can change a cgroup. */
const READ_ONLY = `findmnt --noheadings --raw --output TARGET --types cgroup,cgroup2 |
  while read -r mount; do mount -o remount,bind,ro "$mount" || exit; done || exit
  exec "$@"`;

/** A command that ends when a file is there. */
const READ = 'until [ -e "$1" ]; do sleep 0.05; done; exit 7';

const readOnly = (...words: readonly string[]) =>
  spawn('unshare', ['--mount', 'sh', '-c', READ_ONLY, 'sh', process.execPath, nsgenPath, ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });

/** @param said is called when it has written something to its stdout. */
async function outcomeOf(child: ReturnType<typeof readOnly>, said = (_: string): void => {}) {
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', chunk => {
    stdout += chunk;
    said(stdout);
  });
  child.stderr.on('data', chunk => {
    stderr += chunk;
  });
  const [status] = await once(child, 'close');
  return { status, stdout, stderr };
}

const LEFT =
  /^(?:nsgen: box "web": cannot remove the cgroup \/.*\/nsgen-\d+-\d+-\d+(?:-\d+)?: EROFS; later, nsgen prune will\n)+$/;
const LIMITS = ['--memory', '64M', '--pids-limit', '50'];

for (const way of WAYS)
  describe(way, () => {
    test('wait says how the box has ended, and that its cgroup is left', async () => {
      const gate = join(dirname(parent), `gate-${way}`);
      await startDetached('ffi', ['--name', 'first', '--', 'true']);
      await ended('first', named);
      await startDetached(way, [...LIMITS, '--name', 'web', '--', 'sh', '-c', READ, 'sh', gate]);
      const before = own.below();
      assert.notDeepEqual(before, []);
      // Both are looked at before one is waited for.
      const waiting = readOnly('wait', 'first', 'web');
      const { status, stdout, stderr } = await outcomeOf(waiting, said => {
        if (said === '0\n') writeFileSync(gate, '');
      });
      assert.deepEqual([status, stdout], [0, '0\n7\n'], stderr);
      assert.match(stderr, LEFT);
      assert.deepEqual(own.below(), before);
      const again = await outcomeOf(readOnly('wait', 'web'));
      assert.deepEqual([again.status, again.stdout], [0, '7\n'], again.stderr);
      assert.match(again.stderr, LEFT);
      assert.deepEqual(await nsgen(['wait', 'web']), { status: 0, signal: null, stdout: '7\n', stderr: '' });
      assert.deepEqual(own.below(), []);
    });
  });

test('stop ends the box, rm takes its name away, and both fail', async () => {
  await startDetached('ffi', [...LIMITS, '--name', 'web', '--', 'sleep', '1000']);
  const { status, stdout, stderr } = await outcomeOf(readOnly('stop', 'web'));
  assert.deepEqual([status, stdout], [125, '']);
  assert.match(stderr, /^nsgen: cannot remove the cgroup \/.*: EROFS; later, nsgen prune will$/m);
  assert.equal(named('web')?.exitStatus, 143);
  const removal = await outcomeOf(readOnly('rm', 'web'));
  assert.deepEqual([removal.status, removal.stderr, named('web')], [125, stderr, undefined]);
  assert.match((await nsgen(['prune'])).stdout, /^removed \/.*\/nsgen-/m);
  assert.deepEqual(own.below(), []);
});
