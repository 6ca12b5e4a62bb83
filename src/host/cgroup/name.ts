import { INITIAL_PID_NAMESPACE, ownPidNamespaceInode } from '../pid-namespace.js';
import { type ProcessIdentity, statOf } from '../process.js';

/**
 * The names of the cgroups that nsgen makes: nsgen-PID-START-N, by pid and start time of the process that made them.
 * Together they tell what was left behind from what is in use: a pid comes again, a pid with a start time does not. Where
 * the pid is not one of the whole machine, the inode of its pid namespace comes last: nsgen-PID-START-N-INODE.
 */

/** Who made a cgroup. */
export interface Maker extends ProcessIdentity {
  /** The pid namespace in which its number means something: the inode. */
  readonly namespace: string;
}

let own: ProcessIdentity | undefined;

/**
 * @param box number of the box in the process that makes it.
 * @param maker this process, unless given: another of our pid namespace.
 */
export function cgroupName(box: number, maker?: ProcessIdentity): string {
  own ??= { pid: process.pid, start: statOf('self')?.start ?? '' };
  const { pid, start } = maker ?? own;
  const namespace = ownPidNamespaceInode();
  return `nsgen-${pid}-${start}-${box}${namespace === INITIAL_PID_NAMESPACE ? '' : `-${namespace}`}`;
}

const NAME = /^nsgen-([1-9]\d{0,9})-(0|[1-9]\d{0,19})-(0|[1-9]\d{0,15})(?:-([1-9]\d{0,9}))?$/;

/** Undefined for a name that nsgen does not make. */
export function makerOf(name: string): Maker | undefined {
  const [, pid, start, , namespace = INITIAL_PID_NAMESPACE] = NAME.exec(name) ?? [];
  return pid === undefined || start === undefined ? undefined : { pid: Number(pid), start, namespace };
}

/** @param maker by its number in our pid namespace. */
export function isMadeBy({ pid, start }: ProcessIdentity, name: string): boolean {
  const maker = makerOf(name);
  return maker?.pid === pid && maker.start === start && maker.namespace === ownPidNamespaceInode();
}
