import type { Box } from './box.js';
import type { Problem } from './problem.js';
import type { CheckedBox } from './schema.js';
import { bytesOf } from './size.js';

type Given = NonNullable<CheckedBox['resources']>;
type GivenMemory = NonNullable<Given['memory']>;

/** Bytes; -1: no limit. */
export interface MemoryLimits {
  readonly limit?: number | undefined;
  readonly reservation?: number | undefined;
  readonly swap?: number | undefined;
  readonly swappiness?: number | undefined;
  readonly disableOOMKiller?: boolean | undefined;
}
export interface HugepageLimit {
  readonly pageSize: string;
  readonly limit: number;
}
type Cpu = NonNullable<Given['cpu']>;
export type CpuLimits = Omit<Cpu, 'cpus' | 'mems'>;
export type CpusetLimits = Pick<Cpu, 'cpus' | 'mems'>;
export type BlockIOLimits = NonNullable<Given['blockIO']>;
export type DeviceRule = NonNullable<Given['devices']>[number];

/** What a box may use. A field that is missing, or has nothing in it, limits nothing. */
export interface Resources {
  readonly memory: MemoryLimits | undefined;
  readonly cpu: CpuLimits | undefined;
  readonly cpuset: CpusetLimits | undefined;
  readonly pids: NonNullable<Given['pids']> | undefined;
  readonly blockIO: BlockIOLimits | undefined;
  readonly hugepageLimits: readonly HugepageLimit[] | undefined;
  readonly devices: readonly DeviceRule[] | undefined;
  readonly unified: Readonly<Record<string, string>> | undefined;
}

export function resourcesOf(given: Given = {}): Resources {
  const { cpus, mems, ...cpu } = given.cpu ?? {};
  return {
    memory: something(memoryOf(given.memory ?? {})),
    cpu: something(cpu),
    cpuset: something({ cpus, mems }),
    pids: given.pids,
    blockIO: something(given.blockIO ?? {}),
    hugepageLimits: something(
      (given.hugepageLimits ?? []).map(({ pageSize, limit }) => ({ pageSize, limit: bytes(limit) })),
    ),
    devices: something(given.devices ?? []),
    unified: something({ ...given.unified }),
  };
}

const something = <Value extends object>(value: Value): Value | undefined =>
  Object.values(value).every(asksForNothing) ? undefined : value;

const asksForNothing = (value: unknown): boolean => value === undefined || (Array.isArray(value) && value.length === 0);

function memoryOf({ limit, reservation, swap, ...others }: GivenMemory): MemoryLimits {
  const sizes = Object.entries({ limit, reservation, swap });
  const given = sizes.flatMap(([name, size]) => (size === undefined ? [] : [[name, bytes(size)] as const]));
  return { ...others, ...Object.fromEntries(given) };
}

/** The schema has let it pass. */
const bytes = (size: number | string): number => bytesOf(size) ?? -1;

/** Bytes. Undefined: there is no limit. */
export const memoryLimitOf = ({ memory, unified }: Resources): number | undefined => {
  const limit = memory?.limit ?? bytesOf(unified?.['memory.max'] ?? '-1');
  return limit === -1 ? undefined : limit;
};

export const limitsSomething = (resources: Resources): boolean =>
  Object.values(resources).some(value => value !== undefined);

export function resourceProblems(box: Box): readonly Problem[] {
  const { resources, mounts } = box;
  const problems: Problem[] = [];
  if (box.cgroupParent !== undefined && !limitsSomething(resources) && !box.accounting && !box.freezer)
    problems.push({ field: 'cgroupParent', message: 'needs something that a cgroup is for: resources, accounting' });
  const { limit, swap } = resources.memory ?? {};
  const unlimited = limit === undefined || limit === -1;
  if (swap !== undefined && swap !== -1) {
    const field = 'resources.memory.swap';
    if (unlimited) problems.push({ field, message: 'is memory and swap together: needs resources.memory.limit too' });
    else if (swap < limit)
      problems.push({ field, message: 'is memory and swap together: must be at least resources.memory.limit' });
  }
  const { quota, burst } = resources.cpu ?? {};
  if (burst !== undefined && burst > 0 && (quota === undefined || quota === -1 || burst > quota))
    problems.push({ field: 'resources.cpu.burst', message: 'must be at most resources.cpu.quota, and needs one' });
  if (!limitsSomething(resources)) return problems;
  for (const [index, mount] of mounts.entries()) {
    if (mount.type !== 'cgroup' || mount.flags.includes('ro')) continue;
    const message = 'must be readOnly: the box could change its own limits there';
    problems.push({ field: `mounts[${index}]`, message });
  }
  return problems;
}
