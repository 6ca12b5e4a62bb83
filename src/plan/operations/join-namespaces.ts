import type { NamespaceType } from '../../box/values.js';
import { cloneCall } from '../../linux/clone.js';
import { AT_FDCWD, CLONE, O, SIGNALS } from '../../linux/constants.js';
import { notDumpable } from '../../linux/not-dumpable.js';
import {
  flags,
  integer,
  NULL,
  type Result,
  resultOf,
  type SystemCall,
  string,
  symbol,
} from '../../linux/system-call.js';
import { type Caller, type NamespaceToJoin, type OperationKind, unifiedCgroup } from '../operation.js';
import { cloneFlag } from './create-namespaces.js';

/** Enters namespaces that exist already. */
export interface JoinNamespaces {
  readonly kind: 'join-namespaces';
  readonly namespaces: readonly NamespaceToJoin[];
  /** Those of the pod that the box is in; where they are is known when it starts. */
  readonly pod: readonly NamespaceType[];
}

export const joinNamespaces: OperationKind<JoinNamespaces> = {
  describe: ({ namespaces, pod }) =>
    `join ${[...pod.map(ofPod), ...namespaces.map(({ type, path }) => `${type} of ${JSON.stringify(path)}`)].join(', ')}`,

  /**
   * In a process of its own, which then makes the box's: a pid namespace that is joined holds only children, and the
   * caller's own namespaces stay as they are. All are opened before the first is joined, because a joined mount
   * namespace hides the paths of the others. Who is in a joined pid namespace sees the box before it executes anything.
   */
  systemCalls({ namespaces, pod }, caller) {
    const ordered = inJoinOrder([...caller.pod.filter(({ type }) => pod.includes(type)), ...namespaces], caller);
    const opened = ordered.map(({ type, path }) => ({
      type,
      path,
      descriptor: { of: `open ${path}` } satisfies Result,
    }));
    // setns(2) into a time namespace wants a process that shares its memory with no other: EUSERS.
    const sharing = namespaces.some(({ type }) => type === 'time') ? [] : (['CLONE_VM'] as const);
    const seen = ordered.some(({ type }) => type === 'pid');
    return [
      ...(seen ? [notDumpable()] : []),
      cloneCall([...sharing, 'CLONE_VFORK', 'CLONE_CLEAR_SIGHAND'], SIGNALS.SIGCHLD, unifiedCgroup(caller)),
      ...opened.map(
        ({ path, descriptor }): SystemCall => ({
          name: 'openat',
          arguments: [symbol('AT_FDCWD', AT_FDCWD), string(path), flags(O, 'O_RDONLY', 'O_CLOEXEC')],
          result: descriptor,
        }),
      ),
      ...opened.flatMap(({ type, descriptor }): SystemCall[] => [
        ...(type === 'user' ? [DROP_GROUPS] : []),
        { name: 'setns', arguments: [resultOf(descriptor), flags(CLONE, cloneFlag(type))] },
        ...(type === 'user' ? BECOME_ROOT : []),
      ]),
      // Another user sets it to what fs.suid_dumpable says: proc_sys_fs(5).
      ...(seen ? [notDumpable()] : []),
    ];
  },
};

const ofPod = (type: NamespaceType): string => `${type} of the pod${type === 'user' ? ' (if it has its own)' : ''}`;

/** Allowed to root before, unless forbidden to all in there; to an ordinary user inside, unless forbidden there. */
const DROP_GROUPS: SystemCall = { name: 'setgroups', arguments: [integer(0), NULL], tolerate: ['EPERM'] };

/** nsenter(1) does the same: the caller's ids are those of nobody in there. */
const BECOME_ROOT: readonly SystemCall[] = [
  { ...DROP_GROUPS },
  { name: 'setgid', arguments: [integer(0)] },
  { name: 'setuid', arguments: [integer(0)] },
];

/** An ordinary user is allowed the others only inside the user namespace; root loses its rights over them there. */
function inJoinOrder(namespaces: readonly NamespaceToJoin[], caller: Caller): readonly NamespaceToJoin[] {
  const user = namespaces.filter(({ type }) => type === 'user');
  const others = namespaces.filter(({ type }) => type !== 'user');
  return caller.uid === 0 ? [...others, ...user] : [...user, ...others];
}
