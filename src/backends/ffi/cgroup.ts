import { closeSync, readFileSync } from 'node:fs';
import { cgroupPlaces } from '../../host/cgroup/places.js';
import type { BoxCgroup } from '../../host/cgroup/readings.js';
import { removeEmptyCgroups } from '../../host/cgroup/remove.js';
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
  const membership = readFileSync('/proc/self/cgroup', 'utf8');
  const before = known.get(plan);
  if (before?.membership === membership) return before.cgroup;
  const cgroup = { places: cgroupPlaces(make, plan.flatMap(settingsOf)), name };
  known.set(plan, { membership, cgroup });
  return cgroup;
}

/** Once they have been made, nothing need be switched on for the next. */
export function remember(plan: Plan, { places }: Caller['cgroup']): void {
  const before = known.get(plan);
  if (before === undefined || places.every(({ enable }) => enable.length === 0)) return;
  known.set(plan, { ...before, cgroup: { places: places.map(place => ({ ...place, enable: [] })), name } });
}

let boxes = 0;
let owner: string | undefined;

/** nsgen-PID-START-N: by pid and start time of who made it, what was left behind is told from what is in use. */
function name(): string {
  owner ??= `${process.pid}-${startTime()}`;
  return `nsgen-${owner}-${boxes}`;
}

/** To be called before each start. */
export function nextName(): void {
  boxes += 1;
}

/** Clock ticks after the start of the system: field 22 of /proc/PID/stat. */
function startTime(): string {
  const stat = readFileSync('/proc/self/stat', 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

/** The cgroups of the box that was started last. */
export const cgroupsOf = ({ places }: Caller['cgroup']): readonly BoxCgroup[] =>
  places.map(({ version, controllers, parent }) => ({ version, controllers, directory: `${parent}/${name()}` }));

/** What was opened for the cgroups in this process, and is still open: all of it up to a call that failed. */
export function closeOpened(calls: readonly SystemCall[], outcome: Outcome, { places }: Caller['cgroup']): void {
  if (places.length === 0) return;
  const own = calls.slice(
    0,
    calls.findIndex(({ name }) => name === 'clone3'),
  );
  const made = own.flatMap(withBranches).filter(call => outcome.result(call) !== undefined);
  const closed = made.flatMap(({ name, arguments: [of] }) =>
    name === 'close' && of?.kind === 'result' ? of.result : [],
  );
  for (const call of made) {
    if (call.result === undefined || closed.includes(call.result)) continue;
    const descriptor = outcome.result(call) ?? -1;
    if (descriptor >= 0) closeSync(descriptor);
  }
}

export const abandon = (cgroup: Caller['cgroup']): void =>
  removeEmptyCgroups(cgroupsOf(cgroup).map(({ directory }) => directory));
