import { accessSync, constants, existsSync, readFileSync } from 'node:fs';

/** What the files of a cgroup say. */

export const readIn = (directory: string, file: string): string =>
  readFileSync(`${directory}/${file}`, 'utf8').trimEnd();

/** The words of cgroup.controllers or cgroup.subtree_control. */
export const wordsIn = (directory: string, file: string): readonly string[] =>
  readIn(directory, file).split(' ').filter(Boolean);

export const processesIn = (directory: string): readonly number[] =>
  readIn(directory, 'cgroup.procs').split('\n').filter(Boolean).map(Number);

/** Only the true root has no type; it may have processes and children with controllers. */
export const isTrueRoot = (directory: string): boolean => !existsSync(`${directory}/cgroup.type`);

export function writable(...paths: readonly string[]): boolean {
  try {
    for (const path of paths) accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
