import { readFileSync } from 'node:fs';

/**
 * The names of the cgroups that nsgen makes: nsgen-PID-START-N, by pid and start time of the process that made them.
 * Together they tell what was left behind from what is in use: a pid comes again, a pid with a start time does not.
 */

/** Who made a cgroup. */
export interface Owner {
  readonly pid: number;
  /** In clock ticks after the start of the system. */
  readonly start: string;
}

let own: Owner | undefined;

/** @param box number of the box in this process. */
export function cgroupName(box: number): string {
  own ??= { pid: process.pid, start: statusOf('self')?.start ?? '' };
  return `nsgen-${own.pid}-${own.start}-${box}`;
}

const NAME = /^nsgen-([1-9]\d{0,9})-(0|[1-9]\d{0,19})-(0|[1-9]\d{0,15})$/;

/** Undefined for a name that nsgen does not make. */
export function ownerOf(name: string): Owner | undefined {
  const [, pid, start] = NAME.exec(name) ?? [];
  return pid === undefined || start === undefined ? undefined : { pid: Number(pid), start };
}

/** Whether the process that made a cgroup is there, as far as it can be seen from this pid namespace. */
export function isAlive({ pid, start }: Owner): boolean {
  const status = statusOf(pid);
  // Whom /proc hides (hidepid) there is at least somebody of that number.
  if (status === undefined) return exists(pid);
  return status.start === start && !ENDED.includes(status.state);
}

/** A zombie only waits for its parent to ask: proc_pid_stat(5). */
const ENDED: readonly string[] = ['Z', 'X', 'x'];

interface Status {
  readonly state: string;
  readonly start: string;
  /** Clock ticks of cpu time, with that of children that it has waited for. */
  readonly used: number;
}

/** Undefined when the process has ended or is hidden. */
export function statusOf(pid: number | 'self'): Status | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // What is before may have spaces and parentheses of its own.
    const [state = '', ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const used = rest.slice(TIMES, TIMES + 4).reduce((sum, ticks) => sum + Number(ticks), 0);
    return { state, start: rest[START_TIME] ?? '', used };
  } catch {
    return undefined;
  }
}

/** Fields 22, and 14 to 17, of the line; the state is field 3. */
const START_TIME = 22 - 4;
const TIMES = 14 - 4;

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH');
  }
}
