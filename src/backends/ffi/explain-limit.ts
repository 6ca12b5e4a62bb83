import { describeErrno, errnoName } from '../../linux/errno.js';
import type { SystemCall } from '../../linux/system-call.js';
import { attemptOf } from '../../plan/cgroup.js';
import { EXIT_STATUS, StartError } from '../failure.js';
import { limitHint } from '../limit-hints.js';

/** The error line of a limit that could not be set: its field, what was written where, and what the host lacks. */
export function explainLimit(call: SystemCall, errno: number): StartError | undefined {
  const attempt = attemptOf(call);
  if (attempt === undefined) return undefined;
  const { field, write, files = [] } = attempt;
  const failed = (message: string) => new StartError(`${field}: ${message}`, EXIT_STATUS.failed);
  if (write === undefined) return failed(`${call.name}: ${describeErrno(errno)}${programHint(errnoName(errno))}`);
  const { file, value } = write;
  if (call.name === 'openat' && errnoName(errno) === 'ENOENT')
    return failed(`this host has no ${files.join(' or ')}: ${limitHint('missing', file)}`);
  return failed(`cannot write "${value}" to ${file}: ${describeErrno(errno)}: ${limitHint('refused', file)}`);
}

/** Of bpf(2). */
function programHint(errno: string): string {
  switch (errno) {
    case 'EPERM':
      return ': it takes root on the host (CAP_BPF and CAP_NET_ADMIN, or CAP_SYS_ADMIN), or a cgroup above lets no other program decide';
    case 'ENOSYS':
    case 'EINVAL':
      return ': the kernel must be built with CONFIG_CGROUP_BPF and CONFIG_BPF_SYSCALL';
    default:
      return '';
  }
}
