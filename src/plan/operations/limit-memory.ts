import type { MemoryLimits } from '../../box/resources.js';
import { formatSize } from '../../box/size.js';
import { type Limits, type Setting, type Value, writeSettings } from '../cgroup.js';
import type { OperationKind } from '../operation.js';

/** Limits the memory of the box, and its swap. */
export interface LimitMemory extends MemoryLimits {
  readonly kind: 'limit-memory';
}

export const limitMemory: OperationKind<LimitMemory> & Limits<LimitMemory> = {
  describe({ limit, reservation, swap, swappiness, disableOOMKiller }) {
    const parts = [
      ...(limit === undefined ? [] : [`to ${sizeText(limit)}`]),
      ...(reservation === undefined ? [] : [`${sizeText(reservation)} of it reserved`]),
      ...(swap === undefined ? [] : [`with swap to ${sizeText(swap)}`]),
      ...(swappiness === undefined ? [] : [`swappiness ${swappiness}`]),
      ...(disableOOMKiller === undefined ? [] : [`OOM killer ${disableOOMKiller ? 'off' : 'on'}`]),
    ];
    return `limit memory ${parts.join(', ')}`;
  },

  /** limit before swap: version 1 takes no memory.memsw limit below that of memory. */
  settings({ limit, reservation, swap, swappiness, disableOOMKiller }) {
    return [
      ...(limit === undefined
        ? []
        : [setting('limit', at('memory.limit_in_bytes', String(limit)), at('memory.max', orMax(limit)))]),
      ...(reservation === undefined
        ? []
        : [
            setting(
              'reservation',
              at('memory.soft_limit_in_bytes', String(reservation)),
              at('memory.low', orMax(reservation)),
            ),
          ]),
      ...(swap === undefined
        ? []
        : [
            setting(
              'swap',
              at('memory.memsw.limit_in_bytes', String(swap)),
              at('memory.swap.max', swap === -1 ? 'max' : String(swap - (limit ?? 0))),
            ),
          ]),
      ...(swappiness === undefined
        ? []
        : [setting('swappiness', at('memory.swappiness', String(swappiness)), ONLY_V1)]),
      ...(disableOOMKiller === undefined
        ? []
        : [setting('disableOOMKiller', at('memory.oom_control', disableOOMKiller ? '1' : '0'), ONLY_V1)]),
    ];
  },

  systemCalls: (operation, { cgroup }) => writeSettings(limitMemory.settings(operation), cgroup.places),
};

const sizeText = (bytes: number): string => (bytes === -1 ? 'no limit' : formatSize(bytes));
const orMax = (bytes: number): string => (bytes === -1 ? 'max' : String(bytes));
const at = (file: string, value: string): Value => ({ file, value });
const ONLY_V1: Value = { refused: 'only version 1 of cgroups has it' };

const setting = (name: string, v1: Value, v2: Value): Setting => ({
  controller: 'memory',
  field: `resources.memory.${name}`,
  v1,
  v2,
});
