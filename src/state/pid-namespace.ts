import { readFileSync } from 'node:fs';
import { INITIAL_PID_NAMESPACE, ownPidNamespaceInode } from '../host/pid-namespace.js';
import { statOf } from '../host/process.js';

/**
 * The pid namespace in which the numbers of processes that a box has on file mean something, as INODE-START-BOOT. An inode
 * comes again when its namespace has gone: hence the start time of its first process, without which there is no namespace.
 * Every boot counts from the beginning: hence its id. What /proc hides (hidepid, subset=pid) is empty. Of the
 * device that the inode is on, the kernel has one.
 */
const FORM = /^([1-9]\d{0,9})-(\d{0,20})-((?:[0-9a-f-]{36})?)$/;

interface Parts {
  readonly inode: string;
  readonly start: string;
  readonly boot: string;
}

function partsOf(text: string): Parts {
  const [, inode = '', start = '', boot = ''] = FORM.exec(text) ?? [];
  return { inode, start, boot };
}

export const isPidNamespace = (text: unknown): text is string => typeof text === 'string' && FORM.test(text);

let own: string | undefined;

/** That of this process. @throws Error when /proc does not tell. */
export function ownPidNamespace(): string {
  if (own !== undefined) return own;
  own = `${ownPidNamespaceInode()}-${statOf(1)?.start ?? ''}-${bootId()}`;
  return own;
}

function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trimEnd();
  } catch {
    return '';
  }
}

/**
 * How the pid namespace that a box has on file is to that of this process. `here`: it is the same. `earlier`: it was that of
 * the whole machine, as ours is, and the machine has been started anew since, so that nothing of it runs. An inode alone, or
 * nothing at all, says too little to be from here: anybody could have written it.
 */
export function placeOf(recorded: string | undefined, from = ownPidNamespace()): 'here' | 'earlier' | 'elsewhere' {
  if (recorded === from) return 'here';
  const [then, now] = [partsOf(recorded ?? ''), partsOf(from)];
  if (then.inode !== now.inode || (then.start === '' && then.boot === '')) return 'elsewhere';
  // A container may have been given a boot id of its own, but never this namespace.
  if (differ(then.boot, now.boot)) return now.inode === INITIAL_PID_NAMESPACE ? 'earlier' : 'elsewhere';
  return differ(then.start, now.start) ? 'elsewhere' : 'here';
}

/** As far as both are known. */
const differ = (one: string, other: string): boolean => one !== other && one !== '' && other !== '';
