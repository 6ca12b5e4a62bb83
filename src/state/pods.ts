import { constants as system } from 'node:os';
import { type BoxState, findBox, isPod, listBoxes, readStates, StateError } from './boxes.js';
import { requireHere } from './elsewhere.js';
import { endOfBox, isEnded, killBox, signalBox, stopBox } from './end.js';
import { removeBox } from './remove.js';

/** Pods that go on alone, with all the boxes in them. */

/** The boxes of a pod, running or not, in the order in which they were started. @throws StateError */
export const membersOf = (pod: string): readonly BoxState[] => listBoxes().filter(box => box.pod === pod);

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
 * Sends a signal to every box of a pod; SIGKILL also to its init, and so to all that is in it.
 *
 * @returns false when the pod has ended.
 */
export async function signalPod(pod: BoxState, signal: number): Promise<boolean> {
  requireHere(pod);
  if (isEnded(pod)) return false;
  const running = membersOf(pod.name).filter(({ status }) => status !== 'ended');
  await Promise.all(running.map(box => signalBox(box, signal)));
  return signal === system.signals.SIGKILL ? signalBox(pod, signal) : true;
}

/**
 * Ends every box of a pod, each as stopBox does, and then its init, with what they have left behind.
 *
 * @param given milliseconds between TERM and KILL; the boxes' own unless given.
 */
export async function stopPod(pod: BoxState, given?: number): Promise<void> {
  requireHere(pod);
  const running = membersOf(pod.name).filter(({ status }) => status !== 'ended');
  await Promise.all(running.map(box => stopBox(box, given)));
  await stopBox(pod, given);
}

/**
 * Waits for the end of every box that is in a pod now. Its init stays.
 *
 * @param onLeft is told of cgroups that cannot be removed.
 * @returns the status of the first, as they were started, that is not 0.
 */
export async function waitForPod({ name }: BoxState, onLeft: (error: Error) => void): Promise<number> {
  const members = membersOf(name);
  const ends = await Promise.all(members.map(box => endOfBox(box, { onLeft })));
  const missing = members[ends.indexOf(undefined)];
  if (missing !== undefined) throw new StateError(`box ${JSON.stringify(missing.name)} has been removed meanwhile`);
  return ends.find(end => end?.exitStatus !== 0)?.exitStatus ?? 0;
}

/** Removes a box, or a pod with its boxes. @throws StateError */
export function removeNamed(name: string, force: boolean): Promise<void> {
  const pod = listBoxes().find(box => box.name === name && isPod(box));
  return pod === undefined ? removeBox(name, force) : removePod(pod, force);
}

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
  for (const box of membersOf(pod.name)) {
    const end = await endOfBox(box, { limit: TIME_TO_END });
    if (end !== undefined) await removeMember(box);
  }
  await removeBox(pod.name, false);
}

/** Milliseconds. The kernel has killed all of them when the init has ended. */
const TIME_TO_END = 10_000;

async function removeMember(box: BoxState): Promise<void> {
  try {
    await removeBox(box.name, false);
  } catch (error) {
    // Somebody else may have been faster.
    if (listBoxes().some(({ name }) => name === box.name)) throw error;
  }
}
