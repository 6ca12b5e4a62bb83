import { RLIMIT_NOFILE } from '../../linux/constants.js';
import { bytes, integer, NULL, symbol, words } from '../../linux/system-call.js';
import type { OperationKind } from '../operation.js';

/**
 * Sets the soft limit of open files, or the hard one where that is lower. Node raises its own soft limit to the hard
 * one at start; a program that still uses select(2) breaks on descriptors above 1023.
 */
export interface DescriptorLimit {
  readonly kind: 'descriptor-limit';
  readonly soft: number;
}

/** RLIM64_INFINITY is all ones. */
const INFINITY = -1;

export const descriptorLimit: OperationKind<DescriptorLimit> = {
  describe: ({ soft }) => `allow ${soft} open descriptors, or as many as the hard limit says`,

  systemCalls({ soft }, caller) {
    const hard = caller.descriptorLimit;
    const current = Math.min(soft, hard ?? soft);
    const shown = `{rlim_cur=${current}, rlim_max=${hard ?? 'RLIM64_INFINITY'}}`;
    return [
      {
        name: 'prlimit64',
        arguments: [
          integer(0),
          symbol('RLIMIT_NOFILE', RLIMIT_NOFILE),
          bytes(words(current, hard ?? INFINITY), shown),
          NULL,
        ],
      },
    ];
  },
};
