import { userNamespaceObstacle } from '../../host/kernel.js';
import { describeErrno, errnoName, errnoNumber } from '../../linux/errno.js';
import type { Outcome } from '../../linux/program.js';
import { formatSystemCall, type SystemCall } from '../../linux/system-call.js';
import { attemptOf } from '../../plan/cgroup.js';
import type { Execute } from '../../plan/operations/execute.js';
import type { MountOverlay } from '../../plan/operations/mount-overlay.js';
import { describe, type Operation } from '../../plan/operations.js';
import { EXIT_STATUS, StartError } from '../failure.js';
import { explainLimit } from './explain-limit.js';

/** The error line of a step that failed: what, on what, errno, and the way out where one is known. */
export function explainFailure(
  operation: Operation | undefined,
  outcome: Outcome,
  calls: readonly SystemCall[],
): StartError {
  const { failure } = outcome;
  if (failure === undefined) return new StartError('the box ended before its command was started', EXIT_STATUS.failed);
  // Of an init that is nsgen's own, only the arguments can be to blame.
  const ofCommand = failure.call.name === 'execve' || errnoName(failure.errno) === 'E2BIG';
  if (operation?.kind === 'execute' && ofCommand) return explainExecute(programOf(operation), outcome, calls);
  const limit = explainLimit(failure.call, failure.errno);
  if (limit !== undefined) return limit;
  const name = errnoName(failure.errno);
  const step = operation === undefined ? '' : `${describe(operation)}: `;
  // What a file of the box holds is nobody else's business.
  const secret = operation?.kind === 'make-file' && failure.call.name === 'write';
  const call = secret ? 'write' : callSummary(failure.call);
  if (failure.call.name === 'futex') return new StartError(`${step}${wrongNode(failure.call)}`, EXIT_STATUS.failed);
  const hint = name === 'ENOMEM' && limitsMemory(calls) ? TOO_LITTLE_MEMORY : hintFor(operation, name, call);
  return new StartError(
    `${step}${call}: ${describeErrno(failure.errno)}${hint === undefined ? '' : `: ${hint}`}`,
    EXIT_STATUS.failed,
  );
}

/** What a process is made of, its mounts and its namespaces, counts as memory of its cgroup. */
const TOO_LITTLE_MEMORY = 'resources.memory.limit may be too little to make the box in';

const limitsMemory = (calls: readonly SystemCall[]) =>
  calls.some(call => attemptOf(call)?.field === 'resources.memory.limit');

/** The call by its name, and its path where it has one. */
function callSummary(call: SystemCall): string {
  if (call.name === 'clone3') return formatSystemCall(call).replace(/, exit_signal.*/, '})');
  const paths = call.arguments.flatMap(argument =>
    argument.kind === 'string' && argument.value !== '' ? [argument.value] : [],
  );
  return [call.name, ...paths.map(path => JSON.stringify(path))].join(' ');
}

const programOf = ({ command, init }: Execute): string =>
  (init === undefined || init === true ? command[0] : init) ?? '';

/** As execvp(3) decides: EACCES on the way counts more than the ENOENT of the last directory. */
function explainExecute(program: string, outcome: Outcome, calls: readonly SystemCall[]): StartError {
  const denied = calls.some(call => call.name === 'execve' && outcome.result(call) === -errnoNumber('EACCES'));
  const errno = denied ? errnoNumber('EACCES') : (outcome.failure?.errno ?? 0);
  const hint = executeHint(program, errnoName(errno));
  const status = errnoName(errno) === 'ENOENT' ? EXIT_STATUS.notFound : EXIT_STATUS.notExecutable;
  const summary = `execute ${JSON.stringify(program)}: ${describeErrno(errno)}`;
  return new StartError(hint === undefined ? summary : `${summary}: ${hint}`, status);
}

function executeHint(program: string, errno: string): string | undefined {
  switch (errno) {
    case 'ENOENT':
    case 'ENOTDIR':
      return program.includes('/')
        ? 'no such program in the box, or its interpreter is missing'
        : 'no such program in the PATH of the box';
    case 'EACCES':
      return 'it is no file with permission to execute, or its file system is mounted noexec';
    case 'E2BIG':
      return 'the arguments and the environment are too long together, or one of them is longer than 128 KiB';
    default:
      return undefined;
  }
}

/** The comparison that futex(2) stands for has failed: its errno says nothing. */
function wrongNode({ arguments: [word] }: SystemCall): string {
  const path = word?.kind === 'output' ? word.output.text.replace('statx of ', '') : 'a node';
  return `${path} of the host is not the device of that name, with mode 0666`;
}

/** On the way to a mount point, and from move_mount(2) for the mount point itself. */
const WRONG_KIND: readonly string[] = ['ENOTDIR', 'EINVAL'];

function hintFor(operation: Operation | undefined, errno: string, call: string): string | undefined {
  switch (operation?.kind) {
    case 'create-namespaces':
      if (errno === 'EPERM') return permissionHint(operation.user !== 'none');
      if (errno === 'ENOSPC') {
        const obstacle = call.includes('CLONE_NEWUSER') ? userNamespaceObstacle() : undefined;
        return obstacle ?? 'a limit in /proc/sys/user/max_*_namespaces is reached';
      }
      if (errno === 'EINVAL') return 'this kernel lacks one of the namespace types: see /proc/self/ns';
      if (errno === 'ENOMEM' && !call.includes('CLONE_NEWPID'))
        return 'the first process of the pid namespace that is joined has ended, or the host has no memory left';
      if (errno === 'ENOSYS') return 'clone3 needs Linux 5.5, and a seccomp filter that lets it pass';
      return undefined;
    case 'join-namespaces':
      if (errno === 'ENOENT') return 'the process whose namespace is to be joined is gone';
      return errno === 'EINVAL'
        ? 'the file is of no namespace of this type, or of one that is joined already'
        : undefined;
    case 'open-process':
      if (errno === 'ENOENT' || errno === 'ESRCH') return 'the process has ended';
      return errno === 'EACCES' || errno === 'EPERM'
        ? "joining somebody else's takes root (CAP_SYS_PTRACE)"
        : undefined;
    case 'join-process':
      return joinHint(errno, call);
    case 'start-inside':
      if (errno === 'ENOMEM') return 'the box has ended';
      return errno === 'EAGAIN' ? 'a limit on processes is reached' : undefined;
    case 'join-cgroups':
      if (errno === 'ENOENT' || errno === 'ENODEV') return 'the box has ended';
      return errno === 'EACCES' || errno === 'EPERM' ? 'entering it takes its owner, or root' : undefined;
    case 'resource-limits':
      return errno === 'EPERM' ? 'raising a hard limit takes CAP_SYS_RESOURCE' : undefined;
    case 'map-ids':
      return errno === 'EPERM' ? userNamespaceObstacle() : undefined;
    case 'mount-proc':
      if (errno === 'EPERM')
        return 'a user namespace may mount proc only with a pid namespace of its own, and where no part of the outer /proc is covered: use --no-proc';
      if (WRONG_KIND.includes(errno)) return 'proc goes on a directory, and the rootfs must be one';
      return errno === 'ENOENT' ? 'the rootfs needs a directory /proc, or use --no-proc' : undefined;
    case 'mount-sysfs':
      if (errno === 'EPERM')
        return 'a user namespace may mount sysfs only with a net namespace of its own, and where no part of the outer /sys is covered or more restricted';
      return mountHint(errno, 'sysfs goes');
    case 'mount-mqueue':
      if (errno === 'EPERM') return 'a user namespace may mount mqueue only with an ipc namespace of its own';
      if (errno === 'ENODEV') return 'this kernel has no POSIX message queues (CONFIG_POSIX_MQUEUE)';
      return mountHint(errno, 'mqueue goes');
    case 'mount-devpts':
      return errno === 'EINVAL' && call.startsWith('fsconfig "gid"')
        ? 'the gid must have a meaning in the user namespace of the box'
        : mountHint(errno, 'devpts goes');
    case 'mount-cgroup':
      if (errno === 'EPERM') return 'a user namespace may mount cgroups only with a cgroup namespace of its own';
      return mountHint(errno, 'the cgroup hierarchies go');
    case 'make-file':
    case 'make-symlink':
      return newEntryHint(errno, call);
    case 'mount-bind':
      if (call === 'mount_setattr' && errno === 'EINVAL' && operation.idMap !== undefined)
        return 'the file system of the source, or one below it, cannot be id-mapped, or is already';
      if (call === 'mount_setattr' && errno === 'ENOSYS')
        return 'readOnly, nosuid, nodev, noexec and propagation need Linux 5.12';
      if (call.startsWith('open_tree') && errno === 'EINVAL')
        return 'a user namespace may not show what is covered by a mount below the source: recursive';
      if (errno === 'ENOENT') return 'the source and the mount point must exist';
      return WRONG_KIND.includes(errno) ? 'a directory goes on a directory, a file on a file' : undefined;
    case 'make-dev':
      if (errno === 'ENOENT') return 'the host lacks one of the devices, or the rootfs changes: see --no-dev';
      return WRONG_KIND.includes(errno) ? '/dev of the rootfs must be a directory: see --no-dev' : undefined;
    case 'mount-tmpfs':
      return mountHint(errno, 'a tmpfs goes');
    case 'copy-programs':
      if (errno === 'ENOENT' || errno === 'ELOOP') return 'the file has been replaced a moment ago: try again';
      if (errno === 'EINVAL' && call === 'lseek')
        return 'it was not copied whole: the memory for copies is full, or the file is shorter now';
      return errno === 'ENOSPC' ? 'the copies are kept in memory, half of which a tmpfs may take' : undefined;
    case 'mount-overlay':
      return overlayHint(operation, errno, call);
    case 'working-directory':
      if (errno === 'ELOOP') return 'it leads through a link of /proc to what is open elsewhere, or in a circle';
      return errno === 'ENOENT' || errno === 'ENOTDIR' ? 'it must be a directory inside the box' : undefined;
    case 'open-init':
    case 'open-launcher':
      if (errno === 'EFBIG') return 'the limit on the size of a file (ulimit -f) is below that';
      return errno === 'EACCES' ? 'vm.memfd_noexec (sysctl) forbids it: use --backend script' : undefined;
    case 'open-rootfs':
      return errno === 'ENOENT' ? 'the rootfs must exist' : undefined;
    case 'change-root':
    case 'pivot-root':
      return errno === 'ENOTDIR' ? 'the rootfs must be a directory' : undefined;
    default:
      return undefined;
  }
}

function joinHint(errno: string, call: string): string | undefined {
  if (call.startsWith('openat2')) {
    if (errno === 'ELOOP') return 'it leads through a link of /proc to what is open elsewhere, or in a circle';
    return errno === 'ENOENT' || errno === 'ENOTDIR' ? 'it must be a directory inside the box' : undefined;
  }
  if (errno === 'EPERM') return 'joining takes root, or the user who made the user namespace of the box';
  return undefined;
}

function mountHint(errno: string, what: string): string | undefined {
  if (errno === 'ENOENT') return 'the mount point must exist';
  return WRONG_KIND.includes(errno) ? `${what} on a directory` : undefined;
}

function newEntryHint(errno: string, call: string): string | undefined {
  if (errno === 'EISDIR') return 'a directory of the rootfs has this name, and is not removed';
  if (errno === 'EEXIST') return 'something else changes the rootfs at the same time';
  if (errno === 'EINVAL' && call === 'lseek') return 'it was not written whole: the file system is full';
  return errno === 'ENOTDIR' ? 'what leads there must be directories' : undefined;
}

/** What the kernel means; its log has a line of overlayfs for most of these. */
function overlayHint(operation: MountOverlay, errno: string, call: string): string | undefined {
  switch (errno) {
    case 'ENOENT':
      return 'the layers must exist; upper and work are made, but not the directories that they are in';
    case 'ENOTDIR':
      return 'each layer must be a directory; upper and work must not be symbolic links';
    case 'ENODEV':
      return 'this kernel has no overlayfs: modprobe overlay';
    case 'EPERM':
      return operation.user === 'none' ? undefined : 'overlayfs in a user namespace needs Linux 5.11';
    case 'EAGAIN':
    case 'EBUSY':
      return operation.kept && `${JSON.stringify(operation.kept.upper)} or its work directory is in use by another box`;
    case 'ELOOP':
      return 'layers must not contain each other';
    case 'EINVAL':
      return call.startsWith('mount ')
        ? 'upper and work must be on one mount of a file system that can be an upper layer; a lower layer may be an overlay, but not of overlays (dmesg says more)'
        : undefined;
    default:
      return undefined;
  }
}

function permissionHint(withUser: boolean): string {
  if (!withUser) return 'namespaces need root or a user namespace: use --unshare user';
  return (
    userNamespaceObstacle() ??
    'namespaces need root or a user namespace, and this system allows neither: use --unshare user, or ask why user namespaces are off'
  );
}
