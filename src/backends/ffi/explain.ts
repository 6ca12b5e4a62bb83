import { userNamespaceObstacle } from '../../host/kernel.js';
import { describeErrno, errnoName, errnoNumber } from '../../linux/errno.js';
import type { Outcome } from '../../linux/program.js';
import { formatSystemCall, type SystemCall } from '../../linux/system-call.js';
import { describe, type Operation } from '../../plan/operations.js';
import { EXIT_STATUS, StartError } from '../failure.js';

/** The error line of a step that failed: what, on what, errno, and the way out where one is known. */
export function explainFailure(
  operation: Operation | undefined,
  outcome: Outcome,
  calls: readonly SystemCall[],
): StartError {
  const { failure } = outcome;
  if (failure === undefined) return new StartError('the box ended before its command was started', EXIT_STATUS.failed);
  if (operation?.kind === 'execute') return explainExecute(operation.command[0] ?? '', outcome, calls);
  const name = errnoName(failure.errno);
  const step = operation === undefined ? '' : `${describe(operation)}: `;
  const call = callSummary(failure.call);
  const hint = hintFor(operation, name);
  return new StartError(
    `${step}${call}: ${describeErrno(failure.errno)}${hint === undefined ? '' : `: ${hint}`}`,
    EXIT_STATUS.failed,
  );
}

/** The call by its name, and its path where it has one. */
function callSummary(call: SystemCall): string {
  if (call.name === 'clone3') return formatSystemCall(call).replace(/, exit_signal.*/, '})');
  const paths = call.arguments.flatMap(argument =>
    argument.kind === 'string' && argument.value !== '' ? [argument.value] : [],
  );
  return [call.name, ...paths.map(path => JSON.stringify(path))].join(' ');
}

/** As execvp(3) decides: EACCES on the way counts more than the ENOENT of the last directory. */
function explainExecute(program: string, outcome: Outcome, calls: readonly SystemCall[]): StartError {
  const denied = calls.some(call => call.name === 'execve' && outcome.result(call) === -errnoNumber('EACCES'));
  const errno = denied ? errnoNumber('EACCES') : (outcome.failure?.errno ?? 0);
  const found = errnoName(errno) !== 'ENOENT' && errnoName(errno) !== 'ENOTDIR';
  const hint = found
    ? ''
    : program.includes('/')
      ? ': no such program in the box, or its interpreter is missing'
      : ': no such program in the PATH of the box';
  const status = errnoName(errno) === 'ENOENT' ? EXIT_STATUS.notFound : EXIT_STATUS.notExecutable;
  return new StartError(`execute ${JSON.stringify(program)}: ${describeErrno(errno)}${hint}`, status);
}

function hintFor(operation: Operation | undefined, errno: string): string | undefined {
  switch (operation?.kind) {
    case 'create-namespaces':
      if (errno === 'EPERM') return permissionHint(operation.user !== 'none');
      if (errno === 'ENOSPC') return 'a limit in /proc/sys/user/max_*_namespaces is reached';
      if (errno === 'EINVAL') return 'this kernel lacks one of the namespace types: see /proc/self/ns';
      if (errno === 'ENOSYS') return 'clone3 needs Linux 5.5, and a seccomp filter that lets it pass';
      return undefined;
    case 'join-namespaces':
      return errno === 'ENOENT' ? 'the process whose namespace is to be joined is gone' : undefined;
    case 'map-ids':
      return errno === 'EPERM' ? userNamespaceObstacle() : undefined;
    case 'mount-proc':
      if (errno === 'EPERM')
        return 'a user namespace may mount proc only with a pid namespace of its own, and where no part of the outer /proc is covered: use --no-proc';
      return errno === 'ENOENT' ? 'the rootfs needs a directory /proc, or use --no-proc' : undefined;
    case 'mount-bind':
    case 'mount-tmpfs':
      if (errno === 'ENOENT') return 'the source and the mount point must exist';
      return errno === 'ENOTDIR' ? 'a directory goes on a directory, a file on a file' : undefined;
    case 'open-rootfs':
      return errno === 'ENOENT' ? 'the rootfs must exist' : undefined;
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
