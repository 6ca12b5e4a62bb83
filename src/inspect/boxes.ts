import type { ProcessIdentity } from '../host/process.js';
import type { Person } from './census.js';
import { type Around, type Member, namespacePath } from './family.js';

/** A box with a name, as far as nsgen inspect has to know it. */
export interface KnownBox {
  readonly name: string;
  readonly pod: string | undefined;
  readonly process: ProcessIdentity | undefined;
}

/** The boxes whose first process is there, each with it. */
export function livingBoxes(
  boxes: readonly KnownBox[],
  people: ReadonlyMap<number, Person>,
): readonly (readonly [KnownBox, Person])[] {
  return boxes.flatMap(box => {
    const person = box.process && people.get(box.process.pid);
    return person === undefined || person.start !== box.process?.start ? [] : [[box, person] as const];
  });
}

/**
 * The box that each process belongs to: it is the first of it, or in the same pid and mount namespaces, or its parent
 * belongs to it and it has not left the pid namespace.
 */
export function boxesOf(
  members: readonly Member[],
  living: ReturnType<typeof livingBoxes>,
  own: Person['inodes'],
  around: Around,
): ReadonlyMap<number, KnownBox> {
  const key = ({ pid, mnt }: Person['inodes']) => (pid === null || mnt === null ? undefined : `${pid} ${mnt}`);
  const byPid = new Map(living.map(([box, { pid }]) => [pid, [box, pid] as const]));
  const byKey = new Map(living.map(([box, person]) => [key(person.inodes), [box, person.pid] as const]));
  byKey.delete(undefined);
  byKey.delete(key(own));
  const firsts = new Map(living.map(([box, person]) => [box, person]));
  const found = new Map<number, KnownBox>();
  for (const { person } of members) {
    const [box] = byPid.get(person.pid) ?? byKey.get(key(person.inodes)) ?? [];
    const above = box ?? found.get(person.parent);
    const namespace = above && firsts.get(above)?.inodes.pid;
    if (above === undefined) continue;
    if (box !== undefined || namespacePath(person, around).some(inode => inode === namespace && inode !== null))
      found.set(person.pid, above);
  }
  return found;
}
