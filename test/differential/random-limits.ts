import fc from 'fast-check';
import type { BoxInput } from '../../src/index.js';

/** Limits that the probe of a box still runs under: what must hold is that they are the same, not that they are tight. */

export type RandomLimits = Pick<BoxInput, 'resources' | 'accounting' | 'freezer'>;

const MEBIBYTE = 2 ** 20;
const bytes = fc.integer({ min: 64 * MEBIBYTE, max: 4096 * MEBIBYTE });
/** Each way to write a size down. */
const size = fc.oneof(
  bytes,
  bytes.map(String),
  fc.integer({ min: 64, max: 4096 }).chain(number => fc.constantFrom(`${number}M`, `${number}mib`, `${number}.5 MB`)),
  fc.constantFrom('1g', '1.5GiB', '0.25g', '-1', -1),
);
const memory = fc.record(
  { limit: size, reservation: bytes, swap: fc.constantFrom('8GiB', 2 ** 33, -1, '-1') },
  { requiredKeys: [] },
);
const period = fc.integer({ min: 1000, max: 1_000_000 });
const cpu = fc
  .record(
    {
      shares: fc.integer({ min: 2, max: 262_144 }),
      // Of the period, not of time: less than this much of a cpu, and the probe would take a minute.
      share: fc.oneof(fc.double({ min: 0.5, max: 8, noNaN: true }), fc.constant(-1)),
      period,
      burst: fc.double({ min: 0, max: 1, noNaN: true }),
      idle: fc.constant(0 as const),
      cpus: fc.constantFrom('0', '0-1', '0,1', '1'),
      mems: fc.constant('0'),
    },
    { requiredKeys: [] },
  )
  .map(({ share, burst, ...given }) => {
    if (share === undefined) return given;
    if (share < 0) return { ...given, quota: -1 };
    const quota = Math.max(1000, Math.floor(share * (given.period ?? 100_000)));
    return { ...given, quota, ...(burst === undefined ? {} : { burst: Math.floor(burst * quota) }) };
  });
const pids = fc.record({ limit: fc.oneof(fc.integer({ min: 20, max: 4_194_304 }), fc.constant(-1)) });

/** Swap is memory and swap together: without a limit, or with none, it has nothing to be together with. */
const possible = (given: { limit?: string | number; reservation?: number; swap?: string | number }) => {
  const { swap, ...others } = given;
  const limited = others.limit !== undefined && others.limit !== -1 && others.limit !== '-1';
  return limited || swap === -1 || swap === '-1' ? given : others;
};

export const randomLimits: fc.Arbitrary<RandomLimits> = fc.record(
  {
    resources: fc.record({ memory: memory.map(possible), cpu, pids }, { requiredKeys: [] }),
    accounting: fc.boolean(),
    freezer: fc.boolean(),
  },
  { requiredKeys: [] },
);
