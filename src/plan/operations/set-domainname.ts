import { integer, string } from '../../linux/system-call.js';
import type { OperationKind } from '../operation.js';

/** Names the NIS domain of the box's own uts namespace: setdomainname(2). */
export interface SetDomainname {
  readonly kind: 'set-domainname';
  readonly domainname: string;
}

export const setDomainname: OperationKind<SetDomainname> = {
  describe: ({ domainname }) => `set the NIS domain name to ${JSON.stringify(domainname)}`,
  systemCalls: ({ domainname }) => [
    { name: 'setdomainname', arguments: [string(domainname), integer(Buffer.byteLength(domainname))] },
  ],
};
