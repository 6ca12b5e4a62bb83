import { LINUX_CAPABILITY_VERSION_3, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS } from '../../linux/constants.js';
import { bytes, integer, type SystemCall, symbol } from '../../linux/system-call.js';
import type { OperationKind } from '../operation.js';

/** As many as the kernel's sets have room for. */
const MOST_CAPABILITIES = 64;

/** Gives up all capabilities, of all five sets, and any way to new ones: capabilities(7). */
export interface DropCapabilities {
  readonly kind: 'drop-capabilities';
}

export const dropCapabilities: OperationKind<DropCapabilities> = {
  describe: () => 'give up all capabilities, for good',

  /** The bounding set first, while that is allowed; the ambient set goes with the inheritable one. */
  systemCalls() {
    const bounding = Array.from(
      { length: MOST_CAPABILITIES },
      (_, capability): SystemCall => ({
        name: 'prctl',
        arguments: [symbol('PR_CAPBSET_DROP', PR_CAPBSET_DROP), integer(capability)],
        // What this kernel does not know, nobody has.
        tolerate: ['EINVAL'],
      }),
    );
    const header = Buffer.alloc(8);
    header.writeUInt32LE(LINUX_CAPABILITY_VERSION_3);
    return [
      ...bounding,
      {
        name: 'prctl',
        arguments: [symbol('PR_SET_NO_NEW_PRIVS', PR_SET_NO_NEW_PRIVS), integer(1), integer(0), integer(0), integer(0)],
      },
      {
        name: 'capset',
        arguments: [
          bytes(header, '{version=_LINUX_CAPABILITY_VERSION_3, pid=0}'),
          bytes(Buffer.alloc(24), '{effective=0, permitted=0, inheritable=0}'),
        ],
      },
    ];
  },
};
