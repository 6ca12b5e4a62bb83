import type { HugepageLimit } from '../../box/resources.js';
import { formatSize } from '../../box/size.js';
import { type Limits, type Write, writeSettings } from '../cgroup.js';
import type { OperationKind } from '../operation.js';

/** Limits the memory of the box in huge pages, for each size of page. */
export interface LimitHugetlb {
  readonly kind: 'limit-hugetlb';
  readonly limits: readonly HugepageLimit[];
}

export const limitHugetlb: OperationKind<LimitHugetlb> & Limits<LimitHugetlb> = {
  describe({ limits }) {
    const parts = limits.map(({ pageSize, limit }) => `${formatSize(limit)} in pages of ${pageSize}`);
    return `limit huge pages to ${parts.join(', ')}`;
  },

  /** What is used, and what is reserved: mmap(2) then fails where a page fault would be the end of the process. */
  settings: ({ limits }) =>
    limits.flatMap(({ pageSize, limit }, index) => {
      const value = String(limit);
      const used = { v1: `hugetlb.${pageSize}.limit_in_bytes`, v2: `hugetlb.${pageSize}.max` };
      const reserved = { v1: `hugetlb.${pageSize}.rsvd.limit_in_bytes`, v2: `hugetlb.${pageSize}.rsvd.max` };
      const field = `resources.hugepageLimits[${index}]`;
      const setting = (v1: Write, v2: Write) => ({ controller: 'hugetlb', field, v1, v2 }) as const;
      return [
        setting({ file: used.v1, value }, { file: used.v2, value }),
        // Reservations are counted since Linux 5.7.
        setting(
          { file: reserved.v1, value, otherwise: { file: used.v1, value } },
          { file: reserved.v2, value, otherwise: { file: used.v2, value } },
        ),
      ];
    }),

  systemCalls: (operation, { cgroup }) => writeSettings(limitHugetlb.settings(operation), cgroup.places),
};
