import { integer, string } from '../../linux/system-call.js';
import type { OperationKind } from '../operation.js';

/** Names the box's own uts namespace: sethostname(2). */
export interface SetHostname {
  readonly kind: 'set-hostname';
  readonly hostname: string;
}

export const setHostname: OperationKind<SetHostname> = {
  describe: ({ hostname }) => `set the host name to ${JSON.stringify(hostname)}`,
  systemCalls: ({ hostname }) => [
    { name: 'sethostname', arguments: [string(hostname), integer(Buffer.byteLength(hostname))] },
  ],
};
