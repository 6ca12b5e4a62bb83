import { readlinkSync } from 'node:fs';
import { numbersOf } from './process.js';

/** PROC_PID_INIT_INO of include/uapi/linux/nsfs.h. */
export const INITIAL_PID_NAMESPACE = '4026531836';

/** The inode of the pid namespace of this process: namespaces(7). */
export const ownPidNamespaceInode = (): string => readlinkSync('/proc/self/ns/pid').replace(/\D/g, '');

/** Whether /proc is that of our own pid namespace: in one further out it has a number for us there too, in others none. */
export const hasOwnProc = (): boolean => numbersOf('self').length === 1;
