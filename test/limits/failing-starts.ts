import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { release } from '../../src/backends/ffi/cgroup.js';
import { reapNow } from '../../src/backends/ffi/reap.js';
import { startBox } from '../../src/backends/ffi/start.js';
import { makePlan, parseBox, StartError } from '../../src/index.js';
import { cgroupsBelow } from '../support/own-cgroup.js';

/**
 * `node --single-threaded failing-starts.js BOX CALL MOST`: starts the box MOST times while strace(1) makes the first CALL
 * fail, then the second, and so on; in the end it prints what each came to. It is a process of its own because the calls of
 * Node are counted and made to fail as well, and Node does not survive it: here it has nothing to say until then, and no
 * thread that would. Not for close(2), which even so it makes.
 */
export interface Start {
  /** What it failed with, if it did. */
  readonly error?: string;
  /** The cgroups that were left. */
  readonly cgroups: readonly string[];
  /** How many more descriptors there were than before. */
  readonly descriptors: number;
}

const [box = '', call = '', most = ''] = process.argv.slice(2);
const input = JSON.parse(box);
// It must not end while strace is attached: of SIGCHLD, Node's handler writes to a pipe, and Node does not survive that that
// fails.
const plan = makePlan(parseBox({ ...input, command: ['sleep', '1000'] }));

const descriptors = (): number => readdirSync('/proc/self/fd').length;

function loadAll(): void {
  try {
    startBox(makePlan(parseBox({ ...input, command: ['/nonexistent'] })), [0, 1, 2]);
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
  }
}

/** Starts a box while strace is attached. One that starts after all is ended. */
async function startUnderStrace(when: number): Promise<string | undefined> {
  const inject = `inject=${call}:error=EXFULL:when=${when}`;
  const args = ['-f', '-o', '/dev/null', '-e', `trace=${call}`, '-e', inject, '-p', String(process.pid)];
  const strace = spawn('strace', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = new Promise(resolve => strace.on('close', resolve));
  let error: string | undefined;
  let started: ReturnType<typeof startBox> | undefined;
  await new Promise<void>((resolve, reject) => {
    strace.on('error', reject);
    strace.stderr.once('data', () => {
      // At once, so that nothing of Node's own is counted.
      try {
        started = startBox(plan, [0, 1, 2]);
      } catch (thrown) {
        error = String(thrown);
      }
      resolve();
    });
  });
  strace.kill('SIGINT');
  await ended;
  if (started !== undefined) {
    process.kill(started.pid, 'SIGKILL');
    reapNow(started.pid);
    await release(started.cgroups);
  }
  return error;
}

loadAll();
const before = descriptors();
const starts: Start[] = [];
for (let when = 1; when <= Number(most); when += 1) {
  const error = await startUnderStrace(when);
  starts.push({ ...(error !== undefined && { error }), cgroups: cgroupsBelow(), descriptors: descriptors() - before });
}
process.stdout.write(JSON.stringify(starts));
