import type { CgroupHierarchy } from '../host/cgroups.js';
import type { Result, SystemCall } from '../linux/system-call.js';

/**
 * What an operation is. Each kind has one file under operations/ (its fields, its line in a plan, its system calls) and
 * one template of the same name under templates/ (its bash).
 */
export interface OperationKind<Operation> {
  /** One line, for a plan: what happens, to what. */
  describe(operation: Operation): string;
  /** What the ffi backend issues, in order. A clone3 among them is where a new process takes over. */
  systemCalls(operation: Operation, caller: Caller): readonly SystemCall[];
}

/** What the system calls depend on and no box says: the process that makes them. */
export interface Caller {
  /** geteuid(2), getegid(2) */
  readonly uid: number;
  readonly gid: number;
  /** The hard limit of RLIMIT_NOFILE; undefined: there is none. */
  readonly descriptorLimit: number | undefined;
  /** The signals that it ignores, by number. */
  readonly ignoredSignals: readonly number[];
  /** A pidfd of the process, for the child to ask whether it still lives. */
  readonly pidfd: number;
  /** Which descriptors become 0, 1 and 2 of the box. */
  readonly streams: readonly [stdin: number, stdout: number, stderr: number];
  /** The descriptor of the rootfs, for operations after open-rootfs. */
  readonly rootfs: Result;
  /** The cgroup hierarchies of the host; empty unless an operation asks for them. */
  readonly cgroups: readonly CgroupHierarchy[];
}

/** `unprivileged`: if the caller is not root, who needs a user namespace to be allowed the rest. */
export type UserNamespace = 'new' | 'unprivileged' | 'none';

export const wantsUserNamespace = (user: UserNamespace, caller: Caller): boolean =>
  user === 'new' || (user === 'unprivileged' && caller.uid !== 0);
