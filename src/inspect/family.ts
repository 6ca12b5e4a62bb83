import type { Person } from './census.js';

/** Which processes belong into the picture of one. */

/** The pid namespaces, each with the one around it. */
export type Around = ReadonlyMap<number, number>;

/**
 * What is around a pid namespace is where the parent of its process 1 is, unless that came from further away; then it
 * stays unknown.
 */
export function namespacesAround(people: ReadonlyMap<number, Person>): Around {
  const around = new Map<number, number>();
  for (const { pids, inodes, parent } of people.values()) {
    const outer = people.get(parent);
    if (pids === null || inodes.pid === null || pids.length < 2 || pids.at(-1) !== 1) continue;
    if (outer?.pids?.length === pids.length - 1 && outer.inodes.pid !== null) around.set(inodes.pid, outer.inodes.pid);
  }
  return around;
}

/** The pid namespaces that a process has a number in, but for the outermost, from outside inwards; null: not known. */
export function namespacePath(
  { pids, inodes }: Pick<Person, 'pids' | 'inodes'>,
  around: Around,
): readonly (number | null)[] {
  const path: (number | null)[] = [];
  let namespace = inodes.pid;
  for (let levels = (pids?.length ?? 1) - 1; levels > 0; levels -= 1) {
    path.unshift(namespace);
    namespace = namespace === null ? null : (around.get(namespace) ?? null);
  }
  return path;
}

/** A process of the picture, and how many are above it. */
export interface Member {
  readonly person: Person;
  readonly depth: number;
}

/**
 * Of a process in a pid namespace of its own: all of that namespace and of those within it. Of any other: what descends
 * from it. Both with all that is above, up to pid 1.
 */
export function family(people: ReadonlyMap<number, Person>, target: number, everybody = false): readonly Member[] {
  const around = namespacesAround(people);
  const children = childrenOf(people);
  const person = people.get(target);
  const namespace = person !== undefined && (person.pids?.length ?? 1) > 1 ? person.inodes.pid : null;
  const chosen = new Set<number>();
  const choose = (pid: number) => {
    for (let at = people.get(pid); at !== undefined && !chosen.has(at.pid); at = people.get(at.parent))
      chosen.add(at.pid);
  };
  for (const pid of descendants(target, children)) choose(pid);
  for (const other of people.values())
    if (everybody || (namespace !== null && namespacePath(other, around).includes(namespace))) choose(other.pid);
  return inOrder(people, chosen, children);
}

function childrenOf(people: ReadonlyMap<number, Person>): ReadonlyMap<number, readonly number[]> {
  const children = new Map<number, number[]>();
  for (const { pid, parent } of people.values()) {
    const siblings = children.get(parent);
    if (siblings === undefined) children.set(parent, [pid]);
    else siblings.push(pid);
  }
  for (const siblings of children.values()) siblings.sort((one, other) => one - other);
  return children;
}

function descendants(pid: number, children: ReadonlyMap<number, readonly number[]>): readonly number[] {
  const found = new Set([pid]);
  for (const one of found) for (const child of children.get(one) ?? []) found.add(child);
  return [...found];
}

function inOrder(
  people: ReadonlyMap<number, Person>,
  chosen: ReadonlySet<number>,
  children: ReadonlyMap<number, readonly number[]>,
): readonly Member[] {
  const members = new Map<number, Member>();
  // Not by recursion: ten thousand generations are possible.
  const ahead: Member[] = [];
  const isFirst = ({ pid, parent }: Person) => chosen.has(pid) && !chosen.has(parent);
  const push = (pids: readonly number[], depth: number) => {
    for (const pid of [...pids].reverse()) {
      const person = chosen.has(pid) && !members.has(pid) ? people.get(pid) : undefined;
      if (person !== undefined) ahead.push({ person, depth });
    }
  };
  const firsts = [...people.values()].filter(isFirst).map(({ pid }) => pid);
  push(
    firsts.sort((one, other) => one - other),
    0,
  );
  for (let next = ahead.pop(); next !== undefined; next = ahead.pop()) {
    members.set(next.person.pid, next);
    push(children.get(next.person.pid) ?? [], next.depth + 1);
  }
  return [...members.values()];
}
