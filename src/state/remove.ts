import { lstatSync, renameSync, rmSync } from 'node:fs';
import { constants as system } from 'node:os';
import { dirname } from 'node:path';
import { notRemoved } from '../host/cgroup/remove.js';
import { pause } from '../host/clock.js';
import { sendSignal } from '../host/signal.js';
import { type BoxState, type Damaged, isBox, readState } from './boxes.js';
import { unfinishedName } from './claim.js';
import { requireOwnProc, StateError, stateDirectory } from './directory.js';
import { requireHere } from './elsewhere.js';
import { isSame, killBox, removeEmpty } from './end.js';
import { type Life, readLife } from './life.js';
import { locked } from './lock.js';

/** What has a name now, damaged or not. @throws StateError */
export function findAny(name: string): BoxState | Damaged {
  const parent = stateDirectory();
  requireOwnProc();
  const hidden = name === '' || name.startsWith('.') || name.includes('/');
  const found = hidden ? undefined : readState(`${parent}/${name}`, name);
  if (found === undefined) throw new StateError(`there is no box ${JSON.stringify(name)}`);
  return found;
}

/**
 * Removes a box that has ended, its log and its cgroups; with `force`, ends it first. Of what is damaged, its directory.
 * A later one of its name is left alone.
 *
 * @throws StateError when it runs, or is not there; Error when it is gone, but for a cgroup that cannot be removed.
 */
export async function removeBox(found: BoxState | Damaged, force: boolean): Promise<void> {
  if (isBox(found)) requireHere(found);
  if (isBox(found)) await makeEnd(found, force);
  else await makeHolderEnd(found, force);
  const parent = dirname(found.directory);
  locked(parent, () => takeAway(parent, found.name, found));
  const [left] = isBox(found) ? await removeEmpty(found) : [];
  if (left !== undefined) throw notRemoved(left);
}

async function makeEnd(box: BoxState, force: boolean): Promise<void> {
  if (box.status === 'ended') return;
  if (!force) throw running(box.name, box.status === 'starting' ? 'is being started' : 'is running');
  await killBox(box);
}

const running = (name: string, how: string) =>
  new StateError(`box ${JSON.stringify(name)} ${how}: nsgen stop ends it, and nsgen rm -f does both`);

/** A directory may be damaged, and a box running in it all the same. */
async function makeHolderEnd({ name, directory }: Damaged, force: boolean): Promise<void> {
  for (let life = lifeOf(directory); life?.held; life = lifeOf(directory)) {
    if (!force) throw running(name, 'is damaged, and somebody is running in it');
    if (life.process === undefined)
      throw new StateError(`box ${JSON.stringify(name)}: who is running there is not to be found`);
    sendSignal(life.process, system.signals.SIGKILL);
    await pause(BETWEEN);
  }
}

/** Milliseconds. */
const BETWEEN = 20;

function lifeOf(directory: string): Life | undefined {
  try {
    return lstatSync(directory).isDirectory() ? readLife(directory, { inPod: true }) : undefined;
  } catch {
    return undefined;
  }
}

/** Under the lock: what is looked at is what is taken away. */
function takeAway(parent: string, name: string, before: BoxState | Damaged): void {
  const directory = `${parent}/${name}`;
  const now = readState(directory, name);
  if (now === undefined) throw new StateError(`box ${JSON.stringify(name)} has been removed by somebody else`);
  const same = isBox(now) ? isBox(before) && now.status === 'ended' && isSame(now, before) : !isBox(before);
  if (!same) throw new StateError(`box ${JSON.stringify(name)} is another now: nothing was removed`);
  if (!lstatSync(directory).isDirectory()) {
    rmSync(directory, { force: true });
    return;
  }
  const unfinished = `${parent}/${unfinishedName(name)}`;
  renameSync(directory, unfinished);
  rmSync(unfinished, { recursive: true, force: true });
}
