import { readdirSync, rmSync } from 'node:fs';
import { isMadeBy } from '../host/cgroup/name.js';
import { isAlive } from '../host/process.js';
import { isPod, readStates } from './boxes.js';
import { hasStateDirectory, requireOwnProc, stateDirectory } from './directory.js';
import { placeOf } from './pid-namespace.js';
import { removePod } from './pods.js';
import { removeBox } from './remove.js';

export interface PrunedBoxes {
  /** Directories. */
  readonly removed: readonly string[];
  readonly failed: readonly { readonly directory: string; readonly error: string }[];
  /** Whether a cgroup of this name is that of a box that has a name, and runs. */
  keeps(name: string): boolean;
}

/** For a user without a place for boxes. */
const NOTHING: PrunedBoxes = { removed: [], failed: [], keeps: () => false };

/**
 * Removes what is left by who was killed: boxes that never ran, or whose end nobody could write down, and directories that
 * have not become a box's, or are one no more. A box that has an exit status keeps it, and its name.
 */
export async function pruneBoxes(dryRun: boolean): Promise<PrunedBoxes> {
  if (!hasStateDirectory()) return NOTHING;
  const { boxes } = readStates();
  const removed: string[] = [];
  const failed: { directory: string; error: string }[] = [];
  const halves = boxes.filter(box => isPod(box) && box.abandoned);
  const inHalves = (pod: string | undefined) => halves.some(({ name }) => name === pod);
  // Those of a pod that was never completed go with it, also if they run: nobody was told its name.
  for (const box of [...halves, ...boxes.filter(box => box.abandoned && !isPod(box) && !inHalves(box.pod))]) {
    const { directory } = box;
    try {
      if (!dryRun) await (isPod(box) ? removePod(box, true) : removeBox(box, false));
      removed.push(directory);
    } catch (error) {
      failed.push({ directory, error: error instanceof Error ? error.message : String(error) });
    }
  }
  for (const directory of unfinished()) {
    if (!dryRun) rmSync(directory, { recursive: true, force: true });
    removed.push(directory);
  }
  const makers = boxes.flatMap(({ status, maker }) => (status === 'ended' ? [] : [maker]));
  const keeps = (name: string) => makers.some(maker => isMadeBy(maker, name));
  return { removed, failed, keeps };
}

/** As unfinishedName has named it. */
const UNFINISHED = /^\..+\.([1-9]\d{0,9})-(\d{1,20})(?:-([^.]+))?$/;

function unfinished(): readonly string[] {
  const parent = stateDirectory();
  requireOwnProc();
  return namesIn(parent).flatMap(name => {
    const [, pid, start, pidNamespace] = UNFINISHED.exec(name) ?? [];
    if (pid === undefined || start === undefined) return [];
    const place = placeOf(pidNamespace);
    const inUse = place === 'elsewhere' || (place === 'here' && isAlive({ pid: Number(pid), start }));
    return inUse ? [] : [`${parent}/${name}`];
  });
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
