import { integer, symbol } from '../../linux/system-call.js';
import type { OperationKind } from '../operation.js';

/** Closes everything above 2, whoever opened it: a descriptor of a host directory is a way out of any root. */
export interface CloseDescriptors {
  readonly kind: 'close-descriptors';
}

export const closeDescriptors: OperationKind<CloseDescriptors> = {
  describe: () => 'close every other descriptor',
  systemCalls: () => [{ name: 'close_range', arguments: [integer(3), symbol('~0U', 0xffff_ffff), integer(0)] }],
};
