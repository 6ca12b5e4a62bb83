/**
 * Constants of include/uapi/linux, the same on x86-64 and arm64. Each group is the set of flags that one argument
 * takes; `flags` in system-call.ts joins names of one group into a number and its text.
 */
export const CLONE = {
  CLONE_VM: 0x100,
  CLONE_VFORK: 0x4000,
  CLONE_PARENT: 0x8000,
  CLONE_NEWTIME: 0x80,
  CLONE_NEWNS: 0x20000,
  CLONE_NEWCGROUP: 0x2000000,
  CLONE_NEWUTS: 0x4000000,
  CLONE_NEWIPC: 0x8000000,
  CLONE_NEWUSER: 0x10000000,
  CLONE_NEWPID: 0x20000000,
  CLONE_NEWNET: 0x40000000,
  /** Linux 5.5, clone3(2) only: every handler of the child is the default one from its first instruction. */
  CLONE_CLEAR_SIGHAND: 0x1_0000_0000,
  /** Linux 5.7, clone3(2) only. */
  CLONE_INTO_CGROUP: 0x2_0000_0000,
} as const;

export const MS = {
  MS_RDONLY: 1,
  MS_NOSUID: 2,
  MS_NODEV: 4,
  MS_NOEXEC: 8,
  MS_BIND: 0x1000,
  MS_REC: 0x4000,
  MS_UNBINDABLE: 0x20000,
  MS_PRIVATE: 0x40000,
  MS_SLAVE: 0x80000,
  MS_SHARED: 0x100000,
} as const;

export const MOUNT_ATTR = {
  MOUNT_ATTR_RDONLY: 1,
  MOUNT_ATTR_NOSUID: 2,
  MOUNT_ATTR_NODEV: 4,
  MOUNT_ATTR_NOEXEC: 8,
  MOUNT_ATTR_IDMAP: 0x100000,
} as const;

export const O = {
  O_RDONLY: 0,
  O_WRONLY: 1,
  O_RDWR: 2,
  O_CREAT: 0o100,
  O_EXCL: 0o200,
  O_NOCTTY: 0o400,
  O_CLOEXEC: 0o2000000,
  O_PATH: 0o10000000,
} as const;

export const AT = { AT_EMPTY_PATH: 0x1000, AT_RECURSIVE: 0x8000 } as const;
/** MFD_EXEC: Linux 6.3. */
export const MFD = { MFD_CLOEXEC: 1, MFD_ALLOW_SEALING: 2, MFD_EXEC: 0x10 } as const;
export const AT_FDCWD = -100;
export const OPEN_TREE = {
  OPEN_TREE_CLONE: 1,
  OPEN_TREE_CLOEXEC: O.O_CLOEXEC,
  AT_EMPTY_PATH: 0x1000,
  AT_RECURSIVE: 0x8000,
} as const;
export const MOVE_MOUNT = { MOVE_MOUNT_F_EMPTY_PATH: 4, MOVE_MOUNT_T_EMPTY_PATH: 0x40 } as const;
export const FSCONFIG = { FSCONFIG_SET_FLAG: 0, FSCONFIG_SET_STRING: 1, FSCONFIG_CMD_CREATE: 6 } as const;
export const SEEK_END = 2;
export const AT_SYMLINK_NOFOLLOW = 0x100;
export const RESOLVE = {
  RESOLVE_NO_XDEV: 1,
  RESOLVE_NO_MAGICLINKS: 2,
  RESOLVE_NO_SYMLINKS: 4,
  RESOLVE_IN_ROOT: 0x10,
} as const;
export const S_IFREG = 0o100000;
export const S_IFCHR = 0o020000;
export const STATX = { STATX_TYPE: 1, STATX_MODE: 2 } as const;
/** Of struct statx. */
export const STATX_SIZE = 256;
export const FUTEX_CMP_REQUEUE = 4;
export const W_OK = 2;
export const MNT_DETACH = 2;
export const LOCK = { LOCK_SH: 1, LOCK_EX: 2, LOCK_NB: 4 } as const;

export const PR_SET_PDEATHSIG = 1;
export const PR_GET_DUMPABLE = 3;
export const PR_SET_DUMPABLE = 4;
export const PR_SET_CHILD_SUBREAPER = 36;
export const PR_SET_KEEPCAPS = 8;
export const PR_CAPBSET_DROP = 24;
export const PR_SET_NO_NEW_PRIVS = 38;
export const PR_CAP_AMBIENT = 47;
export const PR_CAP_AMBIENT_RAISE = 2;
/** Of struct __user_cap_header_struct: 64 capabilities. */
export const LINUX_CAPABILITY_VERSION_3 = 0x20080522;
export const SIGNALS = { SIGKILL: 9, SIGCHLD: 17, SIGSTOP: 19, SIGTTOU: 22 } as const;
export const SIG_BLOCK = 0;
export const SIG_UNBLOCK = 1;
export const SIG_SETMASK = 2;
/** The kernel's sigset_t is 64 bits; glibc's is larger. */
export const SIGNAL_SET_SIZE = 8;

export const RLIMIT_NOFILE = 7;
export const POLLIN = 1;
export const F_DUPFD_CLOEXEC = 1030;
export const F_SETFD = 2;
export const FD_CLOEXEC = 1;
export const F_ADD_SEALS = 1033;
export const SEALS = { F_SEAL_SEAL: 1, F_SEAL_SHRINK: 2, F_SEAL_GROW: 4, F_SEAL_WRITE: 8 } as const;
export const FIONBIO = 0x5421;
export const AF_UNIX = 1;
export const AF_INET = 2;
export const SOCK = { SOCK_STREAM: 1, SOCK_DGRAM: 2, SOCK_CLOEXEC: O.O_CLOEXEC } as const;
export const SOL_SOCKET = 1;
export const SCM_RIGHTS = 1;
export const MSG = { MSG_DONTWAIT: 0x40, MSG_CMSG_CLOEXEC: 0x40000000 } as const;
export const SIOCSIFFLAGS = 0x8914;
export const IFF_UP = 1;
export const WNOHANG = 1;
export const WEXITED = 4;
export const P_PID = 1;
/** ioctl_tty(2). */
export const TTY = {
  TCGETS: 0x5401,
  TCSETS: 0x5402,
  TCSETSW: 0x5403,
  TIOCSCTTY: 0x540e,
  TIOCGWINSZ: 0x5413,
  TIOCSWINSZ: 0x5414,
  TIOCNOTTY: 0x5422,
  TIOCSPTLCK: 0x40045431,
  TIOCGPTPEER: 0x5441,
} as const;
/** The kernel's struct termios: four words of flags, the line discipline, 19 control characters. glibc's is larger. */
export const TERMIOS_SIZE = 36;
