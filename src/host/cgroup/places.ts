import { existsSync } from 'node:fs';
import { type CgroupPlace, type Controller, fieldOf, placeOf, type Setting, valueFor } from '../../plan/cgroup.js';
import type { MakeCgroup } from '../../plan/operations/make-cgroup.js';
import { inInitialUserNamespace } from '../caller.js';
import { cpusetProblem } from './cpuset.js';
import { readIn, wordsIn, writable } from './files.js';
import { type Hierarchy, hierarchies } from './mounts.js';
import { denied, missing, ROOT_OR_PARENT, refusal, v1Name } from './refusals.js';
import type { Room } from './room.js';
import { BUILT_IN, findUnified, namedCgroup } from './unified.js';

export interface Places {
  readonly places: readonly CgroupPlace[];
  /** What must be done first, and changes the answer. */
  readonly room: Room | undefined;
}

/**
 * Finds where the cgroups of a box can be made: for each controller the hierarchy of version 1 that has it, else that
 * of version 2.
 *
 * @param settings what will be written there.
 * @throws StartError naming the field, and what this host lacks.
 */
export function cgroupPlaces(
  { controllers, optional, everywhere, parent }: MakeCgroup,
  settings: readonly Setting[],
  found = hierarchies(),
): Places {
  const { mounted, unmounted } = found;
  const unified = mounted.find(({ version }) => version === 2);
  const available = unified === undefined ? [] : wordsIn(unified.top, 'cgroup.controllers');
  const inUnified: Controller[] = [];
  const legacy = new Map<Hierarchy, Controller[]>();
  for (const controller of controllers) {
    const hierarchy = mounted.find(
      ({ version, controllers }) => version === 1 && controllers.includes(v1Name(controller)),
    );
    if (hierarchy !== undefined) legacy.set(hierarchy, [...(legacy.get(hierarchy) ?? []), controller]);
    else if (unified !== undefined && (BUILT_IN.includes(controller) || available.includes(controller)))
      inUnified.push(controller);
    else if (!optional.includes(controller)) throw missing(controller, fieldOf(controller, settings));
  }
  const all = everywhere !== undefined && couldReachRoots();
  if (all) {
    if (everywhere === 'all' && unmounted.length > 0) throw refusal('mounts', rootInReach(unmounted));
    for (const hierarchy of mounted) if (hierarchy.version === 1) legacy.set(hierarchy, legacy.get(hierarchy) ?? []);
  }
  const legacyPlaces = [...legacy].map(([hierarchy, wanted]) =>
    legacyPlace(hierarchy, wanted, parent, fieldOf(wanted[0], settings)),
  );
  const own =
    unified !== undefined && (inUnified.length > 0 || all)
      ? findUnified(unified, { controllers: inUnified, optional, parent, field: fieldOf(inUnified[0], settings) })
      : undefined;
  const places = [...legacyPlaces, ...(own === undefined ? [] : [own.place])];
  checkValues(settings, places);
  return { places, room: own?.room };
}

/**
 * Whoever is root here could write to release_agent at the root of a hierarchy (CVE-2022-0492); nobody can who is in
 * another user namespace, since Linux 5.17.
 */
const couldReachRoots = (): boolean => process.geteuid?.() === 0 && inInitialUserNamespace();

const rootInReach = (unmounted: readonly string[]): string =>
  `the box could mount the cgroup hierarchy ${unmounted.join(' and ')}, and see its root: ` +
  'mount it first, so that the box can have a cgroup of its own there, or use --unshare user';

function checkValues(settings: readonly Setting[], places: readonly CgroupPlace[]): void {
  for (const setting of settings) {
    const place = placeOf(places, setting.controller);
    const value = place && valueFor(setting, place);
    if (value === undefined || 'refused' in value)
      throw refusal(setting.field, value?.refused ?? 'this host has no place for it');
    const problem = place && 'file' in value ? cpusetProblem(value, { ...place, parent: firstOf(place) }) : undefined;
    if (problem !== undefined) throw refusal(setting.field, problem);
  }
}

/** Below it, nobody has the files of a controller yet. */
const firstOf = ({ enable, parent }: CgroupPlace) => enable[0]?.directory ?? parent;

function legacyPlace(
  { top, own, controllers, readOnly }: Hierarchy,
  wanted: readonly Controller[],
  parent: string | undefined,
  field: string,
): CgroupPlace {
  const directory = parent === undefined ? own : namedCgroup(top, parent);
  if (!writable(directory)) throw denied(field, controllers.join(','), { directory, readOnly }, ROOT_OR_PARENT);
  const cpuset = existsSync(`${directory}/cpuset.effective_cpus`)
    ? { cpus: readIn(directory, 'cpuset.effective_cpus'), mems: readIn(directory, 'cpuset.effective_mems') }
    : undefined;
  return {
    version: 1,
    controllers: wanted,
    parent: directory,
    enable: [],
    cpuset,
    directory: { of: `cgroup of ${controllers}` },
  };
}
