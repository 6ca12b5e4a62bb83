import { dirname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type Leftover, leftoversIn, removeLeftover } from './leftovers.js';
import { namedCgroups } from './named.js';

export interface PruneOptions {
  /** Nothing is changed; the result says what would be. */
  readonly dryRun?: boolean;
}

export interface Pruned {
  readonly removed: readonly string[];
  /** Made by an nsgen that has ended, with processes in them: they stay. */
  readonly inUse: readonly { readonly directory: string; readonly processes: number }[];
  readonly failed: readonly { readonly directory: string; readonly error: string }[];
}

/** Milliseconds in which what is too new becomes old enough, and what has been thawed ends. */
const PATIENCE = 2000;
const BETWEEN = 50;

/**
 * Removes the cgroups that an nsgen, or a script, was killed too soon to remove, in every hierarchy that is mounted here.
 * Only those that have a name of nsgen's, whose maker is not alive, and in which there is no process.
 */
export async function prune({ dryRun = false }: PruneOptions = {}): Promise<Pruned> {
  let found = leftovers().map(directory => removeLeftover(directory, dryRun));
  for (const end = performance.now() + PATIENCE; found.some(isUnclear) && performance.now() < end; ) {
    await pause(BETWEEN);
    // All: what is thawed in one hierarchy ends in the others too.
    found = found.map(leftover => (isSettled(leftover) ? leftover : removeLeftover(leftover.directory, dryRun)));
  }
  return {
    removed: found.flatMap(({ kind, directory }) => (kind === 'removed' ? [directory] : [])),
    inUse: found.flatMap(leftover =>
      leftover.kind === 'failed' || leftover.kind === 'removed'
        ? []
        : [{ directory: leftover.directory, processes: leftover.processes }],
    ),
    failed: found.flatMap(leftover =>
      leftover.kind === 'failed' ? [{ directory: leftover.directory, error: leftover.error }] : [],
    ),
  };
}

const isUnclear = ({ kind }: Leftover): boolean => kind === 'new' || kind === 'thawed';
const isSettled = ({ kind }: Leftover): boolean => kind === 'removed' || kind === 'failed';

/** Those inside another first. */
function leftovers(): readonly string[] {
  const parents = new Set(namedCgroups().map(({ directory }) => dirname(directory)));
  return [...parents].flatMap(leftoversIn).toSorted((one, other) => other.length - one.length);
}
