import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { isAlive } from '../host/process.js';
import { contentOf, isHeld, LIFE_FILE, type Life, parseLife, remembered } from './life.js';

/**
 * The file `life` of a pod. What becomes its init writes down which process it is, before anything else, and closes the
 * file before it is the init: nobody in the pod ever has it open, so what it says is true. Who starts the pod holds its
 * lock until all of it is there, and then writes the file `process`.
 *
 * @returns `started`: all that was to be started with the pod has been.
 * @throws Error when it cannot be read.
 */
export function readPodLife(directory: string): Life {
  const path = `${directory}/${LIFE_FILE}`;
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    if (!fstatSync(descriptor).isFile()) throw new Error(`${LIFE_FILE} is not a file`);
    // In this order: who starts it has written all before the lock goes.
    const starting = isHeld(descriptor);
    const { claimed } = parseLife(contentOf(descriptor));
    const started = remembered(directory) !== undefined;
    const alive = claimed !== undefined && isAlive(claimed);
    const cut = !started && !starting;
    return {
      held: alive || (claimed === undefined && starting),
      started,
      process: alive ? claimed : undefined,
      exitStatus: undefined,
      problem: cut ? CUT_SHORT : undefined,
    };
  } finally {
    closeSync(descriptor);
  }
}

export const CUT_SHORT = 'its start was cut short: who started it was killed (nsgen prune removes it, with its boxes)';
