import { readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { thawCgroup } from './freezer.js';

/** Milliseconds in which what was killed must be gone. */
const TIME_TO_DIE = 10_000;

/** Removes cgroups of a box that has ended, with all that is left in them. What is gone already is none the worse. */
export async function removeCgroups(directories: readonly string[]): Promise<void> {
  const left = directories.filter(directory => !removed(directory));
  for (const directory of left) endTree(directory);
  const end = performance.now() + TIME_TO_DIE;
  for (const directory of left) {
    for (let delay = 1; !endedAndRemoved(directory); delay = Math.min(2 * delay, 50)) {
      if (performance.now() > end) throw new Error(`cannot remove the cgroup ${directory}: it is still in use`);
      await pause(delay);
    }
  }
}

/** Of a box that never started: nobody is in them. */
export function removeEmptyCgroups(directories: readonly string[]): void {
  for (const directory of directories) removed(directory);
}

function removed(directory: string): boolean {
  try {
    rmdirSync(directory);
    return true;
  } catch (error) {
    return codeOf(error) === 'ENOENT';
  }
}

/**
 * Ends whoever is in it. In version 1, what is frozen does not die before it is thawed: in that hierarchy, whichever
 * of the box's cgroups comes first.
 */
function endTree(directory: string): void {
  killAll(directory);
  for (const child of childrenOf(directory)) endTree(`${directory}/${child}`);
  thawCgroup(directory);
}

function endedAndRemoved(directory: string): boolean {
  endTree(directory);
  return removeTree(directory);
}

/** Whether it is gone, with the cgroups that the box has made in it. */
function removeTree(directory: string): boolean {
  for (const child of childrenOf(directory)) removeTree(`${directory}/${child}`);
  return removed(directory);
}

const childrenOf = (directory: string): readonly string[] =>
  entriesOf(directory).flatMap(entry => (entry.isDirectory() ? [entry.name] : []));

function entriesOf(directory: string) {
  try {
    return readdirSync(directory, { withFileTypes: true });
  } catch {
    return [];
  }
}

/** A process that is ended here cannot be another of the same number: it was in the cgroup a moment ago. */
function killAll(directory: string): void {
  try {
    // Linux 5.14, version 2: everybody at once, and those that they start meanwhile.
    writeFileSync(`${directory}/cgroup.kill`, '1', { flag: 'r+' });
  } catch {
    for (const pid of pidsIn(directory)) endProcess(pid);
  }
}

function pidsIn(directory: string): readonly number[] {
  try {
    return readFileSync(`${directory}/cgroup.procs`, 'utf8').split('\n').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

function endProcess(pid: number): void {
  try {
    // 0 stands for a process of a pid namespace that is not seen from here.
    if (pid > 0) process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (codeOf(error) !== 'ESRCH') throw error;
  }
}

const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : undefined);
