import { numbersOf } from '../../src/host/process.js';
import { descendants } from './leftovers.js';

/** Whether a process is in another pid namespace than this. */
export const isInside = (pid: number): boolean => numbersOf(pid).length > 1;

/** The processes below one that are. */
export const insiders = (pid: number): readonly number[] => descendants(pid).filter(isInside);
