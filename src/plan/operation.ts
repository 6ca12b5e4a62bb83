import type { IdMap } from '../box/mounts.js';
import type { NamespacePath, NamespaceType } from '../box/values.js';
import type { CgroupHierarchy } from '../host/cgroups.js';
import { INIT_DESCRIPTOR, LIFE_DESCRIPTOR } from '../init/names.js';
import type { Result, SystemCall } from '../linux/system-call.js';
import type { Entry } from '../rootfs/tree.js';
import type { CgroupPlace } from './cgroup.js';

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
  /** Whether it is in the user namespace that the system started with: user_namespaces(7). */
  readonly inInitialUserNamespace: boolean;
  /** The hard limit of RLIMIT_NOFILE; undefined: there is none. */
  readonly descriptorLimit: number | undefined;
  /** The signals that it ignores, by number. */
  readonly ignoredSignals: readonly number[];
  /** A pidfd of the process, for the child to ask whether it still lives. */
  readonly pidfd: number;
  /** Which descriptors become 0, 1 and 2 of the box. */
  readonly streams: readonly [stdin: number, stdout: number, stderr: number];
  /** For a box with a terminal: how it is at the beginning, and where its two sides are sent. */
  readonly terminal: {
    readonly socket: number;
    /** struct termios and struct winsize */
    readonly attributes: Uint8Array;
    readonly size: Uint8Array;
  };
  /** The descriptor of the rootfs, for operations after open-rootfs, mount-overlay or copy-programs. */
  readonly rootfs: Result;
  /** Descriptors of user namespaces that map the owners of files, for the binds that ask for one. */
  readonly idMaps: ReadonlyMap<IdMap, number>;
  /** The cgroup hierarchies of the host; empty unless an operation asks for them. */
  readonly cgroups: readonly CgroupHierarchy[];
  /** Where the cgroups of the box are made; no places unless an operation makes some. */
  readonly cgroup: {
    readonly places: readonly CgroupPlace[];
    /** Of the next box: no two have the same. */
    readonly name: () => string;
  };
  /** The descriptor of a null device that no rootfs supplied, for operations after make-dev. */
  readonly nullDevice: Result;
  /** The namespaces of the pod that the box is started in, the user namespace among them if it has one. */
  readonly pod: readonly NamespaceToJoin[];
  /** Of a box that has a name: its file life, and the directory /proc of nsgen. */
  readonly life: { readonly descriptor: number; readonly proc: number } | undefined;
  /** What copy-programs copies: a fact of the host, like the others. */
  readonly programFiles: readonly Entry[];
}

export interface NamespaceToJoin {
  readonly type: NamespaceType;
  readonly path: NamespacePath;
}

/** `unprivileged`: if the caller is not root, who needs a user namespace to be allowed the rest. */
export type UserNamespace = 'new' | 'unprivileged' | 'none';

export const wantsUserNamespace = (user: UserNamespace, caller: Caller): boolean =>
  user === 'new' || (user === 'unprivileged' && caller.uid !== 0);

/** Where open-init leaves the init: what is free then. */
export const initDescriptor = ({ life }: Caller): number => (life === undefined ? LIFE_DESCRIPTOR : INIT_DESCRIPTOR);

/** The cgroup of version 2 that a process is made in, with CLONE_INTO_CGROUP. */
export const unifiedCgroup = ({ cgroup }: Caller): Result | undefined =>
  cgroup.places.find(({ version }) => version === 2)?.directory;

/** What stands for it where there is none, or none yet. */
export const NO_TERMINAL: Caller['terminal'] = { socket: -1, attributes: new Uint8Array(), size: new Uint8Array() };
