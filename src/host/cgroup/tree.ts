import { closeSync, constants, openSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';

/** A cgroup and those below it: a box that can write to its own cgroup can make any number of others in it. */

export interface Visitor {
  /** On the way down. @param place a path to the cgroup, for as long as this call lasts. */
  enter?(place: string): void;
  /** On the way up, for each cgroup below the first, its own children before it. @param place a path to it. */
  leave?(place: Buffer): void;
}

/**
 * Goes through a cgroup and all below it. From directory to directory, because the path of what a box has made can be
 * longer than any path that the kernel takes, and with one descriptor, because it can be deeper than we may have of them.
 * Names are bytes. What vanishes meanwhile is left out.
 */
export function visitTree(directory: string, { enter, leave }: Visitor): void {
  let here = opened(directory);
  if (here === undefined) return;
  const way: string[] = [];
  const ahead: string[][] = [];
  const arrive = (descriptor: number) => {
    here = descriptor;
    enter?.(`/proc/self/fd/${here}`);
    ahead.push(childrenOf(here));
  };
  const move = (name: string): boolean => {
    const next = opened(within(here, name));
    if (next === undefined) return false;
    closeSync(here ?? next);
    here = next;
    return true;
  };
  try {
    arrive(here);
    while (ahead.length > 0) {
      const next = ahead.at(-1)?.pop();
      if (next !== undefined) {
        if (!move(next)) continue;
        way.push(next);
        arrive(here);
      } else {
        ahead.pop();
        const name = way.pop();
        if (name === undefined || !move('..')) return;
        leave?.(within(here, name));
      }
    }
  } finally {
    closeSync(here);
  }
}

const within = (descriptor: number | undefined, name: string): Buffer =>
  Buffer.from(`/proc/self/fd/${descriptor}/${name}`, 'latin1');

function opened(path: string | Buffer): number | undefined {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch {
    return undefined;
  }
}

function childrenOf(descriptor: number): string[] {
  try {
    const entries = readdirSync(`/proc/self/fd/${descriptor}`, { withFileTypes: true, encoding: 'latin1' });
    return entries.flatMap(entry => (entry.isDirectory() ? [entry.name] : []));
  } catch {
    return [];
  }
}

/** Its processes, as far as this pid namespace has numbers for them; undefined when that cannot be read. */
export function processesIn(place: string): readonly number[] | undefined {
  try {
    const pids = readFileSync(`${place}/cgroup.procs`, 'utf8').split('\n').filter(Boolean).map(Number);
    // 0 stands for a process of a pid namespace that is not seen from here.
    return pids.filter(pid => pid > 0);
  } catch {
    return undefined;
  }
}

/** @returns undefined when it is gone, even if somebody else has removed it, else why it is not. */
export function removeCgroup(place: string | Buffer): NodeJS.ErrnoException | undefined {
  try {
    rmdirSync(place);
    return undefined;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return 'code' in error && error.code === 'ENOENT' ? undefined : error;
  }
}
