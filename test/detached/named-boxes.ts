import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after } from 'node:test';
import type { BackendName } from '../../src/index.js';
import { type BoxState, readStates } from '../../src/state/boxes.js';
import { execute, nsgen } from '../support/cli.js';
import { ownDirectory } from '../support/own-directory.js';
import { until } from '../support/until.js';

/** Boxes with names in a directory of this test file's own, all gone at its end. */
export function ownBoxes(name: string) {
  after(() => clear());
  const parent = join(ownDirectory(name), 'boxes');
  mkdirSync(parent, { mode: 0o700 });
  process.env.NSGEN_STATE_DIRECTORY = parent;
  const states = () => readStates().boxes;
  const named = (name: string): BoxState | undefined => states().find(box => box.name === name);
  const clear = async () => {
    const names = readdirSync(parent).filter(name => !name.startsWith('.'));
    if (names.length > 0) await nsgen(['rm', '-f', ...names]);
  };
  return { parent, states, named, clear };
}

/** A word that no other command line has. */
export const newMark = (): string => `mark-${randomBytes(8).toString('hex')}`;

/** The processes that have a word on their command line, but for those of nsgen and bash that have it for others. */
export function processesWith(mark: string): readonly number[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .map(Number)
    .filter(pid => pid !== process.pid && commandOf(pid).includes(mark));
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1');
  } catch {
    return '';
  }
}

/** One way to start a box that is detached. */
export const WAYS = ['ffi', 'script', 'box.sh'] as const;
export type Way = (typeof WAYS)[number];

/** @param words flags of the box, `--`, and the command. */
export async function startDetached(way: Way, words: readonly string[]) {
  if (way !== 'box.sh') return nsgen(['run', '--detach', '--backend', way satisfies BackendName, ...words]);
  const script = await nsgen(['script', '--detach', ...words]);
  return script.status === 0 ? execute('bash', ['-s'], { input: script.stdout }) : script;
}

export const ended = (name: string, named: (name: string) => BoxState | undefined): Promise<void> =>
  until(() => named(name)?.status === 'ended', `box ${name} has ended`);
