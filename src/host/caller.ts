import { readFileSync, readlinkSync } from 'node:fs';

/** Facts about the calling process that need no system call through ffi-rs. */

/** The hard RLIMIT_NOFILE; undefined when it is unlimited. Node raises only the soft one. proc(5), /proc/PID/limits */
export function hardDescriptorLimit(): number | undefined {
  const line = /^Max open files\s+\S+\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8'));
  return line?.[1] === undefined || line[1] === 'unlimited' ? undefined : Number(line[1]);
}

/**
 * Whether this is the user namespace that the system started with: its number never changes (PROC_USER_INIT_INO in
 * linux/proc_ns.h). uid_map does not tell: another namespace may map every id to itself.
 */
export const inInitialUserNamespace = (): boolean => readlinkSync('/proc/self/ns/user') === 'user:[4026531837]';

/** The signals that it ignores, by number: Node's own choice up to 31, what it was started with above. proc(5) */
export function ignoredSignals(): readonly number[] {
  const mask = /^SigIgn:\s+(\S+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '';
  const digits = [...mask].reverse().map(digit => Number.parseInt(digit, 16));
  return digits.flatMap((digit, place) => [1, 2, 3, 4].filter(n => digit & (1 << (n - 1))).map(n => place * 4 + n));
}

let main: boolean | undefined;

/**
 * Whether this is the thread that the process began with: its number is that of the process. node:worker_threads would
 * say so too, but loads all of Node's streams. proc(5), /proc/thread-self
 */
export function inMainThread(): boolean {
  if (main !== undefined) return main;
  const [process, , thread] = readlinkSync('/proc/thread-self').split('/');
  main = process === thread;
  return main;
}
