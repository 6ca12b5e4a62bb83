import { AT_FDCWD } from './constants.js';
import { octal, type Result, resultOf, type SystemCall, string, symbol } from './system-call.js';

/** Calls that make entries of a directory: an opened one, or undefined for the working directory. */

const at = (directory: Result | undefined) =>
  directory === undefined ? symbol('AT_FDCWD', AT_FDCWD) : resultOf(directory);

/** @param mode what umask(2) leaves of it is the directory's. */
export const mkdirAt = (directory: Result | undefined, path: string, mode: number): SystemCall => ({
  name: 'mkdirat',
  arguments: [at(directory), string(path), octal(mode)],
});

export const symlinkAt = (target: string, directory: Result | undefined, path: string): SystemCall => ({
  name: 'symlinkat',
  arguments: [string(target), at(directory), string(path)],
});
