import { readdirSync, readFileSync } from 'node:fs';
import { runCalls } from '../linux/program.js';
import { integer, NULL, type SystemCall, symbol } from '../linux/system-call.js';
import { milliseconds, pause } from './clock.js';
import { type ProcessIdentity, statOf } from './process.js';

/** A process with all its descendants, which are told by it: in a pid namespace that is everybody, for orphans are its children. */

type Signal = 'SIGSTOP' | 'SIGCONT';
const NUMBERS = process.getBuiltinModule('node:os').constants.signals;

export interface StoppedTree {
  /** Those that were going, from the first on. */
  readonly told: readonly ProcessIdentity[];
  /** Those that still are, or are again: others have sent them SIGCONT. Of whom there was no time to tell, the nearest. */
  readonly going: number;
}

/**
 * Stops a process, and then all its descendants: whoever has stopped makes no more of them. Resolves when they have
 * stopped, or when the time is over: somebody may make more of them, each the child of the last, as fast as they stop.
 *
 * @param pid of somebody who has not been reaped when this is called.
 * @param time milliseconds for all of them together.
 */
export async function stopTree(pid: number, time = TIME_TO_STOP): Promise<StoppedTree> {
  const end = milliseconds() + time;
  const first = identityOf(pid);
  const all: ProcessIdentity[] = [];
  let level = first;
  try {
    // Whose parent ended on the way has become a child of the first.
    for (let round = 0; round < MOST_ROUNDS && milliseconds() < end; round++) {
      const before = all.length;
      for (level = first; level.length > 0 && milliseconds() < end; level = level.flatMap(childrenOf)) {
        const told = level.filter(tellToStop);
        all.push(...told);
        for (const one of told) await untilStopped(one, end);
      }
      if (all.length === before) break;
    }
  } catch (error) {
    // Nobody else knows whom to let go on.
    continueTree(all);
    throw error;
  }
  const going = new Map([...all, ...level].filter(isGoing).map(one => [one.pid, one])).size;
  return { told: all, going };
}

const MOST_ROUNDS = 20;
/** Milliseconds. */
const TIME_TO_STOP = 2000;

function identityOf(pid: number, parent?: number): readonly ProcessIdentity[] {
  const stat = statOf(pid);
  return stat === undefined || (parent !== undefined && stat.parent !== parent) ? [] : [{ pid, start: stat.start }];
}

/** Whom somebody else has stopped is to stay so. */
function tellToStop(one: ProcessIdentity): boolean {
  return isGoing(one) && signalProcess(one, 'SIGSTOP');
}

/** At most a second: who waits for a child of vfork(2) stops when that has executed its program. */
async function untilStopped(one: ProcessIdentity, end: number): Promise<void> {
  for (let tries = 0; tries < 500 && isGoing(one) && milliseconds() < end; tries++) await pause(2);
}

function isGoing({ pid, start }: ProcessIdentity): boolean {
  const stat = statOf(pid);
  return stat?.start === start && GOING.includes(stat.state);
}

const GOING: readonly string[] = ['R', 'S', 'D'];

/** The last first: a shell that looks after its children finds none that has stopped. */
export function continueTree(stopped: readonly ProcessIdentity[]): void {
  for (const one of [...stopped].reverse()) signalProcess(one, 'SIGCONT');
}

/** Of all its threads; none when it has gone. */
export function childrenOf({ pid, start }: ProcessIdentity): readonly ProcessIdentity[] {
  const found = threadsOf(pid).flatMap(thread => numbersIn(`/proc/${pid}/task/${thread}/children`));
  const children = found.flatMap(child => identityOf(child, pid));
  return statOf(pid)?.start === start ? children : [];
}

function threadsOf(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

function numbersIn(file: string): readonly number[] {
  try {
    return readFileSync(file, 'latin1').split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** By a descriptor, which no later process of the number gets. */
function signalProcess({ pid, start }: ProcessIdentity, signal: Signal): boolean {
  const open: SystemCall = { name: 'pidfd_open', arguments: [integer(pid), integer(0)], tolerate: ['ESRCH', 'EMFILE'] };
  const descriptor = runCalls([open]).result(open) ?? -1;
  if (descriptor < 0) return false;
  const send: SystemCall = {
    name: 'pidfd_send_signal',
    arguments: [integer(descriptor), symbol(signal, NUMBERS[signal]), NULL, integer(0)],
    tolerate: ['ESRCH', 'EPERM'],
  };
  const close: SystemCall = { name: 'close', arguments: [integer(descriptor)] };
  const itself = statOf(pid)?.start === start;
  const outcome = runCalls(itself ? [send, close] : [close]);
  return itself && outcome.result(send) === 0;
}
