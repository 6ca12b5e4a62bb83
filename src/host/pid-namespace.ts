import { readlinkSync } from 'node:fs';
import { numbersOf } from './process.js';

/** PROC_PID_INIT_INO of include/uapi/linux/nsfs.h. */
export const INITIAL_PID_NAMESPACE = '4026531836';

let own: string | undefined;

/** The inode of the pid namespace of this process, which stays in it: namespaces(7). */
export function ownPidNamespaceInode(): string {
  own ??= pidNamespaceInode('self');
  return own;
}

/** That of another process. @throws Error when it has ended, or may not be looked at. */
export const pidNamespaceInode = (pid: number | 'self'): string =>
  readlinkSync(`/proc/${pid}/ns/pid`).replace(/\D/g, '');

/** Whether /proc is that of our own pid namespace: in one further out it has a number for us there too, in others none. */
export const hasOwnProc = (): boolean => numbersOf('self').length === 1;
