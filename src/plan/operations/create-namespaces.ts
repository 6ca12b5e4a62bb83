import type { NamespaceType } from '../../box/values.js';
import { cloneCall } from '../../linux/clone.js';
import { SIGNALS } from '../../linux/constants.js';
import { type OperationKind, type UserNamespace, unifiedCgroup, wantsUserNamespace } from '../operation.js';

/** Starts the process of the box, in new namespaces. */
export interface CreateNamespaces {
  readonly kind: 'create-namespaces';
  /** All but user and time. */
  readonly types: readonly NamespaceType[];
  readonly user: UserNamespace;
  /** Namespaces were joined before: the process that joined them makes this one, as a child of nsgen's. */
  readonly joined: boolean;
}

const CLONE_FLAGS = {
  cgroup: 'CLONE_NEWCGROUP',
  ipc: 'CLONE_NEWIPC',
  mount: 'CLONE_NEWNS',
  net: 'CLONE_NEWNET',
  pid: 'CLONE_NEWPID',
  time: 'CLONE_NEWTIME',
  user: 'CLONE_NEWUSER',
  uts: 'CLONE_NEWUTS',
} as const satisfies Record<NamespaceType, string>;

export const cloneFlag = (type: NamespaceType) => CLONE_FLAGS[type];

export const createNamespaces: OperationKind<CreateNamespaces> = {
  describe({ types, user }) {
    const others = user === 'none' ? [] : [user === 'new' ? 'user' : 'user (unless the caller is root)'];
    const all = [...types, ...others];
    return all.length === 0
      ? 'start a process in the namespaces of the caller'
      : `start a process in new namespaces: ${all.join(', ')}`;
  },

  systemCalls({ types, user, joined }, caller) {
    const created = wantsUserNamespace(user, caller) ? [...types, 'user' as const] : types;
    const parent = joined ? (['CLONE_PARENT'] as const) : [];
    // With CLONE_PARENT the exit signal is that of the maker, and clone3 insists on none of its own.
    const exitSignal = joined ? 0 : SIGNALS.SIGCHLD;
    const set = ['CLONE_VM', 'CLONE_VFORK', 'CLONE_CLEAR_SIGHAND', ...parent, ...created.map(cloneFlag)] as const;
    // The process that joined namespaces is in the cgroup already.
    return [cloneCall(set, exitSignal, joined ? undefined : unifiedCgroup(caller))];
  },
};
