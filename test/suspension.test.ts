import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { statOf } from '../src/host/process.js';
import { packageRoot } from '../src/package-root.js';
import { descendants } from './support/leftovers.js';
import { delay } from './support/session.js';

/** When SIGCONT comes on the way to a stop, to the moment: a process that would stop then is left as it is. */

afterEach(() => assert.deepEqual(descendants(), []));

interface Observed {
  readonly printed: string;
  /** On stderr. */
  readonly said: string;
  readonly stopped: boolean;
}

/** @param suspend what is done while the box is being stopped. @returns what it printed, and whether it stopped first. */
async function suspended(suspend: string): Promise<Observed> {
  const program = `
    const { Suspension } = await import(${JSON.stringify(join(packageRoot, 'dist/cli/suspension.js'))});
    const continued = () => process.kill(process.pid, 'SIGCONT');
    const running = {
      kill: signal => console.log(signal),
      resume: () => console.log('resume'),
      suspend: async () => { ${suspend} return 0; },
    };
    const suspension = new Suspension(running);
    process.on('SIGCONT', () => suspension.end());
    process.on('SIGUSR1', () => process.exit(0));
    suspension.begin();
    setInterval(() => {}, 1000);
    console.log('begun');`;
  // A group of its own below a shell, as a job is: in a group that is orphaned, the kernel stops nobody but by SIGSTOP.
  const child = spawn(
    'bash',
    [
      '-c',
      'perl -e "setpgrp; exec @ARGV" "$0" "$@" & echo $!; wait $!',
      process.execPath,
      '--input-type=module',
      '-e',
      program,
    ],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    },
  );
  const ended = once(child, 'close');
  let printed = '';
  child.stdout.on('data', chunk => {
    printed += chunk;
  });
  let said = '';
  child.stderr.on('data', chunk => {
    said += chunk;
  });
  let stopped = false;
  for (let tries = 0; tries < 3000 && !printed.includes('SIGCONT'); tries++) {
    const pid = Number(printed.split('\n')[0]);
    // Only a stop that lasts is one.
    if (printed.includes('begun') && statOf(pid)?.state === 'T') {
      stopped = true;
      process.kill(pid, 'SIGCONT');
    }
    await delay(20);
  }
  process.kill(Number(printed.split('\n')[0]), 'SIGUSR1');
  await ended;
  return { printed: printed.replace(/^.*\n/, ''), said, stopped };
}

test('without it, the process stops, and the box goes on when it does', async () => {
  assert.deepEqual(await suspended(''), { printed: 'begun\nresume\nSIGCONT\n', said: '', stopped: true });
});

test('while the box is being stopped', async () => {
  const text = 'continued(); await new Promise(resolve => setTimeout(resolve, 100));';
  assert.deepEqual(await suspended(text), { printed: 'begun\nresume\nSIGCONT\n', said: '', stopped: false });
});

test('at the very last, when nobody has heard of it yet', async () => {
  assert.deepEqual(await suspended('continued();'), { printed: 'begun\nresume\nSIGCONT\n', said: '', stopped: false });
});

test('what cannot be stopped goes on, and so does the process', async () => {
  assert.deepEqual(await suspended("throw new Error('EAGAIN');"), {
    printed: 'begun\nresume\nSIGCONT\n',
    said: 'nsgen: the box cannot be stopped, and goes on: EAGAIN\n',
    stopped: false,
  });
});
