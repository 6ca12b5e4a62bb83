import type { Problem } from '../box/problem.js';
import { isMapping } from '../box/values.js';
import type { GivenFlags } from './arguments.js';
import { blockIO, deviceRules, hugePages, unified } from './device-flags.js';

type Mapping = Readonly<Record<string, unknown>>;

/**
 * The limits, as docker spells them, each as the field of the box that it is. They override those of a file one by one;
 * what is a list comes after the file's.
 */
export function resourcesOf(flags: GivenFlags, base: unknown, problems: Problem[]): Mapping {
  const own = isMapping(base) ? base : {};
  const given = {
    memory: memory(flags, problems),
    cpu: cpu(flags, problems),
    pids: pids(flags, problems),
    blockIO: blockIO(flags, problems),
    hugepageLimits: hugePages(flags, problems),
    devices: deviceRules(flags, own.devices, problems),
    unified: unified(flags, problems),
  };
  const chosen = Object.entries(given).filter(([, fields]) => Object.keys(fields).length > 0);
  if (chosen.length === 0) return {};
  if (base !== undefined && !isMapping(base)) return { resources: base };
  return {
    resources: { ...own, ...Object.fromEntries(chosen.map(([name, value]) => [name, merged(own[name], value)])) },
  };
}

/** What is of another kind stays, for parseBox to complain about. */
function merged(own: unknown, given: unknown): unknown {
  if (own === undefined) return given;
  if (Array.isArray(own)) return Array.isArray(given) ? [...own, ...given] : own;
  if (!isMapping(own) || !isMapping(given)) return own;
  const fields = Object.entries(given).map(([name, value]) => [
    name,
    Array.isArray(value) ? merged(own[name], value) : value,
  ]);
  return { ...own, ...Object.fromEntries(fields) };
}

function memory(flags: GivenFlags, problems: Problem[]): Mapping {
  const sizes = { memory: 'limit', 'memory-reservation': 'reservation', 'memory-swap': 'swap' };
  return {
    ...Object.fromEntries(
      Object.entries(sizes).flatMap(([flag, field]) => (flags.has(flag) ? [[field, flags.one(flag)]] : [])),
    ),
    ...wholeNumber(flags, 'memory-swappiness', 'swappiness', problems),
    ...(flags.has('oom-kill-disable') ? { disableOOMKiller: true } : {}),
  };
}

/** Microseconds: what --cpus is a part of, and the default of the kernel. */
const PERIOD = 100_000;

function cpu(flags: GivenFlags, problems: Problem[]): Mapping {
  const cpus = flags.one('cpus');
  if (cpus !== undefined && flags.has('cpu-quota'))
    problems.push({ field: '--cpus', message: 'contradicts --cpu-quota' });
  const period = flags.has('cpu-period') ? Number(flags.one('cpu-period')) : PERIOD;
  return {
    ...(cpus === undefined ? {} : quota(cpus, period, problems)),
    ...wholeNumber(flags, 'cpu-quota', 'quota', problems),
    ...wholeNumber(flags, 'cpu-period', 'period', problems),
    ...wholeNumber(flags, 'cpu-shares', 'shares', problems),
    ...(flags.has('cpuset-cpus') ? { cpus: flags.one('cpuset-cpus') } : {}),
    ...(flags.has('cpuset-mems') ? { mems: flags.one('cpuset-mems') } : {}),
  };
}

/** What is left of a microsecond is dropped. */
function quota(cpus: string, period: number, problems: Problem[]): Mapping {
  const [, whole = '', fraction = ''] = /^(?=\.?\d)(\d{0,4})(?:\.(\d{0,9}))?$/.exec(cpus) ?? [];
  if (whole + fraction === '') {
    problems.push({ field: '--cpus', message: `${JSON.stringify(cpus)} is not a number of CPUs such as 0.2 or 1.5` });
    return {};
  }
  // Exactly: 0.29 times 100000 is not 29000 in binary.
  const microseconds = Number(
    (BigInt(whole + fraction) * BigInt(Number.isInteger(period) ? period : PERIOD)) / 10n ** BigInt(fraction.length),
  );
  if (microseconds >= LEAST_QUOTA) return { quota: microseconds, period };
  const message = `${cpus} is ${microseconds} of ${period} microseconds: the kernel takes at least ${LEAST_QUOTA}`;
  problems.push({ field: '--cpus', message });
  return {};
}

/** min_cfs_quota_period of kernel/sched/core.c: a millisecond. */
const LEAST_QUOTA = 1000;

const pids = (flags: GivenFlags, problems: Problem[]): Mapping => wholeNumber(flags, 'pids-limit', 'limit', problems);

function wholeNumber(flags: GivenFlags, flag: string, field: string, problems: Problem[]): Mapping {
  const text = flags.one(flag);
  if (text === undefined) return {};
  if (/^(?:-1|\d{1,15})$/.test(text)) return { [field]: Number(text) };
  problems.push({ field: `--${flag}`, message: `${JSON.stringify(text)} is not a whole number` });
  return {};
}
