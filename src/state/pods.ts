import { constants as system } from 'node:os';
import { dirname } from 'node:path';
import { type BoxState, type Damaged, findBox, isBox, isPod, listBoxes, readStates, StateError } from './boxes.js';
import { requireHere } from './elsewhere.js';
import { endOfBox, isEnded, killBox, sameBox, signalBox, stopBox } from './end.js';
import { removeBox } from './remove.js';

/** Pods that go on alone, with all the boxes in them. */

/**
 * The boxes of a pod, running or not, in the order in which they were started. None when it has been removed: then they may
 * be those of a later pod of its name.
 *
 * @throws StateError
 */
export function membersOf(pod: BoxState): readonly BoxState[] {
  const members = listBoxes(dirname(pod.directory)).filter(box => box.pod === pod.name);
  return sameBox(pod) === undefined ? [] : members;
}

/**
 * A pod in which boxes can be started.
 *
 * @throws StateError
 */
export function findRunningPod(name: string): BoxState {
  const pod = findPod(name);
  requireHere(pod);
  if (pod.status === 'running') return pod;
  const how = pod.status === 'ended' ? 'has ended' : 'is being started';
  throw new StateError(`pod ${JSON.stringify(name)} ${how}${pod.problem === undefined ? '' : `: ${pod.problem}`}`);
}

function findPod(name: string): BoxState {
  const { boxes, damaged } = readStates();
  if (![...boxes, ...damaged].some(found => found.name === name))
    throw new StateError(
      `there is no pod ${JSON.stringify(name)} (nsgen ps -a lists those that there are; --pod new:${name} makes one)`,
    );
  const found = findBox(name);
  if (isPod(found)) return found;
  throw new StateError(`${JSON.stringify(name)} is a box, and no pod`);
}

/**
 * Sends a signal to every box of a pod; SIGKILL to its init, and so to all that is in it.
 *
 * @returns false when the pod has ended.
 */
export async function signalPod(pod: BoxState, signal: number): Promise<boolean> {
  requireHere(pod);
  if (isEnded(pod)) return false;
  // All that is in its pid namespace ends with the init, and nobody there is asked first.
  if (signal === system.signals.SIGKILL) return signalBox(pod, signal);
  raiseFirst(await settled(pod, box => signalBox(box, signal)));
  return true;
}

/** What is done to each box that has not ended, whatever comes of the others. */
function settled(pod: BoxState, act: (box: BoxState) => Promise<unknown>): Promise<PromiseSettledResult<unknown>[]> {
  const running = membersOf(pod).filter(({ status }) => status !== 'ended');
  return Promise.allSettled(running.map(act));
}

function raiseFirst(outcomes: readonly PromiseSettledResult<unknown>[]): void {
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
}

/**
 * Ends every box of a pod, each as stopBox does, and then its init, with what they have left behind. A box that cannot be
 * ended so keeps the pod from nothing.
 *
 * @param given milliseconds between TERM and KILL; the boxes' own unless given.
 */
export async function stopPod(pod: BoxState, given?: number): Promise<void> {
  requireHere(pod);
  const outcomes = await settled(pod, box => stopBox(box, given));
  await stopBox(pod, given);
  raiseFirst(outcomes);
}

/**
 * Waits for the end of every box that is in a pod now. Its init stays.
 *
 * @param onLeft is told of cgroups that cannot be removed.
 * @returns the status of the first, as they were started, that is not 0.
 */
export async function waitForPod(pod: BoxState, onLeft: (error: Error) => void): Promise<number> {
  const members = membersOf(pod);
  const ends = await Promise.all(members.map(box => endOfBox(box, { onLeft })));
  const missing = members[ends.indexOf(undefined)];
  if (missing !== undefined) throw new StateError(`box ${JSON.stringify(missing.name)} has been removed meanwhile`);
  return ends.find(end => end?.exitStatus !== 0)?.exitStatus ?? 0;
}

/** Removes a box, or a pod with its boxes, of which none is a later one of its name. @throws StateError */
export const removeState = (found: BoxState | Damaged, force: boolean): Promise<void> =>
  isBox(found) && isPod(found) ? removePod(found, force) : removeBox(found, force);

/**
 * Removes a pod that has ended, and its boxes; with `force`, ends it first.
 *
 * @throws StateError when it runs, or is not there.
 */
export async function removePod(pod: BoxState, force: boolean): Promise<void> {
  requireHere(pod);
  if (!isEnded(pod)) {
    if (!force)
      throw new StateError(
        `pod ${JSON.stringify(pod.name)} is running: nsgen stop ends it and its boxes, and nsgen rm -f does both`,
      );
    await killBox(pod);
  }
  // Nobody can be started there any more: who is at it finds out, and takes the name away again.
  for (const box of membersOf(pod)) {
    const end = await endOfBox(box, { limit: TIME_TO_END });
    if (end !== undefined) await removeMember(end);
  }
  const now = sameBox(pod);
  if (now !== undefined) await removeBox(now, false);
}

/** Milliseconds. The kernel has killed all of them when the init has ended. */
const TIME_TO_END = 10_000;

async function removeMember(box: BoxState): Promise<void> {
  try {
    await removeBox(box, false);
  } catch (error) {
    // Somebody else may have been faster.
    if (sameBox(box) !== undefined) throw error;
  }
}
