import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { EXIT_STATUS, StartError } from '../../backends/failure.js';
import { type AbsolutePath, absolutePath } from '../../box/values.js';
import { type CgroupPlace, type Controller, placeOf, type Setting, valueFor } from '../../plan/cgroup.js';
import type { MakeCgroup } from '../../plan/operations/make-cgroup.js';
import { cpusetProblem } from './cpuset.js';
import { type Hierarchy, hierarchies } from './mounts.js';

/**
 * Finds where the cgroups of a box can be made: for each controller the hierarchy of version 1 that has it, else that
 * of version 2.
 *
 * @param settings what will be written there.
 * @throws StartError naming the field, and what this host lacks.
 */
export function cgroupPlaces({ controllers, optional, everywhere, parent }: MakeCgroup, settings: readonly Setting[]) {
  const found = hierarchies();
  const unified = found.find(({ version }) => version === 2);
  const available = unified === undefined ? [] : controllersOf(unified.top);
  const inUnified: Controller[] = [];
  const legacy = new Map<Hierarchy, Controller[]>();
  for (const controller of controllers) {
    const hierarchy = found.find(
      ({ version, controllers }) => version === 1 && controllers.includes(v1Name(controller)),
    );
    if (hierarchy !== undefined) legacy.set(hierarchy, [...(legacy.get(hierarchy) ?? []), controller]);
    else if (unified !== undefined && (BUILT_IN.includes(controller) || available.includes(controller)))
      inUnified.push(controller);
    else if (!optional.includes(controller)) throw missing(controller, settings);
  }
  if (everywhere)
    for (const hierarchy of found) if (hierarchy.version === 1) legacy.set(hierarchy, legacy.get(hierarchy) ?? []);
  const places = [
    ...[...legacy].map(([hierarchy, wanted]) => legacyPlace(hierarchy, wanted, parent)),
    ...(unified !== undefined && (inUnified.length > 0 || everywhere)
      ? [unifiedPlace(unified, inUnified, optional, parent)]
      : []),
  ];
  for (const setting of settings) {
    const place = placeOf(places, setting.controller);
    const value = place && valueFor(setting, place);
    if (value === undefined || 'refused' in value)
      throw failed(setting.field, value?.refused ?? 'this host has no place for it');
    const problem = place && 'file' in value ? cpusetProblem(value, place) : undefined;
    if (problem !== undefined) throw failed(setting.field, problem);
  }
  return places;
}

/** Of version 2: they need nobody to switch them on. */
const BUILT_IN: readonly Controller[] = ['devices', 'freezer', 'cpuacct'];

const v1Name = (controller: Controller): string => (controller === 'io' ? 'blkio' : controller);

const failed = (field: string, message: string) => new StartError(`${field}: ${message}`, EXIT_STATUS.failed);

function missing(controller: Controller, settings: readonly Setting[]): StartError {
  const field = settings.find(setting => setting.controller === controller)?.field ?? 'cgroup';
  return failed(field, `this host has no cgroup controller ${v1Name(controller)}: ${whyMissing(v1Name(controller))}`);
}

/** /proc/cgroups has every controller of the kernel: subsys_name, hierarchy, num_cgroups, enabled. */
function whyMissing(name: string): string {
  const line = readFileSync('/proc/cgroups', 'utf8')
    .split('\n')
    .map(text => text.split('\t'))
    .find(([first]) => first === name);
  if (line === undefined) return 'the kernel was built without it';
  if (line[3] === '0') return `it is switched off (a kernel parameter cgroup_disable=${name})`;
  return 'it is in no cgroup file system that is mounted here, or not passed on to this part of it';
}

function legacyPlace(
  { top, own, controllers }: Hierarchy,
  wanted: readonly Controller[],
  parent?: string,
): CgroupPlace {
  const directory = parent === undefined ? own : absolutePath(`${top}${parent}`);
  const cpuset = controllers.includes('cpuset')
    ? { cpus: read(directory, 'cpuset.effective_cpus'), mems: read(directory, 'cpuset.effective_mems') }
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

/**
 * The nearest cgroup, from the caller's own upwards, whose children can have the controllers: they have them already,
 * or they can be switched on there, which is the caller's right in a subtree that was left to it, and at the top.
 */
function unifiedPlace(
  hierarchy: Hierarchy,
  wanted: readonly Controller[],
  optional: readonly Controller[],
  parent?: string,
): CgroupPlace {
  const { top, own } = hierarchy;
  const needed = wanted.filter(controller => !BUILT_IN.includes(controller));
  const candidates = parent === undefined ? upwards(own, top) : [absolutePath(`${top}${parent}`)];
  for (const directory of candidates) {
    if (!writable(directory)) break;
    const lacking = needed.filter(
      controller => !read(directory, 'cgroup.subtree_control').split(' ').includes(controller),
    );
    const place = {
      version: 2,
      controllers: wanted,
      parent: directory,
      cpuset: undefined,
      directory: { of: 'cgroup' },
    } as const;
    if (lacking.length === 0) return { ...place, enable: [] };
    if (canEnable(directory, lacking, top)) return { ...place, enable: [{ directory, controllers: lacking }] };
  }
  const less = wanted.filter(controller => !optional.includes(controller));
  if (less.length < wanted.length) return unifiedPlace(hierarchy, less, [], parent);
  throw failed(
    'cgroup',
    `nowhere at or above ${own} can ${needed.join(', ')} be given to a box: another process is in the way, or the directories belong to somebody else`,
  );
}

function canEnable(directory: AbsolutePath, lacking: readonly Controller[], top: AbsolutePath): boolean {
  const uid = process.geteuid?.() ?? 0;
  const ours = directory === top || (uid !== 0 && statSync(directory).uid === uid);
  // Only the true root has no type; it may have processes and children with controllers.
  const free = !existsSync(`${directory}/cgroup.type`) || read(directory, 'cgroup.procs') === '';
  return ours && free && lacking.every(controller => controllersOf(directory).includes(controller));
}

function upwards(from: AbsolutePath, top: AbsolutePath): readonly AbsolutePath[] {
  return from === top ? [top] : [from, ...upwards(absolutePath(dirname(from)), top)];
}

function writable(directory: AbsolutePath): boolean {
  try {
    for (const path of [directory, `${directory}/cgroup.procs`]) accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

const controllersOf = (directory: AbsolutePath): readonly string[] => read(directory, 'cgroup.controllers').split(' ');

const read = (directory: AbsolutePath, file: string): string => readFileSync(`${directory}/${file}`, 'utf8').trimEnd();
