import { mkdirSync, readFileSync, readlinkSync, rmdirSync, writeFileSync } from 'node:fs';
import type { AbsolutePath } from '../../box/values.js';
import type { Controller } from '../../plan/cgroup.js';
import { processesIn, wordsIn } from './files.js';
import { failedThere, inTheWay, refusal } from './refusals.js';

/**
 * "No internal processes", cgroups(7): version 2 switches a controller on for the children of a cgroup only while no
 * process is in it. Here nsgen, and the processes that have started it, go to a child made for them.
 */

/**
 * Their cgroup. It stays, as they do: whoever has started nsgen lives on in it, and whatever they start next is in it
 * too. It goes with the cgroup that it is in.
 */
export const CALLERS = 'nsgen-callers';

/** What must be done before there is a place: nsgen, and who started it, are in the way of the controllers. */
export interface Room {
  readonly directory: AbsolutePath;
  readonly controllers: readonly Controller[];
  readonly field: string;
  /** For whom it is, in words. */
  readonly what: string;
}

/** Milliseconds in which others will have gone; longer, if they may be another nsgen that has only been started. */
const TIME_TO_MOVE = 2000;
const TIME_TO_START = 10_000;

/** The processes in a cgroup that have not started this one. */
export function strangersIn(directory: AbsolutePath): readonly number[] {
  const callers = callersOf(process.pid);
  return processesIn(directory).filter(pid => !callers.has(pid));
}

/**
 * Switches controllers on for the children of a cgroup.
 *
 * @throws StartError naming the processes that are in the way. Who has been moved is back by then.
 */
export function makeRoom({ directory, controllers, field, what }: Room): void {
  const leaf = `${directory}/${CALLERS}`;
  const moved = new Set<number>();
  let fewest = Number.POSITIVE_INFINITY;
  let end = 0;
  for (let delay = 1; !isOn(directory, controllers); delay = Math.min(2 * delay, 50)) {
    // One that has given up may have removed it.
    makeLeaf(leaf, field);
    const callers = callersOf(process.pid);
    const there = processesIn(directory);
    const strangers = there.filter(pid => !callers.has(pid));
    // At once, so that they are in the way of no other nsgen that waits for the same.
    for (const pid of there) if (callers.has(pid) && move(pid, leaf)) moved.add(pid);
    if (strangers.length === 0 && switchOn(directory, controllers)) return;
    // As long as some go, the others may.
    if (strangers.length < fewest) {
      fewest = strangers.length;
      end = performance.now() + (strangers.some(pid => runsSame(pid, callers)) ? TIME_TO_START : TIME_TO_MOVE);
    }
    if (performance.now() > end) {
      for (const pid of moved) move(pid, directory);
      removeLeaf(leaf);
      if (isOn(directory, controllers)) return;
      throw strangers.length === 0 ? failedThere(field, what, directory) : inTheWay(field, what, directory, strangers);
    }
    wait(delay);
  }
}

/** As nsgen, or what has started it. */
function runsSame(pid: number, callers: ReadonlySet<number>): boolean {
  const program = programOf(pid);
  return program !== undefined && [...callers].some(caller => programOf(caller) === program);
}

function programOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/exe`);
  } catch {
    return undefined;
  }
}

const isOn = (directory: AbsolutePath, controllers: readonly Controller[]): boolean => {
  const enabled = wordsIn(directory, 'cgroup.subtree_control');
  return controllers.every(controller => enabled.includes(controller));
};

/** Whether it could be: EBUSY is a process that has appeared since. */
function switchOn(directory: AbsolutePath, controllers: readonly Controller[]): boolean {
  return written(`${directory}/cgroup.subtree_control`, controllers.map(name => `+${name}`).join(' '));
}

const move = (pid: number, to: string): boolean => written(`${to}/cgroup.procs`, String(pid));

function written(path: string, text: string): boolean {
  try {
    writeFileSync(path, text, { flag: 'r+' });
    return true;
  } catch {
    return false;
  }
}

function makeLeaf(leaf: string, field: string): void {
  try {
    mkdirSync(leaf, { mode: 0o755 });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code !== 'EEXIST') throw refusal(field, `cannot make the cgroup ${leaf}: ${code}`);
  }
}

/** Another nsgen may be in it. */
function removeLeaf(leaf: string): void {
  try {
    rmdirSync(leaf);
  } catch {}
}

/** A process, and those that have started it, as far as they are to be seen. */
function callersOf(pid: number): ReadonlySet<number> {
  const callers = new Set<number>();
  for (let next = pid; next > 0 && !callers.has(next); next = parentOf(next)) callers.add(next);
  return callers;
}

const parentOf = (pid: number): number => Number(statOf(pid)?.split(' ')[1] ?? 0);

/** What follows the name in /proc/PID/stat. */
function statOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2);
  } catch {
    return undefined;
  }
}

/** A box is started by calls that do not return before it is there. */
const wait = (milliseconds: number): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
};
