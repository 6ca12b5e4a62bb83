import { existsSync, statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { type AbsolutePath, absolutePath } from '../../box/values.js';
import type { CgroupPlace, Controller } from '../../plan/cgroup.js';
import { isTrueRoot, processesIn, readIn, wordsIn, writable } from './files.js';
import type { Hierarchy } from './mounts.js';
import { DELEGATED, denied, inTheWay, notGiven, notOurs, refusal } from './refusals.js';
import { CALLERS, type Room, strangersIn } from './room.js';

/** Of version 2: they need nobody to switch them on. */
export const BUILT_IN: readonly Controller[] = ['devices', 'freezer', 'cpuacct'];

/** Where there has to be room first, the place is right only after that. */
export interface Found {
  readonly place: CgroupPlace;
  readonly room?: Room;
}

interface Wish {
  readonly hierarchy: Hierarchy;
  readonly wanted: readonly Controller[];
  /** Of these, what has to be switched on. */
  readonly needed: readonly Controller[];
  readonly field: string;
}

/** What a cgroup is for: its controllers, which of them may be left out, and which field of the box needs them. */
export interface Request {
  readonly controllers: readonly Controller[];
  readonly optional: readonly Controller[];
  readonly parent: string | undefined;
  readonly field: string;
}

/** @throws StartError naming the field, what is in the way, and the way out. */
export function findUnified(hierarchy: Hierarchy, request: Request): Found {
  const { controllers, optional } = request;
  const fewer = controllers.filter(controller => !optional.includes(controller));
  if (fewer.length === controllers.length) return find(hierarchy, request);
  try {
    return find(hierarchy, request);
  } catch {
    return find(hierarchy, { ...request, controllers: fewer });
  }
}

function find(hierarchy: Hierarchy, { controllers: wanted, parent, field }: Request): Found {
  const needed = wanted.filter(controller => !BUILT_IN.includes(controller));
  const wish = { hierarchy, wanted, needed, field };
  const own = withoutLeaf(hierarchy);
  if (parent === undefined) return nearest(wish, upwards(own, hierarchy.top));
  const named = namedCgroup(hierarchy.top, parent);
  return named === own ? nearest(wish, [own]) : { place: namedPlace(wish, named) };
}

/** Who has been moved out of the way is in a leaf of the cgroup that it is all about. */
const withoutLeaf = ({ own, top }: Hierarchy): AbsolutePath =>
  own !== top && basename(own) === CALLERS ? absolutePath(dirname(own)) : own;

/**
 * The nearest cgroup, from the caller's own upwards, whose children can have the controllers: they have them already,
 * or they can be switched on there, which is the caller's right in a subtree that was left to it, and at the top.
 */
function nearest(wish: Wish, candidates: readonly AbsolutePath[]): Found {
  const { hierarchy, needed, field } = wish;
  const what = nameOf(wish);
  const [own] = candidates;
  let why = refusal(field, `there is no cgroup for ${what}`);
  let blocked: AbsolutePath | undefined;
  for (const directory of candidates) {
    if (!isOpen(directory)) {
      if (directory === own) why = denied(field, what, { directory, readOnly: hierarchy.readOnly }, DELEGATED);
      break;
    }
    const lacking = lackingIn(directory, needed);
    if (!isDomain(directory)) why = notOurs(field, what, directory);
    else if (lacking.length === 0) return { place: placeIn(wish, directory, []) };
    else if (!has(directory, lacking)) why = notGiven(field, what, directory);
    else if (!isOurs(directory, hierarchy.top)) why = notOurs(field, what, directory);
    else if (isTrueRoot(directory) || processesIn(directory).length === 0)
      return { place: placeIn(wish, directory, [{ directory, controllers: lacking }]) };
    else if (directory !== own) why = inTheWay(field, what, directory, processesIn(directory));
    else if (strangersIn(directory).length === 0) return withRoom(wish, directory);
    else blocked = directory;
  }
  // They may be on their way out: another nsgen that has been started at the same time.
  if (blocked !== undefined) return withRoom(wish, blocked);
  throw why;
}

function withRoom(wish: Wish, directory: AbsolutePath): Found {
  const controllers = lackingIn(directory, wish.needed);
  return {
    place: placeIn(wish, directory, [{ directory, controllers }]),
    room: { directory, controllers, field: wish.field, what: nameOf(wish) },
  };
}

/** Whoever names a cgroup means it: the controllers are switched on from the top down to it. */
function namedPlace(wish: Wish, named: AbsolutePath): CgroupPlace {
  const { hierarchy, needed, field } = wish;
  const { top, own, readOnly } = hierarchy;
  const what = nameOf(wish);
  // A process is moved by who may write where it is going, and to what both places have in common: cgroups(7).
  for (const directory of [named, commonOf(own, named, top)])
    if (!isOpen(directory)) throw denied(field, what, { directory, readOnly }, DELEGATED);
  if (!isDomain(named)) throw notOurs(field, what, named);
  const way = upwards(named, top)
    .map(directory => ({ directory, controllers: lackingIn(directory, needed) }))
    .reverse();
  const enable = lackingIn(named, needed).length === 0 ? [] : way.filter(({ controllers }) => controllers.length > 0);
  const [first] = enable;
  if (first !== undefined && !has(first.directory, first.controllers)) throw notGiven(field, what, first.directory);
  for (const { directory } of enable) {
    const strangers = isTrueRoot(directory) ? [] : processesIn(directory);
    if (strangers.length > 0) throw inTheWay(field, what, directory, strangers);
    const file = `${directory}/cgroup.subtree_control`;
    if (!writable(file)) throw denied(field, what, { directory: file, readOnly }, DELEGATED);
  }
  return placeIn(wish, named, enable);
}

/** @throws StartError when there is none of this path, from the top of a hierarchy on. */
export function namedCgroup(top: AbsolutePath, parent: string): AbsolutePath {
  const directory = `${top}${parent === '/' ? '' : parent}`;
  if (existsSync(`${directory}/cgroup.procs`)) return absolutePath(directory);
  throw refusal('cgroupParent', `there is no cgroup ${directory}: make it first (mkdir -p)`);
}

const nameOf = ({ needed, wanted }: Wish): string => (needed.length > 0 ? needed : wanted).join(', ') || 'the box';

const placeIn = ({ wanted }: Wish, parent: AbsolutePath, enable: CgroupPlace['enable']): CgroupPlace => ({
  version: 2,
  controllers: wanted,
  parent,
  enable,
  cpuset: undefined,
  directory: { of: 'cgroup' },
});

const isOpen = (directory: AbsolutePath): boolean => writable(directory, `${directory}/cgroup.procs`);

/** Not in a tree of threads: cgroups there are no place for a process. */
const isDomain = (directory: AbsolutePath): boolean =>
  isTrueRoot(directory) || readIn(directory, 'cgroup.type') === 'domain';

const has = (directory: AbsolutePath, controllers: readonly Controller[]): boolean => {
  const available = wordsIn(directory, 'cgroup.controllers');
  return controllers.every(controller => available.includes(controller));
};

function lackingIn(directory: AbsolutePath, needed: readonly Controller[]): readonly Controller[] {
  if (needed.length === 0) return [];
  const enabled = wordsIn(directory, 'cgroup.subtree_control');
  return needed.filter(controller => !enabled.includes(controller));
}

function isOurs(directory: AbsolutePath, top: AbsolutePath): boolean {
  if (!writable(`${directory}/cgroup.subtree_control`)) return false;
  const uid = process.geteuid?.() ?? 0;
  return directory === top || (uid !== 0 && statSync(directory).uid === uid);
}

function upwards(from: AbsolutePath, top: AbsolutePath): readonly AbsolutePath[] {
  return from === top || from === '/' ? [from] : [from, ...upwards(absolutePath(dirname(from)), top)];
}

function commonOf(one: AbsolutePath, other: AbsolutePath, top: AbsolutePath): AbsolutePath {
  const others = upwards(other, top);
  return upwards(one, top).find(directory => others.includes(directory)) ?? top;
}
