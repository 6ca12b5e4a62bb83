import { CLONE, O } from '../../linux/constants.js';
import { flags, integer, type Result, resultOf, type SystemCall, string } from '../../linux/system-call.js';
import type { OperationKind } from '../operation.js';

/** The process of the box enters its cgroups, and then a cgroup namespace in which they are the roots. */
export interface JoinCgroup {
  readonly kind: 'join-cgroup';
  /** A namespace made together with the process would have the maker's cgroups for its roots. */
  readonly namespace: boolean;
}

export const joinCgroup: OperationKind<JoinCgroup> = {
  describe: ({ namespace }) => `enter the cgroup${namespace ? ', and a new cgroup namespace' : ''}`,

  /**
   * Of version 2 it has been in its cgroup since it was made, by CLONE_INTO_CGROUP. Of version 1 it writes to tasks:
   * a thread that moves itself alone takes no lock of the whole host (Linux 5.17, commit 9a3284fad42f), as
   * cgroup.procs does.
   */
  systemCalls: ({ namespace }, { cgroup }) => [
    ...cgroup.places.filter(({ version }) => version === 1).flatMap(({ directory }) => enter(directory)),
    ...(namespace ? [{ name: 'unshare', arguments: [flags(CLONE, 'CLONE_NEWCGROUP')] } as const] : []),
  ],
};

function enter(directory: Result): readonly SystemCall[] {
  const tasks: Result = { of: 'open tasks' };
  return [
    {
      name: 'openat',
      arguments: [resultOf(directory), string('tasks'), flags(O, 'O_WRONLY', 'O_CLOEXEC')],
      result: tasks,
    },
    { name: 'write', arguments: [resultOf(tasks), string('0'), integer(1)] },
  ];
}
