import { setTimeout } from 'node:timers/promises';
import { type Rounds, summary } from './statistics.js';

/** Something to be timed: runs once and says how long it took, in milliseconds. */
export interface Contestant {
  readonly name: string;
  run(): Promise<number>;
}

export interface ContestSize {
  readonly rounds: number;
  /** Runs of each contestant in a round; their median counts. */
  readonly batch: number;
}

/** Rounds that do not count: V8 compiles what runs often, and files are read from disk once. */
const WARM_UP = 5;
const REST = 2;

/**
 * Lets contestants take turns: in each round everyone runs a few times, and the next round begins with another. The
 * kernel takes namespaces apart after the process has ended, at the cost of whoever runs next: so all rest before a run.
 *
 * @returns what each took, round by round, by its name.
 */
export async function contest(contestants: readonly Contestant[], size: ContestSize): Promise<Map<string, Rounds>> {
  const taken = new Map(contestants.map(({ name }) => [name, [] as number[]]));
  for (let round = -WARM_UP; round < size.rounds; round++) {
    for (const index of contestants.keys()) {
      const contestant = contestants[(index + round + WARM_UP) % contestants.length];
      if (contestant === undefined) continue;
      const times: number[] = [];
      for (let left = size.batch; left > 0; left--) {
        await setTimeout(REST);
        times.push(await contestant.run());
      }
      if (round >= 0) taken.get(contestant.name)?.push(summary(times).median);
    }
  }
  return taken;
}
