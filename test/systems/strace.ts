import { constants } from 'node:os';

/** Reads what `strace -f -v -o FILE` wrote. */

interface Traced {
  readonly pid: string;
  readonly call: string;
  readonly result: string;
}

/**
 * The calls that make a box: from the one that asks for a new pid namespace to the one that makes the child, and then
 * the child's, to the execve that succeeds.
 */
export function callsOfBox(trace: string): readonly string[] {
  const calls = joinInterrupted(trace.split('\n'));
  const start = calls.findIndex(({ call }) => /^(unshare|clone3?)\(.*\bCLONE_NEWPID\b/.test(call));
  const ofMaker = calls.slice(Math.max(start, 0)).filter(({ pid }) => pid === calls[start]?.pid);
  const fork = ofMaker.findIndex(({ call }) => /^(clone3?|fork|vfork)\(/.test(call));
  const ofChild = calls.filter(({ pid }) => pid === ofMaker[fork]?.result);
  const execve = ofChild.findIndex(({ call, result }) => call.startsWith('execve(') && result === '0');
  if (start < 0 || fork < 0 || execve < 0) throw new Error(`this is no trace of a box:\n${trace}`);
  return [...ofMaker.slice(0, fork + 1), ...ofChild.slice(0, execve + 1)].map(({ call }) => call);
}

/** What the C library's fork(3) does besides, for its own sake. */
export const FORK_BOOKKEEPING = /^(set_robust_list|rt_sigprocmask)\(/;

/** strace splits a call in two lines when another process comes in between. */
function joinInterrupted(lines: readonly string[]): readonly Traced[] {
  const unfinished = new Map<string, number>();
  const calls: Traced[] = [];
  for (const line of lines) {
    const [, pid = '', text = ''] = /^(\d+) +(.*)$/.exec(line) ?? [];
    const rest = /^<\.\.\. \w+ resumed>(.*)$/.exec(text)?.[1];
    const start = unfinished.get(pid);
    if (rest !== undefined && start !== undefined) {
      calls[start] = finished(pid, `${calls[start]?.call}${rest}`);
    } else if (text.endsWith('<unfinished ...>')) {
      unfinished.set(pid, calls.length);
      calls.push({ pid, call: text.replace(/ *<unfinished \.\.\.>$/, ''), result: '' });
    } else {
      calls.push(finished(pid, text));
    }
  }
  return calls;
}

function finished(pid: string, text: string): Traced {
  const [, call = text, result = ''] = /^(.*\)) += (-?\w+)[^=]*$/.exec(text) ?? [];
  return { pid, call, result };
}

/** A call as the plan prints it and as strace prints it, made alike: they spell some values in different ways. */
export function alike(call: string): string {
  return call
    .replace(/^rt_sigaction\((SIG\w+)/, (_, name) => `rt_sigaction(${signalNumber(name)}`)
    .replace(/\b[A-Z][A-Z0-9_]+(?:\|[A-Z0-9_]+)+/g, flags => flags.split('|').sort().join('|'))
    .replace(/fd=(?:\d+|<pidfd of nsgen>)/, 'fd=PIDFD')
    .replace(/^(write|close)\((?:\d+|<[^>]+>)/, '$1(FD')
    .replace(/\b(\d+)\*1024\b/g, (_, count) => String(Number(count) * 1024))
    .replace('4294967295', '~0U');
}

/** Real-time signals as the kernel counts them, from 32. */
function signalNumber(name: string): number {
  if (name === 'SIGRTMIN') return 32;
  if (name.startsWith('SIGRT_')) return 32 + Number(name.slice('SIGRT_'.length));
  const number = Object.entries(constants.signals).find(([known]) => known === name)?.[1];
  if (number === undefined) throw new Error(`there is no signal ${name}`);
  return number;
}
