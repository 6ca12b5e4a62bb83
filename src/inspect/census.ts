import { readdirSync } from 'node:fs';
import { statOf } from '../host/process.js';
import { Attempts, bytesIn, decoded } from './attempts.js';
import type { NamespaceType } from './inspection.js';
import { inodesOf } from './read-process.js';

/** One of all the processes there are. */
export interface Person {
  readonly pid: number;
  readonly start: string;
  readonly parent: number;
  readonly name: string;
  readonly state: string;
  /** From the pid namespace of this /proc inwards; null when it could not be read. */
  readonly pids: readonly number[] | null;
  readonly inodes: Readonly<Record<NamespaceType, number | null>>;
}

/** Every process that this /proc shows, by its pid. One that ends while it is read is left out. */
export function takeCensus(): ReadonlyMap<number, Person> {
  const people = new Map<number, Person>();
  const outermost = outermostNamespace();
  for (const name of readdirSync('/proc')) {
    if (!/^[1-9]\d*$/.test(name)) continue;
    const person = personOf(Number(name), outermost);
    if (person !== undefined) people.set(person.pid, person);
  }
  return people;
}

/** The pid namespace that this /proc shows: pid 1's, and nsgen's when it has no further number. Null: neither can be read. */
export function outermostNamespace(): number | null {
  const first = inodesOf(1, new Attempts()).pid;
  if (first !== null) return first;
  return pidsOf('self')?.length === 1 ? inodesOf('self', new Attempts()).pid : null;
}

function personOf(pid: number, outermost: number | null): Person | undefined {
  const before = statOf(pid);
  if (before === undefined) return undefined;
  const inodes = inodesOf(pid, new Attempts());
  const pids = inodes.pid !== null && inodes.pid === outermost ? [pid] : pidsOf(pid);
  const stat = statOf(pid);
  if (stat?.start !== before.start) return undefined;
  return { pid, start: stat.start, parent: stat.parent, name: decoded(stat.name), state: stat.state, pids, inodes };
}

/** Of /proc/PID/status one line is looked for, thousands of times. */
function pidsOf(pid: number | 'self'): readonly number[] | null {
  const text = new Attempts().read('status', () => bytesIn(`/proc/${pid}/status`)) ?? '';
  const [, line] = /^NSpid:\t(.*)$/m.exec(text) ?? [];
  return line?.split('\t').map(Number) ?? null;
}
