import { type ProcessIdentity, statOf } from '../process.js';

/**
 * The names of the cgroups that nsgen makes: nsgen-PID-START-N, by pid and start time of the process that made them.
 * Together they tell what was left behind from what is in use: a pid comes again, a pid with a start time does not.
 */

/** Who makes them. */
let own: ProcessIdentity | undefined;

/** @param box number of the box in this process. */
export function cgroupName(box: number): string {
  own ??= { pid: process.pid, start: statOf('self')?.start ?? '' };
  return `nsgen-${own.pid}-${own.start}-${box}`;
}

const NAME = /^nsgen-([1-9]\d{0,9})-(0|[1-9]\d{0,19})-(0|[1-9]\d{0,15})$/;

/** Undefined for a name that nsgen does not make. */
export function ownerOf(name: string): ProcessIdentity | undefined {
  const [, pid, start] = NAME.exec(name) ?? [];
  return pid === undefined || start === undefined ? undefined : { pid: Number(pid), start };
}
