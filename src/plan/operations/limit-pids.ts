import { type Limits, writeSettings } from '../cgroup.js';
import type { OperationKind } from '../operation.js';

/** Limits how many processes and threads the box has at one time. */
export interface LimitPids {
  readonly kind: 'limit-pids';
  /** -1: no limit. */
  readonly limit: number;
}

export const limitPids: OperationKind<LimitPids> & Limits<LimitPids> = {
  describe: ({ limit }) => `limit processes to ${limit === -1 ? 'no limit' : limit}`,

  settings({ limit }) {
    const max = { file: 'pids.max', value: limit === -1 ? 'max' : String(limit) };
    return [{ controller: 'pids', field: 'resources.pids.limit', v1: max, v2: max }];
  },

  systemCalls: (operation, { cgroup }) => writeSettings(limitPids.settings(operation), cgroup.places),
};
