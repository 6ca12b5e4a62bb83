import { NAMESPACE_TYPES, type NamespaceType, namespaceFile } from '../../box/values.js';
import { cloneCall } from '../../linux/clone.js';
import { O, SIGNALS } from '../../linux/constants.js';
import { notDumpable } from '../../linux/not-dumpable.js';
import { flags, integer, type Result, type SystemCall, string } from '../../linux/system-call.js';
import type { OperationKind } from '../operation.js';

/** Holds a process that runs: its namespaces, its root and its working directory. None of them is entered yet. */
export interface OpenProcess {
  readonly kind: 'open-process';
  readonly pid: number;
  /** When it was started: a later process of its number has another. */
  readonly start: string;
  /** A descriptor of its directory in /proc, which never is that of a later process. */
  readonly directory: number;
  /** Those that the caller is not in already. */
  readonly namespaces: readonly NamespaceType[];
  readonly root: boolean;
  readonly cwd: boolean;
}

const NAMESPACES = new Map<NamespaceType, Result>(
  NAMESPACE_TYPES.map(type => [type, { of: `open ns/${namespaceFile(type)}` }]),
);

/** Where join-process finds a namespace. */
export const heldNamespace = (type: NamespaceType): Result => NAMESPACES.get(type) ?? { of: type };
export const HELD_ROOT: Result = { of: 'open root' };
export const HELD_CWD: Result = { of: 'open cwd' };

export const openProcess: OperationKind<OpenProcess> = {
  describe: ({ pid, start }) => `hold process ${pid}, which was started ${start} clock ticks after the system`,

  /**
   * A process of its own does the rest, up to start-inside. Nobody in the box can see it: a pid namespace that is joined
   * holds only children.
   */
  systemCalls({ directory, namespaces, root, cwd }) {
    const open = (path: string, access: 'O_RDONLY' | 'O_PATH', result: Result): SystemCall => ({
      name: 'openat',
      arguments: [integer(directory), string(path), flags(O, access, 'O_CLOEXEC')],
      result,
    });
    // setns(2) into a time namespace wants a process that shares its memory with no other: EUSERS.
    const sharing = namespaces.includes('time') ? [] : (['CLONE_VM'] as const);
    return [
      notDumpable(),
      cloneCall([...sharing, 'CLONE_VFORK', 'CLONE_CLEAR_SIGHAND'], SIGNALS.SIGCHLD),
      ...namespaces.map(type => open(`ns/${namespaceFile(type)}`, 'O_RDONLY', heldNamespace(type))),
      ...(root ? [open('root', 'O_PATH', HELD_ROOT)] : []),
      ...(cwd ? [open('cwd', 'O_PATH', HELD_CWD)] : []),
    ];
  },
};
