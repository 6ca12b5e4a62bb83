import { readFileSync } from 'node:fs';
import { limitHint } from '../../backends/limit-hints.js';
import type { CgroupPlace, Write } from '../../plan/cgroup.js';

/**
 * Version 2 takes CPUs and memory nodes that are not there, and goes on without them. Version 1 refuses them itself.
 *
 * @returns what is wrong with what is going to be written.
 */
export function cpusetProblem({ file, value }: Write, { version, parent }: CgroupPlace): string | undefined {
  if (version === 1 || (file !== 'cpuset.cpus' && file !== 'cpuset.mems')) return undefined;
  const there = members(readFileSync(`${parent}/${file}.effective`, 'utf8').trim());
  const missing = [...members(value)].some(number => !there.has(number));
  return missing ? `cannot have "${value}": ${limitHint('refused', file)}` : undefined;
}

/** More than any kernel is built for (CONFIG_NR_CPUS), and few enough to be counted one by one. */
const MOST = 100_000;

function members(list: string): ReadonlySet<number> {
  const ranges = list.split(',').map(range => range.split('-').map(Number));
  return new Set(
    ranges.flatMap(([first = 0, last = first]) =>
      Array.from({ length: Math.min(MOST, Math.max(0, last - first + 1)) }, (_, index) => first + index),
    ),
  );
}
