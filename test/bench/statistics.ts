/** Numbers of one contestant: one per round, so that a ratio compares what ran under the same load. */
export type Rounds = readonly number[];

/** The middle and the two quartiles. */
export interface Summary {
  readonly median: number;
  readonly low: number;
  readonly high: number;
  readonly count: number;
}

export function summary(values: Rounds): Summary {
  if (values.length === 0) throw new RangeError('nothing was measured');
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.round((sorted.length - 1) * share)] ?? Number.NaN;
  return { median: at(0.5), low: at(0.25), high: at(0.75), count: sorted.length };
}

/** Round by round: the machine's load changes between rounds, hardly within one. */
export const ratios = (values: Rounds, others: Rounds): Rounds => byRound(values, others, (one, other) => one / other);

export const differences = (values: Rounds, others: Rounds): Rounds =>
  byRound(values, others, (one, other) => one - other);

function byRound(values: Rounds, others: Rounds, combine: (one: number, other: number) => number): Rounds {
  if (values.length !== others.length) throw new RangeError('contestants must have run in the same rounds');
  return values.map((value, round) => combine(value, others[round] ?? Number.NaN));
}
