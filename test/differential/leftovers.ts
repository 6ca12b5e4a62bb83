import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { descendants, hostState } from '../support/leftovers.js';

export interface TemporaryDirectory {
  readonly before: readonly string[];
  readonly queues: readonly string[];
  remove(): void;
}

/** Where this process and all it starts put their files, so that those of other tests are not taken for leftovers. */
export function ownTemporaryDirectory(): TemporaryDirectory {
  const outer = process.env.TMPDIR;
  const path = mkdtempSync(join(tmpdir(), 'differential-'));
  // For boxes that an ordinary user starts.
  chmodSync(path, 0o1777);
  process.env.TMPDIR = path;
  return {
    before: hostState(),
    queues: queuesOfHost(),
    remove() {
      if (outer === undefined) delete process.env.TMPDIR;
      else process.env.TMPDIR = outer;
      rmSync(path, { recursive: true });
    },
  };
}

/** What other tests had mounted at the beginning may be gone by now. */
const isOfOthers = (line: string): boolean => line.includes('nsgen') || line.includes(` ${OUTER}/`);
const OUTER = tmpdir();

const PATIENCE = 300;

/** What is left stays; what another test has mounted for a moment goes. */
export async function assertNothingLeft({ before, queues }: TemporaryDirectory): Promise<void> {
  const left = () => [
    ...hostState().filter(line => !before.includes(line)),
    ...before.filter(line => !isOfOthers(line) && !hostState().includes(line)).map(line => `gone: ${line}`),
    ...descendants().map(pid => `process ${pid}`),
  ];
  for (let attempt = 0; attempt < PATIENCE && left().length > 0; attempt += 1) await setTimeout(100);
  assert.deepEqual(left(), []);
  assert.deepEqual(queuesOfHost(), queues);
}

/**
 * Message queues of this ipc namespace, by their names: a file that is made in a mount of type mqueue is one. There is
 * room for about ten, RLIMIT_MSGQUEUE, of all that a user has.
 */
function queuesOfHost(): readonly string[] {
  const list = 'mount -t mqueue queues /mnt && ls -A -b /mnt';
  const found = execFileSync('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', list], {
    encoding: 'utf8',
  });
  return found.split('\n');
}
