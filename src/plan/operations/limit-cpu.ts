import type { CpuLimits } from '../../box/resources.js';
import { type Limits, type Setting, type Value, writeSettings } from '../cgroup.js';
import type { OperationKind } from '../operation.js';

/** Limits the cpu time of the box, or weighs it against that of others. */
export interface LimitCpu extends CpuLimits {
  readonly kind: 'limit-cpu';
}

/** Microseconds; the kernel's own default. */
const PERIOD = 100_000;

export const limitCpu: OperationKind<LimitCpu> & Limits<LimitCpu> = {
  describe({ quota, period, burst, shares, idle }) {
    const parts = [
      ...(quota === undefined && period === undefined ? [] : [quotaText(quota ?? -1, period ?? PERIOD)]),
      ...(burst === undefined ? [] : [`${burst} us of burst`]),
      ...(shares === undefined ? [] : [`${shares} shares`]),
      ...(idle === undefined ? [] : [idle === 1 ? 'only where nobody else runs' : 'not idle']),
    ];
    return `limit cpu to ${parts.join(', ')}`;
  },

  /** The period before the quota: version 1 writes them one by one, and checks each against the other. */
  settings({ quota, period, burst, shares, idle }) {
    const max = `${quota === undefined || quota === -1 ? 'max' : quota} ${period ?? PERIOD}`;
    return [
      ...(period === undefined
        ? []
        : [setting('period', at('cpu.cfs_period_us', period), { file: 'cpu.max', value: max })]),
      ...(quota === undefined
        ? []
        : [setting('quota', at('cpu.cfs_quota_us', quota), { file: 'cpu.max', value: max })]),
      ...(burst === undefined ? [] : [setting('burst', at('cpu.cfs_burst_us', burst), at('cpu.max.burst', burst))]),
      ...(shares === undefined
        ? []
        : [setting('shares', at('cpu.shares', shares), at('cpu.weight', weightOf(shares)))]),
      ...(idle === undefined ? [] : [setting('idle', at('cpu.idle', idle), at('cpu.idle', idle))]),
    ];
  },

  systemCalls: (operation, { cgroup }) => writeSettings(limitCpu.settings(operation), cgroup.places),
};

const quotaText = (quota: number, period: number): string =>
  quota === -1 ? 'no limit' : `${quota} of ${period} us (${Number((quota / period).toFixed(3))} cpus)`;

const at = (file: string, value: number): Value => ({ file, value: String(value) });

const setting = (name: string, v1: Value, v2: Value): Setting => ({
  controller: 'cpu',
  field: `resources.cpu.${name}`,
  v1,
  v2,
});

/**
 * cpu.weight for cpu.shares, by the curve on which runc and crun have agreed: through the least, the normal and the
 * greatest value of both (2 and 1, 1024 and 100, 262144 and 10000).
 */
export function weightOf(shares: number): number {
  const l = Math.log2(shares);
  return Math.min(10_000, Math.max(1, Math.ceil(10 ** ((l * l + 125 * l) / 612 - 7 / 34))));
}
