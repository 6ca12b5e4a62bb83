import { writeFileCalls } from '../../linux/write-file.js';
import { type OperationKind, type UserNamespace, wantsUserNamespace } from '../operation.js';

/** Makes the caller root of the new user namespace, and only the caller: user_namespaces(7). */
export interface MapIds {
  readonly kind: 'map-ids';
  readonly user: Exclude<UserNamespace, 'none'>;
}

export const mapIds: OperationKind<MapIds> = {
  describe: ({ user }) =>
    `map root inside to the caller outside${user === 'new' ? '' : ' (unless the caller is root)'}`,

  /** setgroups first: without that line an ordinary user may not write gid_map (CVE-2014-8989). */
  systemCalls({ user }, caller) {
    if (!wantsUserNamespace(user, caller)) return [];
    return [
      ...writeFileCalls('/proc/self/setgroups', 'deny'),
      ...writeFileCalls('/proc/self/uid_map', `0 ${caller.uid} 1`),
      ...writeFileCalls('/proc/self/gid_map', `0 ${caller.gid} 1`),
    ];
  },
};
