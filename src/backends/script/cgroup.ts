import { readFileSync } from 'node:fs';
import type { Box } from '../../box/box.js';
import { memoryLimitOf } from '../../box/resources.js';
import { cgroupName } from '../../host/cgroup/name.js';
import { cgroupPlaces } from '../../host/cgroup/places.js';
import { type BoxCgroup, parseReadings, type Readings } from '../../host/cgroup/readings.js';
import { statOf } from '../../host/process.js';
import type { CgroupPlace } from '../../plan/cgroup.js';
import { settingsOf } from '../../plan/operations.js';
import type { Plan } from '../../plan/plan.js';

/** What a script that is running says about the cgroups of its box. */

/** Whether anything of the box's cgroups is to be known at its end. */
export const asksCgroups = ({ accounting, resources }: Box): boolean =>
  accounting || memoryLimitOf(resources) !== undefined;

/** A descriptor of this process, for the script to open. */
export const pathOf = (descriptor: number): string => `/proc/${process.pid}/fd/${descriptor}`;

export const statsWords = (descriptor: number | undefined): readonly string[] =>
  descriptor === undefined ? [] : ['--stats', pathOf(descriptor)];

/** What the script has written. Nothing: it was killed, or there was no box. */
export function readingsIn(descriptor: number | undefined): Readings | undefined {
  if (descriptor === undefined) return undefined;
  const text = readFileSync(pathOf(descriptor), 'latin1');
  return text === '' ? undefined : parseReadings(text);
}

/**
 * Where the script makes them, if they are to be read or written to from here: it finds the same places.
 *
 * @throws StartError when there are none.
 */
export function placesFor(plan: Plan, { accounting, freezer }: Box): readonly CgroupPlace[] {
  const make = plan.find(operation => operation.kind === 'make-cgroup');
  return make === undefined || !(accounting || freezer) ? [] : cgroupPlaces(make, plan.flatMap(settingsOf)).places;
}

/** The script calls them after its process, which has not been waited for. */
export function cgroupsOf(places: readonly CgroupPlace[], pid: number): readonly BoxCgroup[] {
  if (places.length === 0) return [];
  const name = cgroupName(0, { pid, start: statOf(pid)?.start ?? '' });
  return places.map(({ version, controllers, parent }) => ({ version, controllers, directory: `${parent}/${name}` }));
}
