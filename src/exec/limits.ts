import type { ResourceLimit, ResourceName } from '../plan/operations/resource-limits.js';

/** The names of /proc/PID/limits: proc_pid_limits(5). */
const NAMES: Readonly<Record<string, ResourceName>> = {
  'cpu time': 'RLIMIT_CPU',
  'file size': 'RLIMIT_FSIZE',
  'data size': 'RLIMIT_DATA',
  'stack size': 'RLIMIT_STACK',
  'core file size': 'RLIMIT_CORE',
  'resident set': 'RLIMIT_RSS',
  processes: 'RLIMIT_NPROC',
  'open files': 'RLIMIT_NOFILE',
  'locked memory': 'RLIMIT_MEMLOCK',
  'address space': 'RLIMIT_AS',
  'file locks': 'RLIMIT_LOCKS',
  'pending signals': 'RLIMIT_SIGPENDING',
  'msgqueue size': 'RLIMIT_MSGQUEUE',
  'nice priority': 'RLIMIT_NICE',
  'realtime priority': 'RLIMIT_RTPRIO',
  'realtime timeout': 'RLIMIT_RTTIME',
};

export function parseLimits(text: string): readonly ResourceLimit[] {
  return text.split('\n').flatMap(line => {
    const [, what = '', soft = '', hard = ''] = /^Max (.+?)\s{2,}(\S+)\s+(\S+)/.exec(line) ?? [];
    const name = Object.hasOwn(NAMES, what) ? NAMES[what] : undefined;
    return name === undefined ? [] : [{ name, soft: amountOf(soft), hard: amountOf(hard) }];
  });
}

const amountOf = (word: string): bigint | undefined => (word === 'unlimited' ? undefined : BigInt(word));
