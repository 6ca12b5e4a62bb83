import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { hasStopped, statOf } from '../src/host/process.js';
import { stopTree } from '../src/host/process-tree.js';

/** Each the child of the one before it. */
const LEVELS = 200;
const CHAIN = 'if [ "$1" -gt 1 ]; then sh -c "$0" "$0" "$(($1 - 1))" & wait; else echo ready; sleep 1000; fi';

const stoppedOf = (told: readonly { readonly pid: number }[]) =>
  new Set(told.map(({ pid }) => pid).filter(pid => hasStopped(statOf(pid))));

test('a tree deeper than the time that there is keeps nobody: who is not reached is said to go on', async () => {
  // In a pid namespace, so that all of them end with the first.
  const words = ['--pid', '--fork', '--kill-child', '--', 'sh', '-c', CHAIN, CHAIN, String(LEVELS)];
  const holder = spawn('unshare', words, { stdio: ['ignore', 'pipe', 'inherit'] });
  const closed = once(holder, 'close');
  try {
    await once(holder.stdout, 'data');
    const { told, going } = await stopTree(holder.pid ?? 0, 10);
    assert.ok(told.length > 0 && told.length < LEVELS, `${told.length} of ${LEVELS} were told`);
    assert.notEqual(going, 0);
    const all = await stopTree(holder.pid ?? 0, 60_000);
    assert.equal(all.going, 0);
    // With unshare, and the sleep of the last.
    assert.equal(stoppedOf([...told, ...all.told]).size, LEVELS + 2);
  } finally {
    holder.kill('SIGKILL');
    await closed;
  }
});
