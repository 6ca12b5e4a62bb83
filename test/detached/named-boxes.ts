import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after } from 'node:test';
import type { BackendName } from '../../src/index.js';
import { type BoxState, readStates } from '../../src/state/boxes.js';
import { execute, nsgen, nsgenPath } from '../support/cli.js';
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

/**
 * @param words flags of the box, `--`, and the command.
 * @param where what sh(1) does with the name that is printed.
 */
export async function startDetached(way: Way, words: readonly string[], where?: string) {
  if (way !== 'box.sh') {
    const all = [process.execPath, nsgenPath, 'run', '--detach', '--backend', way satisfies BackendName, ...words];
    return elsewhere(all, where);
  }
  const script = await nsgen(['script', '--detach', ...words]);
  return script.status === 0 ? elsewhere(['bash', '-s'], where, script.stdout) : script;
}

/** A pipe is closed by its reader before anything is written to it. */
function elsewhere([program = '', ...rest]: readonly string[], where: string | undefined, input?: string) {
  const options = input === undefined ? {} : { input };
  if (where === undefined) return execute(program, rest, options);
  const script = where.startsWith('|') ? `set -o pipefail; { exec 3>&-; "$@"; } ${where}` : `"$@" ${where}`;
  return execute('bash', ['-c', script, 'sh', program, ...rest], options);
}

export const ended = (name: string, named: (name: string) => BoxState | undefined): Promise<void> =>
  until(() => named(name)?.status === 'ended', `box ${name} has ended`);
