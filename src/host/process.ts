import { readFileSync } from 'node:fs';
import { pause } from './clock.js';

/** A process as /proc/PID/stat tells of it: proc_pid_stat(5). */
export interface ProcessStat {
  readonly state: string;
  readonly parent: number;
  readonly group: number;
  /** The group in the foreground of its controlling terminal. */
  readonly foreground: number;
  /** Clock ticks of cpu time, with that of children that it has waited for. */
  readonly used: number;
  /** Clock ticks after the start of the system. With the pid it names one process for ever: a pid comes again. */
  readonly start: string;
}

/** Undefined when the process has ended or is hidden. */
export function statOf(pid: number | 'self'): ProcessStat | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name may have spaces and parentheses of its own.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const field = (number: number) => fields[number - STATE] ?? '';
    return {
      state: field(STATE),
      parent: Number(field(4)),
      group: Number(field(5)),
      foreground: Number(field(8)),
      used: [14, 15, 16, 17].reduce((sum, number) => sum + Number(field(number)), 0),
      start: field(22),
    };
  } catch {
    return undefined;
  }
}

const STATE = 3;

/** One process, and no later one of its number. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly start: string;
}

/** Whether a process is there, and no zombie, as far as it can be seen from this pid namespace. */
export function isAlive({ pid, start }: ProcessIdentity): boolean {
  const stat = statOf(pid);
  // Whom /proc hides (hidepid) there is at least somebody of that number.
  if (stat === undefined) return exists(pid);
  return stat.start === start && !ENDED.includes(stat.state);
}

/** A zombie only waits for its parent to ask: proc_pid_stat(5). */
const ENDED: readonly string[] = ['Z', 'X', 'x'];

/**
 * Resolves when a process has stopped, at most a second after it was told to. It stops only once it has a processor, and
 * until then it would still take from a terminal what is typed for somebody else.
 *
 * @param isThere whether it has not been reaped, so that the number is still its own.
 */
export async function stopped(pid: number, isThere: () => boolean): Promise<void> {
  for (let tries = 0; tries < 500 && isThere(); tries++) {
    if (STOPPED.includes(statOf(pid)?.state ?? '')) return;
    await pause(2);
  }
}

/** By a signal, or by whoever traces it. */
const STOPPED: readonly string[] = ['T', 't'];

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH');
  }
}
