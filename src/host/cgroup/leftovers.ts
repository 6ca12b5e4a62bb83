import { readdirSync, readFileSync, statSync } from 'node:fs';
import { INITIAL_PID_NAMESPACE, ownPidNamespaceInode } from '../pid-namespace.js';
import { endedMakers } from './ended-makers.js';
import { makerOf } from './name.js';
import { thaw } from './remove.js';
import { processesIn, removeCgroup, visitTree } from './tree.js';

/**
 * Cgroups that an nsgen, or a script, was killed too soon to remove. The name says who made them, but not all: in another
 * time namespace the start times differ, and then every maker seems to have ended. So the name is only the first sign, and
 * the second is that nobody is in there. What is left is the moment between mkdir and the first process, and between the
 * last process and rmdir: hence the age. Should that fail too, under a debugger for one, the other nsgen says that it
 * cannot start the box; a box without its limits cannot come of it, because there is no way into a cgroup that is gone.
 */

/** Milliseconds. nsgen and its scripts take one to thirty. */
const SETTLED = 250;

/** What was found: gone now, not ours to remove, or too new to tell. */
export type Leftover =
  | { readonly kind: 'removed'; readonly directory: string }
  | { readonly kind: 'in use' | 'new' | 'thawed'; readonly directory: string; readonly processes: number }
  | { readonly kind: 'failed'; readonly directory: string; readonly error: string };

/** The cgroups in a directory that have a name of nsgen's, and whose maker is known to have ended. */
export function leftoversIn(parent: string): readonly string[] {
  const hasEnded = endedMakers();
  return childrenOf(parent).flatMap(name => {
    const maker = makerOf(name);
    return maker !== undefined && hasEnded(maker) ? [`${parent}/${name}`] : [];
  });
}

function childrenOf(directory: string): readonly string[] {
  try {
    const entries = readdirSync(directory, { withFileTypes: true });
    return entries.flatMap(entry => (entry.isDirectory() ? [entry.name] : []));
  } catch {
    return [];
  }
}

/** @param dryRun true: what would be removed is said to be removed, and stays. */
export function removeLeftover(directory: string, dryRun = false): Leftover {
  const { processes, populated } = populationOf(directory);
  if (populated) {
    const kind = !dryRun && thawDying(directory) ? 'thawed' : 'in use';
    return { kind, directory, processes };
  }
  if (ageOf(directory) < SETTLED) return { kind: 'new', directory, processes };
  if (dryRun) return { kind: 'removed', directory };
  visitTree(directory, { leave: removeCgroup });
  const error = removeCgroup(directory);
  if (error === undefined) return { kind: 'removed', directory };
  // Version 1: somebody whom this pid namespace has no number for.
  if (error.code === 'EBUSY') return { kind: 'in use', directory, processes };
  return { kind: 'failed', directory, error: error.message };
}

/**
 * At least so many milliseconds. The time of a directory of the cgroup file system is when the kernel last began to
 * remember it: when it was made, or looked at again after it had been forgotten.
 */
function ageOf(directory: string): number {
  try {
    return Date.now() - statSync(directory).mtimeMs;
  } catch {
    // Gone.
    return Number.POSITIVE_INFINITY;
  }
}

function populationOf(directory: string): { readonly processes: number; readonly populated: boolean } {
  let processes = 0;
  let unknown = false;
  let below = -1;
  visitTree(directory, {
    enter(place) {
      below += 1;
      const found = processesIn(place);
      processes += found?.length ?? 0;
      unknown ||= found === undefined;
    },
  });
  const events = eventsOf(directory);
  if (events !== undefined) return { processes, populated: !events.includes('populated 0') };
  // Of version 1 the kernel lists only whom this pid namespace has a number for. It removes no cgroup that has others,
  // but it would remove an empty one of theirs.
  unknown ||= below > 0 && ownPidNamespaceInode() !== INITIAL_PID_NAMESPACE;
  return { processes, populated: unknown || processes > 0 };
}

/** Version 2: for the cgroup and all below it. */
function eventsOf(directory: string): readonly string[] | undefined {
  try {
    return readFileSync(`${directory}/cgroup.events`, 'utf8').split('\n');
  } catch {
    return undefined;
  }
}

/**
 * The kernel kills a box together with its nsgen. One that is frozen, of version 1, cannot end: the signal waits, until
 * it is thawed. That is all it is thawed for, so only where such a signal is waiting.
 */
function thawDying(directory: string): boolean {
  let thawed = false;
  visitTree(directory, {
    enter(place) {
      if (frozen(place) && processesIn(place)?.some(isKilled)) thawed = thaw(place) || thawed;
    },
  });
  return thawed;
}

function frozen(place: string): boolean {
  try {
    return readFileSync(`${place}/freezer.state`, 'utf8').trimEnd() !== 'THAWED';
  } catch {
    return false;
  }
}

/** Whether SIGKILL is among the signals that wait for it: proc_pid_status(5). */
function isKilled(pid: number): boolean {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    const pending = [...status.matchAll(/^(?:SigPnd|ShdPnd):\s*([0-9a-f]+)$/gm)];
    return pending.some(([, mask = '0']) => (BigInt(`0x${mask}`) & SIGKILL_BIT) !== 0n);
  } catch {
    return false;
  }
}

const SIGKILL_BIT = 1n << 8n;
