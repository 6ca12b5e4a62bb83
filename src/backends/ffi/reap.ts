import { constants } from 'node:os';
import { inMainThread } from '../../host/caller.js';
import { WNOHANG } from '../../linux/constants.js';
import { runCalls } from '../../linux/program.js';
import { integer, NULL, type Output, output, type SystemCall, symbol } from '../../linux/system-call.js';
import { EXIT_STATUS, StartError } from '../failure.js';

/** libuv does not know the processes that the syscall program makes: they are reaped here, and only they. */

/** A child of this process that has not been reaped: as long as it is not, no other process can have its number. */
export type Pid = number & { readonly brand: 'Pid' };

/** What clone3(2) returns to the maker. */
export const isPid = (value: number): value is Pid => value > 0;

/** How a process ended: wait(2). */
export type WaitStatus =
  | { readonly kind: 'exited'; readonly status: number }
  | { readonly kind: 'signaled'; readonly signal: number };

/** The status of a shell for the same end: 128+N for a signal. */
export const exitStatusOf = (status: WaitStatus): number =>
  status.kind === 'exited' ? status.status : 128 + status.signal;

export function signalName(signal: number): NodeJS.Signals | undefined {
  const names = Object.entries(constants.signals).flatMap(([name, value]) =>
    value === signal && isSignal(name) ? [name] : [],
  );
  return names[0];
}

const isSignal = (name: string): name is NodeJS.Signals => name in constants.signals;

/** Waits for a process that has ended or is about to. */
export function reapNow(pid: Pid): void {
  runCalls([waitCall(pid, 0, { length: 4, text: 'status' })]);
}

/** Node gives SIGCHLD to the main thread only, and the kernel ends a box with the thread that made it: prctl(2). */
export function refuseWorker(): void {
  if (inMainThread()) return;
  throw new StartError(
    "the ffi backend cannot run in a worker thread: start boxes from the main thread, or use backend: 'script'",
    EXIT_STATUS.failed,
  );
}

/** Of one that may be something else by now than what was started. */
export function endNow(pid: Pid): void {
  process.kill(pid, 'SIGKILL');
  reapNow(pid);
}

type Listener = (status: WaitStatus) => void;

const waiting = new Map<Pid, Listener>();
let keepAlive: NodeJS.Timeout | undefined;

/**
 * Longest delay of a Node timer. It only keeps the event loop alive: a SIGCHLD listener alone does not, which is why that
 * one may stay.
 */
const FOREVER = 2 ** 31 - 1;

/** Of boxes that go on without this process: nobody waits for their end here. */
const unattended = new Set<Pid>();

/** Has a process reaped when it ends, if this one is still there then. Nothing stays alive for it. */
export function leaveToReap(pid: Pid): void {
  unattended.add(pid);
  onEnd(pid, () => unattended.delete(pid));
  releaseLoop();
}

function releaseLoop(): void {
  if (waiting.size === unattended.size) keepAlive?.unref();
}

/** Calls `listener` once, when the process has ended and been reaped. To be called in the turn that started it. */
export function onEnd(pid: Pid, listener: Listener): void {
  keepAlive ??= setInterval(() => {}, FOREVER);
  keepAlive.ref();
  waiting.set(pid, listener);
  // Somebody may have removed all listeners since the last box.
  if (process.listeners('SIGCHLD').includes(reapEnded)) return;
  process.on('SIGCHLD', reapEnded);
  // It may have ended before there was a listener.
  setImmediate(reapEnded);
}

/** Whether the process is still to be reaped, and a signal to its pid therefore reaches no other. */
export const isWaitedFor = (pid: Pid): boolean => waiting.has(pid);

/** One program for all: a SIGCHLD says that some child ended, not which, and two may become one. */
function reapEnded(): void {
  const asked = [...waiting.keys()].map(pid => {
    const room: Output = { length: 4, text: 'status' };
    return { pid, room, call: waitCall(pid, WNOHANG, room) };
  });
  if (asked.length === 0) return;
  const outcome = runCalls(asked.map(({ call }) => call));
  for (const { pid, room, call } of asked) {
    if (outcome.result(call) !== pid) continue;
    const listener = waiting.get(pid);
    waiting.delete(pid);
    listener?.(decodeStatus(outcome.bytes(room).readInt32LE()));
  }
  releaseLoop();
}

function waitCall(pid: Pid, options: number, room: Output): SystemCall {
  const how = symbol(options === 0 ? '0' : 'WNOHANG', options);
  return { name: 'wait4', arguments: [integer(pid), output(room), how, NULL], tolerate: ['ECHILD'] };
}

/** WIFEXITED, WEXITSTATUS and WTERMSIG of sys/wait.h. */
function decodeStatus(status: number): WaitStatus {
  const signal = status & 0x7f;
  return signal === 0 ? { kind: 'exited', status: (status >> 8) & 0xff } : { kind: 'signaled', signal };
}
