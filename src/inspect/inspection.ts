/**
 * What nsgen inspect tells of a process, and prints with --json. A value that is null is not there for this process (a
 * kernel thread has no executable), or could not be read: then `unreadable` has its field, and why.
 */
export interface Inspection extends ProcessReading {
  /** Of this shape. A field may be added in it; none changes its meaning or goes. */
  readonly version: 1;
  /** The box that it belongs to, if it is one with a name. */
  readonly box: BoxName | null;
  readonly viewpoint: Viewpoint;
  readonly namespaces: readonly Namespace[];
  /** The picture: in the order of a tree, parents before their children, children by their pids. */
  readonly tree: readonly TreeRow[];
  /** Processes of this /proc that are not in `tree`. */
  readonly others: number;
  /** Whether it still changed when it had been read several times, so that its fields may not fit together. */
  readonly changing: boolean;
}

export interface BoxName {
  readonly name: string;
  readonly pod: string | null;
}

/** Where all this was seen from. */
export interface Viewpoint {
  /** Of nsgen, as this /proc counts. */
  readonly pid: number;
  /** Whose namespaces are called the host's: those of pid 1 of this /proc, or of nsgen, when pid 1's may not be read. */
  readonly host: 'pid 1' | 'nsgen';
  /** The host's, by number. */
  readonly namespaces: Readonly<Record<NamespaceType, number | null>>;
  /** The pid namespace of this /proc; null when nothing tells. */
  readonly pidNamespace: number | null;
  /** Whether it is the one the system started with; else nsgen is in a container itself, and sees nothing outside of it. */
  readonly initial: boolean | null;
  /** Processes of which some namespace may not be read: with whom they share is not known. */
  readonly unreadable: number;
}

export const NAMESPACE_TYPES = ['user', 'mnt', 'pid', 'net', 'uts', 'ipc', 'cgroup', 'time'] as const;
export type NamespaceType = (typeof NAMESPACE_TYPES)[number];

export interface Namespace {
  readonly type: NamespaceType;
  readonly inode: number | null;
  /** Whether it is the host's, as `viewpoint.host` has it. */
  readonly host: boolean | null;
  /** Whether it is the one nsgen itself is in. */
  readonly nsgen: boolean | null;
  /** Whether it is the one the system started with; null also where the kernel gives that one no fixed number. */
  readonly initial: boolean | null;
  /** The other processes in it, by pid, as far as they may be read. */
  readonly processes: readonly number[];
  /** The boxes with a name whose first process is in it, its own among them. */
  readonly boxes: readonly string[];
}

/** Of one process, read by itself. */
export interface ProcessReading {
  readonly process: ProcessFacts;
  readonly ids: Ids | null;
  readonly cgroups: readonly Cgroup[] | null;
  readonly root: Root | null;
  readonly mounts: readonly Mount[] | null;
  readonly capabilities: Readonly<Record<CapabilitySet, readonly (string | number)[]>> | null;
  readonly noNewPrivileges: boolean | null;
  readonly seccomp: Seccomp | null;
  /** Of the security module, AppArmor's or SELinux's. */
  readonly label: string | null;
  readonly rlimits: readonly Rlimit[] | null;
  /** Why each field that could not be read could not, the name of an errno: `{"root": "EACCES"}`; of `boxes` a sentence. */
  readonly unreadable: Readonly<Record<string, string>>;
}

export interface ProcessFacts {
  readonly pid: number;
  /** Clock ticks from the start of the system to its own; with the pid it names one process for ever. */
  readonly start: string;
  readonly parent: number;
  readonly name: string;
  /** A letter: proc_pid_stat(5). */
  readonly state: string;
  readonly kernelThread: boolean;
  /** Its numbers, from the pid namespace of this /proc inwards. */
  readonly pids: readonly number[] | null;
  readonly command: readonly string[] | null;
  readonly executable: string | null;
  readonly workingDirectory: string | null;
  readonly group: number;
  readonly session: number;
  readonly terminal: Terminal | null;
}

export interface Terminal {
  /** major:minor */
  readonly device: string;
  /** Below /dev; a pts number belongs to the devpts of whoever opened it. Null: none is known. */
  readonly name: string | null;
}

export interface Ids {
  readonly uid: FourIds;
  readonly gid: FourIds;
  readonly groups: readonly number[];
  readonly uidMap: readonly IdRange[] | null;
  readonly gidMap: readonly IdRange[] | null;
}

export interface FourIds {
  readonly real: number;
  readonly effective: number;
  readonly saved: number;
  readonly filesystem: number;
}

/** A line of /proc/PID/uid_map: user_namespaces(7). */
export interface IdRange {
  readonly inside: number;
  /** As the user namespace of nsgen counts. */
  readonly outside: number;
  readonly count: number;
}

export interface Cgroup {
  /** 0 is version 2. */
  readonly hierarchy: number;
  readonly controllers: readonly string[];
  /** Of a hierarchy without controllers: `systemd`. */
  readonly name: string | null;
  /** From the root of the cgroup namespace of nsgen. */
  readonly path: string;
}

export interface Root {
  /** As nsgen sees it: `/`, too, when it is in a mount namespace of its own. */
  readonly path: string;
  /** The mount that it is in; null when neither the process nor nsgen has it in its table. */
  readonly mount: Mount | null;
}

/** A line of /proc/PID/mountinfo: proc_pid_mountinfo(5). */
export interface Mount {
  readonly id: number;
  readonly parent: number;
  /** major:minor */
  readonly device: string;
  /** What of the file system is mounted. */
  readonly root: string;
  readonly point: string;
  readonly options: readonly string[];
  /** `shared:1`, `master:2`, `propagate_from:3`, `unbindable`; none: it is private. */
  readonly propagation: readonly string[];
  readonly type: string;
  readonly source: string;
  readonly superOptions: string;
}

export const CAPABILITY_SETS = ['inheritable', 'permitted', 'effective', 'bounding', 'ambient'] as const;
export type CapabilitySet = (typeof CAPABILITY_SETS)[number];

export interface Seccomp {
  readonly mode: 'none' | 'strict' | 'filter' | number;
  /** Null before Linux 5.9, which does not tell. */
  readonly filters: number | null;
}

export interface Rlimit {
  /** `RLIMIT_NOFILE`; the kernel's own words for one that has no name here. */
  readonly name: string;
  /** A text of digits from 2 to the power of 53 on. */
  readonly soft: number | string | 'unlimited';
  readonly hard: number | string | 'unlimited';
  readonly unit: string | null;
}

/** A process of the picture. */
export interface TreeRow {
  readonly pid: number;
  readonly parent: number;
  readonly name: string;
  readonly state: string;
  /** From the pid namespace of this /proc inwards; null when it could not be read. */
  readonly pids: readonly number[] | null;
  readonly namespaces: Readonly<Record<NamespaceType, number | null>>;
  readonly box: string | null;
}
