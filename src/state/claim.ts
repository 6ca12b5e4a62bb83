import { randomInt } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import type { BackendName } from '../backends/backend.js';
import { type ProcessIdentity, statOf } from '../host/process.js';
import { LOCK } from '../linux/constants.js';
import { runCalls } from '../linux/program.js';
import { flags, integer, type SystemCall } from '../linux/system-call.js';
import type { Shared } from '../pod/shared.js';
import { madeStateDirectory, requireOwnProc, StateError } from './directory.js';
import { LIFE_FILE } from './life.js';
import { locked } from './lock.js';
import { isBoxName, NAME_RULE } from './names.js';
import { ownPidNamespace } from './pid-namespace.js';
import { LOG_FILE, RECORD_FILE, recordText } from './record.js';

/** The directory of a box that is about to be started: complete, and locked, from the moment that it has its name. */
export interface Claim {
  readonly name: string;
  readonly directory: string;
  /** Descriptors of this process. */
  readonly life: number;
  readonly log: number;
  /** The box runs: the lock is its alone from here on. */
  close(): void;
  /** There is no box. Somebody may have removed the directory, and another have the name: then that is left alone. */
  remove(): void;
}

export interface Claimed {
  /** Undefined: one is made up. */
  readonly name: string | undefined;
  readonly command: readonly string[];
  readonly pod: string | undefined;
  readonly shared?: Shared | undefined;
  readonly backend: BackendName;
  /** Then there is no log: what the box writes is not for the claim to take. */
  readonly foreground?: boolean;
  readonly box: Readonly<Record<string, unknown>>;
}

/**
 * Takes a name for a box.
 *
 * @throws StateError when it is no name, or another box has it.
 */
export function claimName(wanted: Claimed): Claim {
  const { name } = wanted;
  if (name !== undefined && !isBoxName(name)) throw new StateError(`${JSON.stringify(name)}: ${NAME_RULE}`);
  const parent = madeStateDirectory();
  requireOwnProc();
  for (let tries = 1; ; tries += 1) {
    const claim = tryName(parent, { ...wanted, name: name ?? madeUpName(wanted.pod) });
    if (claim !== undefined) return claim;
    if (name !== undefined)
      throw new StateError(
        `the name ${JSON.stringify(name)} is in use (nsgen ps -a shows by whom; nsgen rm frees that of a box that has ended)`,
      );
    if (tries === MOST_TRIES) throw new StateError('all names that were tried are in use: give one, by --name');
  }
}

const MOST_TRIES = 100;

/** Undefined: it is in use. */
function tryName(
  parent: string,
  { name, foreground = false, ...rest }: Claimed & { readonly name: string },
): Claim | undefined {
  const maker = ownIdentity();
  const unfinished = `${parent}/${unfinishedName(name)}`;
  const directory = `${parent}/${name}`;
  mkdirSync(unfinished, { mode: 0o700 });
  const open: number[] = [];
  try {
    const record = {
      name,
      created: new Date().toISOString(),
      maker,
      pidNamespace: ownPidNamespace(),
      foreground,
      ...rest,
    };
    writeFileSync(`${unfinished}/${RECORD_FILE}`, recordText(record), { flag: 'wx', mode: 0o600 });
    const life = openNew(`${unfinished}/${LIFE_FILE}`);
    open.push(life);
    lock(life);
    const log = foreground ? openSync('/dev/null', constants.O_WRONLY) : openNew(`${unfinished}/${LOG_FILE}`);
    open.push(log);
    renameSync(unfinished, directory);
    const close = () => {
      for (const descriptor of open.splice(0)) closeSync(descriptor);
    };
    const remove = () => {
      locked(parent, () => {
        // In one step for whoever looks, and as long as nobody else may.
        if (hasOpen(life, `${directory}/${LIFE_FILE}`)) renameSync(directory, unfinished);
      });
      close();
      rmSync(unfinished, { recursive: true, force: true });
    };
    return { name, directory, life, log, close, remove };
  } catch (error) {
    for (const descriptor of open) closeSync(descriptor);
    rmSync(unfinished, { recursive: true, force: true });
    if (isTaken(error)) return undefined;
    throw error;
  }
}

/** Whether the file of this path is the one that is open: as long as it is, no other gets its number. */
function hasOpen(descriptor: number, path: string): boolean {
  const [open, found] = [fstatSync(descriptor), lstatSync(path, { throwIfNoEntry: false })];
  return found?.ino === open.ino && found.dev === open.dev;
}

/** Of a directory onto one that is not empty, or onto something else. */
const isTaken = (error: unknown): boolean =>
  error instanceof Error &&
  'code' in error &&
  (error.code === 'ENOTEMPTY' || error.code === 'EEXIST' || error.code === 'ENOTDIR');

/** Of a directory that is not a box's yet, or any more. Who works on it is known by it: prune removes it after them. */
export function unfinishedName(name: string): string {
  const { pid, start } = ownIdentity();
  return `.${name}.${pid}-${start}-${ownPidNamespace()}`;
}

const ownIdentity = (): ProcessIdentity => ({ pid: process.pid, start: statOf('self')?.start ?? '' });

const openNew = (path: string): number =>
  openSync(path, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_EXCL, 0o600);

/** Of the open file, and so the box's too, which has it open by inheritance, and as long as it has. */
function lock(descriptor: number): void {
  const call: SystemCall = { name: 'flock', arguments: [integer(descriptor), flags(LOCK, 'LOCK_EX', 'LOCK_NB')] };
  if (runCalls([call]).failure !== undefined) throw new StateError(`cannot lock the file ${LIFE_FILE}`);
}

/** To be read aloud: three syllables and a number, `tarelo-17`; of a box in a pod, with the name of that before it. */
export function madeUpName(pod: string | undefined): string {
  const pick = (from: string) => from.charAt(randomInt(from.length));
  const syllables = Array.from({ length: 3 }, () => pick('bdfghjklmnprstvz') + pick('aeiou'));
  return `${pod === undefined ? '' : `${pod}.`}${syllables.join('')}-${randomInt(10, 100)}`;
}
