import { lstatSync, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { EXIT_STATUS } from '../backends/failure.js';
import { isAbsolutePath } from '../box/values.js';
import { hasOwnProc } from '../host/pid-namespace.js';

/**
 * Where the boxes that have names are kept, one directory each: of root in /run/nsgen, of a user in theirs of
 * $XDG_RUNTIME_DIR, or in $NSGEN_STATE_DIRECTORY. Nobody else can write there, so what lies in it is ours to believe: but
 * for the file `life`, which the box itself has open.
 */

/** What cannot be done with a box that has a name, or with the directory of all. */
export class StateError extends Error {
  override readonly name = 'StateError';
  readonly exitStatus = EXIT_STATUS.failed;
}

/**
 * The directory of all boxes. It need not exist.
 *
 * @throws StateError when there is none for this user, or somebody else could write to it.
 */
export function stateDirectory(): string {
  const directory = placeOf(process.env, process.geteuid?.() ?? 0);
  const problem = known(directory, () => directoryProblem(directory) ?? placeProblem(dirname(directory)));
  if (problem !== undefined) throw new StateError(`${directory}: ${problem}`);
  return directory;
}

/** What cannot be reached at all is a problem too. */
function known(directory: string, ask: () => string | undefined): string | undefined {
  try {
    return ask();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    throw new StateError(`cannot look at the directory ${directory}: ${code}`);
  }
}

/** False for a user without a place for it. */
export const hasStateDirectory = (): boolean =>
  process.geteuid?.() === 0 || Boolean(process.env.NSGEN_STATE_DIRECTORY || process.env.XDG_RUNTIME_DIR);

/** The same, and it is there. @throws StateError also when it cannot be made. */
export function madeStateDirectory(): string {
  const directory = stateDirectory();
  try {
    mkdirSync(directory, { mode: 0o700 });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code !== 'EEXIST') throw new StateError(`cannot make the directory ${directory}: ${code}`);
  }
  // Somebody else may have been faster.
  return stateDirectory();
}

function placeOf(env: Readonly<Record<string, string | undefined>>, uid: number): string {
  const given = env.NSGEN_STATE_DIRECTORY;
  if (given !== undefined && given !== '') return absolute('NSGEN_STATE_DIRECTORY', given);
  if (uid === 0) return '/run/nsgen';
  const runtime = env.XDG_RUNTIME_DIR;
  if (runtime === undefined || runtime === '')
    throw new StateError(
      'XDG_RUNTIME_DIR is not set: boxes with names are kept there (or set NSGEN_STATE_DIRECTORY to a directory)',
    );
  return `${absolute('XDG_RUNTIME_DIR', runtime)}/nsgen`;
}

function absolute(variable: string, path: string): string {
  if (isAbsolutePath(path) && !path.split('/').includes('..')) return path.replace(/(?<=.)\/+$/, '');
  throw new StateError(`${variable}: ${JSON.stringify(path)} must be an absolute path without ".."`);
}

/** Whoever may write where a directory is, may put another in its place, unless only owners may there (the sticky bit). */
function placeProblem(parent: string): string | undefined {
  const mode = statSync(parent, { throwIfNoEntry: false })?.mode ?? 0;
  return (mode & STICKY) === 0 && (mode & WRITABLE_BY_ALL) !== 0
    ? `the directory that it is in can be written to by everybody (chmod o-w or +t ${parent})`
    : undefined;
}

const STICKY = 0o1000;
const WRITABLE_BY_ALL = 0o002;

/** Group and others. */
const WRITABLE = 0o022;

/** Undefined also for one that does not exist. */
export function directoryProblem(directory: string): string | undefined {
  const found = lstatSync(directory, { throwIfNoEntry: false });
  if (found === undefined) return undefined;
  if (!found.isDirectory()) return 'is not a directory';
  if (found.uid !== process.geteuid?.()) return `belongs to another user (${found.uid})`;
  return (found.mode & WRITABLE) === 0 ? undefined : 'can be written to by others than its owner';
}

/**
 * Whether /proc is that of our own pid namespace: in another's, a number there means somebody else.
 *
 * @throws StateError
 */
export function requireOwnProc(): void {
  if (hasOwnProc()) return;
  throw new StateError('/proc is that of another pid namespace: boxes cannot be told by their numbers there');
}
