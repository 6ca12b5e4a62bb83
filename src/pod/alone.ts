import { readdirSync, readlinkSync } from 'node:fs';
import { statOf } from '../host/process.js';
import type { BoxState } from '../state/boxes.js';
import { membersOf } from '../state/pods.js';

/** Whether nobody is in a pod but its init, if that still runs, and no box has been there whose end somebody may ask for. */
export function isAlone(pod: BoxState): boolean {
  const { status, process: init } = pod;
  if (membersOf(pod).length > 0) return false;
  if (status === 'ended') return true;
  const own = init && namespaceOf(init.pid);
  if (own === undefined) return false;
  const all = readdirSync('/proc').filter(entry => /^[1-9]\d*$/.test(entry));
  return all.map(Number).every(pid => pid === init?.pid || namespaceOf(pid) !== own || statOf(pid)?.state === 'Z');
}

/** Undefined: it has ended, or is somebody else's, and so in no pod of this user. */
function namespaceOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch {
    return undefined;
  }
}
