import { constants } from 'node:os';
import { runCalls } from '../linux/program.js';
import { integer, NULL, type SystemCall } from '../linux/system-call.js';
import { type ProcessIdentity, statOf } from './process.js';

/**
 * Sends a signal to one process, and to no later one of its number: the descriptor is opened first, and stands for the
 * same process ever after, so that the start time that is read then is that of whoever gets the signal.
 *
 * @returns false when it has ended.
 * @throws Error when it may not be sent.
 */
export function sendSignal({ pid, start }: ProcessIdentity, signal: number): boolean {
  const open: SystemCall = {
    name: 'pidfd_open',
    arguments: [integer(pid), integer(0)],
    tolerate: ['ESRCH', 'EINVAL'],
  };
  const opened = runCalls([open]);
  const descriptor = opened.result(open) ?? -1;
  if (opened.failure !== undefined) throw new Error(`cannot open process ${pid}`);
  if (descriptor < 0) return false;
  const close: SystemCall = { name: 'close', arguments: [integer(descriptor)] };
  if (statOf(pid)?.start !== start) {
    runCalls([close]);
    return false;
  }
  const send: SystemCall = {
    name: 'pidfd_send_signal',
    arguments: [integer(descriptor), integer(signal), NULL, integer(0)],
    tolerate: ['ESRCH', 'EPERM'],
  };
  const outcome = runCalls([send, close]);
  if (outcome.failure !== undefined) throw new Error(`cannot send signal ${signal} to process ${pid}`);
  if (outcome.result(send) === -constants.errno.EPERM)
    throw new Error(`process ${pid} may not be sent signals (EPERM)`);
  return outcome.result(send) === 0;
}

/** Of real-time signals, which have no names in Node: signal(7). glibc keeps 32 and 33 for itself. */
const REAL_TIME = { first: 34, last: 64 } as const;

/** @param text TERM, SIGTERM, sigterm, 15, RTMIN, RTMIN+3, RTMAX-1. @returns undefined when there is no such signal. */
export function signalNumber(text: string): number | undefined {
  const upper = text.toUpperCase().replace(/^SIG/, '');
  if (/^[1-9]\d?$/.test(upper)) return Number(upper) <= REAL_TIME.last ? Number(upper) : undefined;
  const [, from, distance = '0'] = /^(RTMIN(?=$|\+)|RTMAX(?=$|-))([+-]\d{1,2})?$/.exec(upper) ?? [];
  if (from !== undefined) {
    const number = (from === 'RTMIN' ? REAL_TIME.first : REAL_TIME.last) + Number(distance);
    return number >= REAL_TIME.first && number <= REAL_TIME.last ? number : undefined;
  }
  return Object.entries(constants.signals).find(([name]) => name === `SIG${upper}`)?.[1];
}
