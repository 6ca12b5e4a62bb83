import { Attempts, linkAt } from './attempts.js';
import { boxesOf, type KnownBox, livingBoxes } from './boxes.js';
import { outermostNamespace, type Person, takeCensus } from './census.js';
import { family, type Member, namespacesAround } from './family.js';
import { type BoxName, type Inspection, NAMESPACE_TYPES, type Namespace, type NamespaceType } from './inspection.js';
import { inodesOf, type Reading, readProcess } from './read-process.js';

/** The process that is to be looked at has ended, or there was none. */
export class InspectError extends Error {
  override readonly name = 'InspectError';
  readonly exitStatus = 125;
}

export interface InspectOptions {
  /** Whether the tree has all processes, and not only those that have to do with it. */
  readonly everybody?: boolean;
  /** When it must have started, as /proc/PID/stat has it; another of that number is none. */
  readonly start?: string | undefined;
  /** The boxes with a name. */
  readonly boxes?: readonly KnownBox[];
}

/**
 * Looks at a process, and at those around it. What may not be read is said to be unreadable, and nothing is guessed.
 *
 * @param pid as this /proc counts.
 * @throws InspectError when there is no such process.
 */
export function inspectProcess(pid: number, { everybody = false, start, boxes = [] }: InspectOptions = {}): Inspection {
  for (let tries = 0; tries < 10; tries += 1) {
    const read = readProcess(pid);
    if (read === undefined) break;
    const people = takeCensus();
    // The same process in both, in the same namespaces, or the picture shows another than the table.
    const { reading } = read;
    if (start !== undefined && reading.process.start !== start) break;
    const person = people.get(pid);
    if (person?.start !== reading.process.start) continue;
    if (!sameNamespaces(person.inodes, reading.inodes) && tries < 9) continue;
    return joined(reading, read.changing, people, family(people, pid, everybody), boxes);
  }
  throw new InspectError(
    `inspect process ${pid}: ESRCH (No such process): it has ended, or /proc hides it; nsgen ps lists the boxes`,
  );
}

const sameNamespaces = (one: Person['inodes'], other: Person['inodes']): boolean =>
  NAMESPACE_TYPES.every(type => one[type] === other[type]);

function joined(
  { inodes, ...reading }: Reading,
  changing: boolean,
  people: ReadonlyMap<number, Person>,
  members: readonly Member[],
  boxes: readonly KnownBox[],
): Inspection {
  const own = inodesOf('self', new Attempts());
  const first = people.get(1)?.inodes;
  // All of pid 1's or none: what host means must not differ from line to line.
  const host = first !== undefined && NAMESPACE_TYPES.every(type => first[type] !== null) ? first : undefined;
  const living = livingBoxes(boxes, people);
  const belongs = boxesOf(members, living, own, namespacesAround(people));
  const pidNamespace = outermostNamespace();
  return {
    version: 1,
    process: reading.process,
    box: boxName(belongs.get(reading.process.pid)),
    viewpoint: {
      pid: Number(linkAt('/proc/self')),
      host: host === undefined ? 'nsgen' : 'pid 1',
      namespaces: host ?? own,
      pidNamespace,
      initial: pidNamespace === null ? null : pidNamespace === INITIAL.pid,
      unreadable: [...people.values()].filter(isUnreadable).length,
    },
    namespaces: namespacesOf(reading.process.pid, inodes, { own, host: host ?? own, people, living }),
    ids: reading.ids,
    cgroups: reading.cgroups,
    root: reading.root,
    mounts: reading.mounts,
    capabilities: reading.capabilities,
    noNewPrivileges: reading.noNewPrivileges,
    seccomp: reading.seccomp,
    label: reading.label,
    rlimits: reading.rlimits,
    tree: members.map(({ person: { pid, parent, name, state, pids, inodes } }) => ({
      pid,
      parent,
      name,
      state,
      pids,
      namespaces: inodes,
      box: belongs.get(pid)?.name ?? null,
    })),
    others: people.size - members.length,
    changing,
    unreadable: reading.unreadable,
  };
}

/** What has ended keeps its pid and user namespaces only. */
const isUnreadable = ({ state, inodes }: Person): boolean =>
  state !== 'Z' && state !== 'X' && NAMESPACE_TYPES.some(type => inodes[type] === null);

const boxName = (box: KnownBox | undefined): BoxName | null =>
  box === undefined ? null : { name: box.name, pod: box.pod ?? null };

/**
 * Those that the system started with, where their numbers never change: linux/nsfs.h. The others have no fixed one
 * before Linux 6.18.
 */
const INITIAL: Readonly<Partial<Record<NamespaceType, number>>> = {
  ipc: 0xefffffff,
  uts: 0xeffffffe,
  user: 0xeffffffd,
  pid: 0xeffffffc,
  cgroup: 0xeffffffb,
  time: 0xeffffffa,
};

interface Surroundings {
  readonly own: Person['inodes'];
  readonly host: Person['inodes'];
  readonly people: ReadonlyMap<number, Person>;
  readonly living: ReturnType<typeof livingBoxes>;
}

function namespacesOf(
  pid: number,
  inodes: Person['inodes'],
  { own, host, people, living }: Surroundings,
): readonly Namespace[] {
  return NAMESPACE_TYPES.map(type => {
    const inode = inodes[type];
    const same = (other: number | null | undefined) =>
      inode === null || other === null || other === undefined ? null : inode === other;
    const sharing = [...people.values()].filter(person => person.pid !== pid && same(person.inodes[type]) === true);
    return {
      type,
      inode,
      host: same(host[type]),
      nsgen: same(own[type]),
      initial: same(INITIAL[type]),
      processes: sharing.map(person => person.pid).sort((one, other) => one - other),
      boxes: living
        .filter(([, person]) => same(person.inodes[type]) === true)
        .map(([box]) => box.name)
        .sort(),
    };
  });
}
