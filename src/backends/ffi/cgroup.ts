import { closeSync, readFileSync } from 'node:fs';
import { leftoversIn, removeLeftover } from '../../host/cgroup/leftovers.js';
import { cgroupName } from '../../host/cgroup/name.js';
import { cgroupPlaces } from '../../host/cgroup/places.js';
import type { BoxCgroup } from '../../host/cgroup/readings.js';
import { remaining, removeCgroups, removeCgroupsNow } from '../../host/cgroup/remove.js';
import { makeRoom } from '../../host/cgroup/room.js';
import type { Outcome } from '../../linux/program.js';
import { type SystemCall, withBranches } from '../../linux/system-call.js';
import type { Caller } from '../../plan/operation.js';
import { settingsOf } from '../../plan/operations.js';
import type { Plan } from '../../plan/plan.js';

/** Where a plan makes its cgroups, for the processes that it is carried out in. */

interface Known {
  readonly membership: string;
  readonly cgroup: Caller['cgroup'];
}

const known = new WeakMap<Plan, Known>();
const NONE: Caller['cgroup'] = { places: [], name: () => '' };

/**
 * The places are looked for once for each plan, and again when nsgen itself has been moved to another cgroup.
 *
 * @throws StartError when this host has no place for what the box asks for.
 */
export function cgroupFor(plan: Plan): Caller['cgroup'] {
  const make = plan.find(operation => operation.kind === 'make-cgroup');
  if (make === undefined) return NONE;
  const membership = ownMembership();
  const before = known.get(plan);
  if (before?.membership === membership) return before.cgroup;
  const settings = plan.flatMap(settingsOf);
  const { places, room } = cgroupPlaces(make, settings);
  if (room === undefined) return learn(plan, { membership, cgroup: { places, name } });
  makeRoom(room);
  // It is another now, from which the same place is found.
  return learn(plan, { membership: ownMembership(), cgroup: { places: cgroupPlaces(make, settings).places, name } });
}

const ownMembership = (): string => readFileSync('/proc/self/cgroup', 'utf8');

function learn(plan: Plan, found: Known): Caller['cgroup'] {
  known.set(plan, found);
  return found.cgroup;
}

/** After a start that failed: somebody may have changed what was found. */
export const forget = (plan: Plan): boolean => known.delete(plan);

/** Once they have been made, nothing need be switched on for the next. */
export function remember(plan: Plan, { places }: Caller['cgroup']): void {
  const before = known.get(plan);
  if (before === undefined || places.every(({ enable }) => enable.length === 0)) return;
  known.set(plan, { ...before, cgroup: { places: places.map(place => ({ ...place, enable: [] })), name } });
}

let boxes = 0;

const name = (): string => cgroupName(boxes);

/** To be called before each start. */
export function nextName(): void {
  boxes += 1;
}

/** The cgroups of the box that was started last. */
export const cgroupsOf = ({ places }: Caller['cgroup']): readonly BoxCgroup[] =>
  places.map(({ version, controllers, parent }) => ({ version, controllers, directory: `${parent}/${name()}` }));

const directoriesOf = (cgroups: readonly BoxCgroup[]): readonly string[] => cgroups.map(({ directory }) => directory);

/** What was opened in this process for a box, and is still open: all of it up to a call that failed. */
export function closeOpened(calls: readonly SystemCall[], outcome: Outcome): void {
  for (const call of leftOpen(calls, outcome)) {
    const descriptor = outcome.result(call) ?? -1;
    if (descriptor >= 0) closeSync(descriptor);
  }
}

const alwaysOpen = new WeakMap<readonly SystemCall[], readonly SystemCall[]>();

function leftOpen(calls: readonly SystemCall[], outcome: Outcome): readonly SystemCall[] {
  const known = outcome.failure === undefined ? alwaysOpen.get(calls) : undefined;
  if (known !== undefined) return known;
  const before = calls.slice(
    0,
    calls.findIndex(({ name }) => name === 'clone3'),
  );
  const own = before.flatMap(withBranches);
  const made = own.filter(call => outcome.result(call) !== undefined);
  const closed = made.flatMap(({ name, arguments: [of] }) =>
    name === 'close' && of?.kind === 'result' ? of.result : [],
  );
  const left = made.filter(({ result }) => result !== undefined && !closed.includes(result));
  // Without branches, it is the same at every start that does not fail.
  if (outcome.failure === undefined && own.length === before.length) alwaysOpen.set(calls, left);
  return left;
}

/**
 * After a start that failed. An error of the removal would hide why; what it leaves, the next run finds.
 */
export function abandon(cgroup: Caller['cgroup']): void {
  const left = remaining(directoriesOf(cgroupsOf(cgroup)));
  if (left.length > 0) removeCgroups(left).catch(() => {});
}

/** The cgroups of the boxes that are running. */
const inUse = new Set<readonly BoxCgroup[]>();

/** To be called once the box runs: its cgroups go with this process, however that ends, but by a signal. */
export function keep(cgroups: readonly BoxCgroup[]): void {
  if (cgroups.length === 0) return;
  if (!process.listeners('exit').includes(removeAll)) process.on('exit', removeAll);
  inUse.add(cgroups);
}

/** To be called once the box has ended. @throws Error when a cgroup cannot be removed. */
export async function release(cgroups: readonly BoxCgroup[]): Promise<void> {
  try {
    await removeCgroups(directoriesOf(cgroups));
  } finally {
    inUse.delete(cgroups);
  }
}

/** Milliseconds. The kernel ends the boxes anyway, as soon as this process is gone. */
const TIME_TO_EXIT = 1000;

/** Others wait for the exit too: one whose terminal is to be restored. What is left here, the next run finds. */
function removeAll(): void {
  try {
    removeCgroupsNow(directoriesOf([...inUse].flat()), TIME_TO_EXIT);
  } catch {}
}

const tidied = new Set<string>();

/** Removes, once, what others were killed too soon to remove, in the directories where the box has its cgroups. */
export function tidy({ places }: Caller['cgroup']): void {
  const parents = places.map(({ parent }) => parent).filter(parent => !tidied.has(parent));
  if (parents.length === 0) return;
  for (const parent of parents) tidied.add(parent);
  // While the box runs.
  setImmediate(() => {
    try {
      for (const directory of parents.flatMap(leftoversIn)) removeLeftover(directory);
    } catch (error) {
      // It is no affair of the box that runs.
      const why = error instanceof Error ? error.message : String(error);
      process.emitWarning(`cgroups that others have left stay (nsgen prune removes them): ${why}`);
    }
  });
}
