import { statSync } from 'node:fs';
import type { Problem } from '../box/problem.js';
import { bytesOf, parseSize } from '../box/size.js';
import { RULES_OF_DEV } from '../plan/device-rules.js';
import type { GivenFlags } from './arguments.js';

type Mapping = Readonly<Record<string, unknown>>;

/** Flags that name devices, as docker spells them. A device is looked up on this host: the box has its numbers. */

const RATES = {
  'device-read-bps': { field: 'throttleReadBpsDevice', parse: parseSize, what: 'a size such as 1mb' },
  'device-write-bps': { field: 'throttleWriteBpsDevice', parse: parseSize, what: 'a size such as 1mb' },
  'device-read-iops': { field: 'throttleReadIOPSDevice', parse: parseWhole, what: 'a whole number' },
  'device-write-iops': { field: 'throttleWriteIOPSDevice', parse: parseWhole, what: 'a whole number' },
} as const;

function parseWhole(text: string): number | undefined {
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

export function blockIO(flags: GivenFlags, problems: Problem[]): Mapping {
  const weight = flags.one('blkio-weight');
  const given: Record<string, unknown> = {};
  if (weight !== undefined) {
    given.weight = parseWhole(weight);
    if (given.weight === undefined) problems.push(notThat('blkio-weight', weight, 'a whole number'));
  }
  const weights = ofDevices(flags, 'blkio-weight-device', 'weight', parseWhole, 'a whole number', problems);
  if (weights.length > 0) given.weightDevice = weights;
  for (const [flag, { field, parse, what }] of Object.entries(RATES)) {
    const rates = ofDevices(flags, flag, 'rate', parse, what, problems);
    if (rates.length > 0) given[field] = rates;
  }
  return given;
}

function ofDevices(
  flags: GivenFlags,
  flag: string,
  field: 'rate' | 'weight',
  parse: (text: string) => number | undefined,
  what: string,
  problems: Problem[],
): readonly Mapping[] {
  return flags.all(flag).flatMap(given => {
    // The path may have colons of its own: /dev/disk/by-path/pci-0000:00:04.0.
    const colon = given.lastIndexOf(':');
    const value = parse(given.slice(colon + 1));
    if (colon <= 0 || value === undefined) {
      problems.push(notThat(flag, given, `a device and ${what}: /dev/sda:${field === 'weight' ? '500' : '1000'}`));
      return [];
    }
    const path = given.slice(0, colon);
    const device = blockDevice(path);
    if ('problem' in device)
      problems.push({ field: `--${flag}`, message: `${JSON.stringify(path)} ${device.problem}` });
    return 'problem' in device ? [] : [{ ...device, [field]: value }];
  });
}

const notThat = (flag: string, given: string, what: string): Problem => ({
  field: `--${flag}`,
  message: `${JSON.stringify(given)} is not ${what}`,
});

function blockDevice(path: string): { major: number; minor: number } | { problem: string } {
  try {
    const found = statSync(path, { bigint: true });
    if (!found.isBlockDevice()) return { problem: 'is not a block device' };
    const { rdev } = found;
    // makedev(3) of glibc: 12 low bits of the major number lie between 8 and 24 bits of the minor one.
    return {
      major: Number(((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & ~0xfffn)),
      minor: Number((rdev & 0xffn) | ((rdev >> 12n) & 0xffff_ff00n)),
    };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : error;
    return { problem: `cannot be looked up on this host: ${code}` };
  }
}

/**
 * Without rules in the file, all is forbidden but what a rule allows and what every program expects to be there: as docker
 * has it.
 */
export function deviceRules(flags: GivenFlags, base: unknown, problems: Problem[]): readonly object[] {
  const rules = flags.all('device-cgroup-rule').flatMap(given => {
    const [, type = '', major, minor, access] = /^([abc]) (\d{1,8}|\*):(\d{1,8}|\*) ([rwm]{1,3})$/.exec(given) ?? [];
    if (type === '') problems.push(notThat('device-cgroup-rule', given, 'a rule such as "c 1:3 rwm" or "b 8:* r"'));
    const number = (text = '*') => (text === '*' ? -1 : Number(text));
    return type === '' ? [] : [{ allow: true, type, major: number(major), minor: number(minor), access }];
  });
  if (rules.length === 0) return [];
  const ruled = Array.isArray(base) && base.length > 0;
  return ruled ? rules : [{ allow: false, access: 'rwm' }, ...RULES_OF_DEV, ...rules];
}

export function hugePages(flags: GivenFlags, problems: Problem[]): readonly Mapping[] {
  return flags.all('hugetlb-limit').flatMap(given => {
    const [, pageSize = '', limit = ''] = /^([^:]+):([^:]+)$/.exec(given) ?? [];
    if (limit === '') problems.push(notThat('hugetlb-limit', given, 'a size of pages and a limit: 2MB:64M'));
    return limit === '' ? [] : [{ pageSize, limit }];
  });
}

/** Files of version 2 of cgroups. */
export function unified(flags: GivenFlags, problems: Problem[]): Mapping {
  const files: Record<string, unknown> = Object.create(null);
  for (const given of flags.all('cgroup-conf')) {
    const equals = given.indexOf('=');
    if (equals > 0) files[given.slice(0, equals)] = given.slice(equals + 1);
    else problems.push(notThat('cgroup-conf', given, 'NAME=VALUE'));
  }
  const high = flags.one('memory-high');
  const bytes = high === undefined ? undefined : bytesOf(high);
  if (high !== undefined && bytes === undefined)
    problems.push(notThat('memory-high', high, 'a size such as 100M, or -1 for no limit'));
  if (bytes !== undefined) files['memory.high'] = bytes === -1 ? 'max' : String(bytes);
  return files;
}
