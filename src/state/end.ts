import { readFileSync } from 'node:fs';
import { constants as system } from 'node:os';
import { removeLeftover } from '../host/cgroup/leftovers.js';
import { isMadeBy } from '../host/cgroup/name.js';
import { namedCgroups } from '../host/cgroup/named.js';
import { notRemoved, removeCgroups, thaw } from '../host/cgroup/remove.js';
import { milliseconds, pause } from '../host/clock.js';
import { isAlive, type ProcessIdentity } from '../host/process.js';
import { sendSignal } from '../host/signal.js';
import { type BoxState, hasEnded, isBox, readState } from './boxes.js';
import { StateError } from './directory.js';
import { requireHere } from './elsewhere.js';
import { killMember } from './member.js';

/**
 * Sends a signal to the init of a box, which passes it on.
 *
 * @returns false when the box has ended.
 * @throws StateError when its first process is not to be found.
 */
export async function signalBox(box: BoxState, signal: number): Promise<boolean> {
  requireHere(box);
  const end = milliseconds() + TIME_TO_APPEAR;
  for (let now: BoxState | undefined = box; now !== undefined && now.status !== 'ended'; now = sameBox(box)) {
    if (now.process !== undefined) return sendTo(now.process, now.pod, signal);
    // It is just being started, or just ending.
    if (milliseconds() > end)
      throw new StateError(`box ${JSON.stringify(box.name)}: its first process is not to be found`);
    await pause(BETWEEN);
  }
  return false;
}

/** The init of a box in a pod is not pid 1: when it is killed, nobody is killed with it. */
const sendTo = (init: ProcessIdentity, pod: string | undefined, signal: number): boolean =>
  pod !== undefined && signal === system.signals.SIGKILL ? killMember(init) : sendSignal(init, signal);

/** Milliseconds. */
const TIME_TO_APPEAR = 5000;

/** Milliseconds. A lock has no descriptor that can be waited for without holding it, and Node cannot poll a pidfd. */
const BETWEEN = 50;

/**
 * Waits for the end of a box, and removes its cgroups then.
 *
 * @returns its end; undefined when it has not come in that time, or somebody has removed the box.
 * @throws StateError of a box elsewhere, unless its exit status is on file.
 */
export async function endOfBox(
  box: BoxState,
  { limit = Number.POSITIVE_INFINITY, cgroups = cgroupsOf(box), onLeft = raise }: Waiting = {},
): Promise<BoxState | undefined> {
  if (box.status === 'elsewhere' && box.exitStatus !== undefined) return box;
  requireHere(box);
  const end = milliseconds() + limit;
  for (let delay = 1; ; delay = Math.min(2 * delay, BETWEEN)) {
    const now = sameBox(box);
    // The lock goes before the other processes of the box do; the first process goes after them.
    const over = now === undefined || now.status === 'ended';
    if (over && !(box.process !== undefined && isAlive(box.process))) {
      await tidyUp(box, cgroups, onLeft);
      return now;
    }
    if (milliseconds() >= end) return undefined;
    await pause(delay);
  }
}

interface Waiting {
  /** Milliseconds. */
  readonly limit?: number;
  /** Its own. Of a process that is ending, the kernel no longer says in which it was. */
  readonly cgroups?: readonly string[];
  /** Is told of a cgroup that cannot be removed: whoever only asks how the box has ended, is to know that all the same. */
  readonly onLeft?: (error: Error) => void;
}

function raise(error: Error): never {
  throw error;
}

async function tidyUp(box: BoxState, cgroups: readonly string[], onLeft: (error: Error) => void): Promise<void> {
  try {
    await removeCgroups(cgroups);
  } catch (error) {
    onLeft(error instanceof Error ? error : new Error(String(error)));
    return;
  }
  // What could not be asked any more.
  const [left] = await removeEmpty(box);
  if (left !== undefined) onLeft(notRemoved(left));
}

/** The same box as it is now; undefined when somebody has removed it. */
export function sameBox(box: BoxState): BoxState | undefined {
  const now = readState(box.directory, box.name);
  return now !== undefined && isBox(now) && isSame(now, box) ? now : undefined;
}

export const isSame = (one: BoxState, other: BoxState): boolean =>
  one.created === other.created && one.maker.pid === other.maker.pid && one.maker.start === other.maker.start;

/**
 * Those that nsgen has made for it, in every hierarchy. A box may be in others with such names: in its own by the name of
 * another box's, or in that of the box in which nsgen runs.
 */
function cgroupsOf({ process, maker }: BoxState): readonly string[] {
  if (process === undefined) return [];
  const paths = contentOf(`/proc/${process.pid}/cgroup`).split('\n');
  const names = new Set(paths.flatMap(path => path.split('/').filter(name => isMadeBy(maker, name))));
  if (names.size === 0) return [];
  return namedCgroups()
    .filter(({ name }) => names.has(name))
    .map(({ directory }) => directory);
}

function contentOf(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

/** @param given milliseconds between TERM and KILL; the box's own unless given. */
export async function stopBox(box: BoxState, given?: number): Promise<BoxState | undefined> {
  if (box.status === 'ended') return box;
  const timeout = given ?? box.box.stopTimeout * 1000;
  if (timeout > 0) {
    await signalBox(box, system.signals.SIGTERM);
    const end = await endOfBox(box, { limit: timeout });
    if (end !== undefined || sameBox(box) === undefined) return end;
  }
  return killBox(box);
}

export async function killBox(box: BoxState): Promise<BoxState | undefined> {
  const cgroups = cgroupsOf(box);
  await signalBox(box, system.signals.SIGKILL);
  // Of version 1: there a frozen process does not even end.
  for (const place of cgroups) thaw(place);
  if (box.pod === undefined) return endOfBox(box, { cgroups });
  const end = await endOfBox(box, { limit: TIME_TO_REAP, cgroups });
  const left = end === undefined ? sameBox(box)?.process : undefined;
  if (left === undefined) return end;
  // Somebody in the pod keeps it from asking how its command ended.
  sendSignal(left, system.signals.SIGKILL);
  return endOfBox(box, { cgroups });
}

/** Milliseconds in which an init that nobody stops notices that its command has been killed. */
const TIME_TO_REAP = 2000;

/** Milliseconds in which a cgroup that is too new to tell becomes old enough, and whoever has ended is reaped. */
const PATIENCE = 10_000;

/**
 * Removes what a box that has ended has left of cgroups, if nobody is in there.
 *
 * @returns those that cannot be removed.
 */
export async function removeEmpty({ maker, pod }: Pick<BoxState, 'maker' | 'pod'>): Promise<readonly string[]> {
  if (isAlive(maker)) return [];
  const own = namedCgroups().filter(({ name }) => isMadeBy(maker, name));
  const end = milliseconds() + PATIENCE;
  let left = own.map(({ directory }) => directory);
  const failed: string[] = [];
  while (left.length > 0) {
    left = left.filter(directory => {
      const leftover = removeLeftover(directory);
      if (leftover.kind === 'failed') failed.push(directory);
      // The others of the box end after its first, and a zombie, which nobody sees in there, keeps it until it is reaped.
      // The boxes of a pod may have one maker, and processes that stay.
      const ending = pod === undefined || ('processes' in leftover && leftover.processes === 0);
      return leftover.kind === 'new' || (leftover.kind === 'in use' && ending);
    });
    if (left.length === 0 || milliseconds() > end) break;
    await pause(BETWEEN);
  }
  return failed;
}

/** Or it has been removed. */
export function isEnded(box: BoxState): boolean {
  const now = sameBox(box);
  return now === undefined || hasEnded(now);
}
