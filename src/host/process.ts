import { readFileSync } from 'node:fs';
import { pause } from './clock.js';

/** A process as /proc/PID/stat tells of it: proc_pid_stat(5). */
export interface ProcessStat {
  /** In parentheses there; what prctl(PR_SET_NAME) or the file's name made of it. A character for each byte. */
  readonly name: string;
  readonly state: string;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  /** The device of its controlling terminal, as stat(2) has it; 0: there is none. */
  readonly terminal: number;
  /** The group in the foreground of its controlling terminal. */
  readonly foreground: number;
  /** Whether it is a thread of the kernel's own (PF_KTHREAD), with no program and no memory. */
  readonly kernelThread: boolean;
  /** Clock ticks of cpu time, with that of children that it has waited for. */
  readonly used: number;
  /** Clock ticks after the start of the system. With the pid it names one process for ever: a pid comes again. */
  readonly start: string;
}

/** Undefined when the process has ended or is hidden. */
export function statOf(pid: number | 'self'): ProcessStat | undefined {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return undefined;
  }
}

/** @param stat what such a file says. */
export function parseStat(stat: string): ProcessStat {
  // The name may have spaces and parentheses of its own.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const field = (number: number) => fields[number - STATE] ?? '';
  return {
    name: stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')')),
    state: field(STATE),
    parent: Number(field(4)),
    group: Number(field(5)),
    session: Number(field(6)),
    terminal: Number(field(7)),
    foreground: Number(field(8)),
    kernelThread: (Number(field(9)) & PF_KTHREAD) !== 0,
    used: [14, 15, 16, 17].reduce((sum, number) => sum + Number(field(number)), 0),
    start: field(22),
  };
}

const STATE = 3;
const PF_KTHREAD = 0x0020_0000;

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
  return stat.start === start && !hasEnded(stat);
}

/**
 * What a process is called in each pid namespace that it is in, from that of this /proc inwards: proc_pid_status(5).
 * Empty: it has ended, or is hidden.
 */
export function numbersOf(pid: number | 'self'): readonly number[] {
  try {
    const line = /^NSpid:\t(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? '';
    return line.split('\t').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** A zombie only waits for its parent to ask: proc_pid_stat(5). */
export const hasEnded = ({ state }: ProcessStat): boolean => ENDED.includes(state);
const ENDED: readonly string[] = ['Z', 'X', 'x'];

/**
 * Resolves when a process has stopped, at most four seconds after it was told to: a script that stops a box, and then
 * itself, takes up to three. It stops only once it has a processor, and until then it would still take from a terminal what
 * is typed for somebody else.
 *
 * @param isThere whether it has not been reaped, so that the number is still its own.
 */
export async function stopped(pid: number, isThere: () => boolean): Promise<void> {
  for (let tries = 0; tries < 2000 && isThere(); tries++) {
    if (hasStopped(statOf(pid))) return;
    await pause(2);
  }
}

export const hasStopped = (stat: ProcessStat | undefined): boolean => STOPPED.includes(stat?.state ?? '');

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
