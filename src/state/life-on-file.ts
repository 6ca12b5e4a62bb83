import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { contentOf, isHeld, LIFE_FILE, type Life, parseLife, remembered } from './life.js';
import { CUT_SHORT } from './pod-life.js';

/**
 * What the directory of a box tells without a look at its processes: the numbers there are of another pid namespace, or of
 * an earlier boot. The lock says the same everywhere, but who is root in the box can take it off.
 *
 * @throws Error when it cannot be read.
 */
export function readLifeOnFile(directory: string, pod: boolean): Life {
  const path = `${directory}/${LIFE_FILE}`;
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    if (!fstatSync(descriptor).isFile()) throw new Error(`${LIFE_FILE} is not a file`);
    // In this order: who ends in between has written all.
    const held = isHeld(descriptor);
    const said = parseLife(contentOf(descriptor));
    const started = said.started || remembered(directory) !== undefined;
    const exitStatus = held ? undefined : said.exitStatus;
    const problem = pod ? (started || held ? undefined : CUT_SHORT) : said.problem;
    return { held, started, process: undefined, exitStatus, problem };
  } finally {
    closeSync(descriptor);
  }
}
