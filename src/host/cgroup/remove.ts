import { runCalls } from '../../linux/program.js';
import { integer, NULL, type SystemCall, symbol } from '../../linux/system-call.js';
import { milliseconds as now, pause } from '../clock.js';
import { written } from './files.js';
import { processesIn, removeCgroup, visitTree } from './tree.js';

/** Milliseconds in which what was killed must be gone. */
const TIME_TO_DIE = 10_000;

/**
 * Removes cgroups of a box that has ended, with those that it has made in them. Processes that are left there, which
 * only a box without a pid namespace of its own can leave, are ended.
 *
 * @throws Error when one cannot be removed in ten seconds, or ever.
 */
export async function removeCgroups(directories: readonly string[]): Promise<void> {
  let left = remaining(directories);
  const end = now() + TIME_TO_DIE;
  for (let delay = 1; left.length > 0; delay = Math.min(2 * delay, 50)) {
    left = emptied(left);
    if (left.length === 0) return;
    if (now() > end || left.every(isForGood)) throw notRemoved(left[0] ?? '');
    await pause(delay);
  }
}

/**
 * The same, with nothing of this process going on meanwhile: when it ends, or has to go on at once.
 *
 * @returns what is left after so many milliseconds.
 */
export function removeCgroupsNow(directories: readonly string[], milliseconds: number): readonly string[] {
  let left = remaining(directories);
  const end = now() + milliseconds;
  while (left.length > 0) {
    left = emptied(left);
    if (left.length === 0 || now() > end) return left;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
  }
  return left;
}

/** Of a box that never started: nobody is in them. @returns what could not be removed at once. */
export const remaining = (directories: readonly string[]): readonly string[] =>
  directories.filter(directory => removeCgroup(directory) !== undefined);

/** Whatever becomes of those in there. */
const isForGood = (directory: string): boolean => FOR_GOOD.includes(removeCgroup(directory)?.code ?? '');
const FOR_GOOD: readonly string[] = ['EROFS', 'EACCES', 'EPERM'];

/** Why it is left. */
export function notRemoved(directory: string): Error {
  const reason = removeCgroup(directory)?.code ?? 'EBUSY';
  let processes = 0;
  visitTree(directory, {
    enter(place) {
      processes += processesIn(place)?.length ?? 0;
    },
  });
  const why = processes === 0 ? '' : `: ${processes} of its processes do not end`;
  return new Error(`cannot remove the cgroup ${directory}: ${reason}${why}; later, nsgen prune will`);
}

/** Ends who is in there, and removes what is empty. @returns what is left. */
function emptied(directories: readonly string[]): readonly string[] {
  for (const directory of directories) {
    // Whoever starts processes faster than they can be ended starts no more. Of version 1, or before Linux 5.14.
    written(`${directory}/pids.max`, '0');
    visitTree(directory, { enter: endProcesses, leave: removeCgroup });
  }
  return remaining(directories);
}

function endProcesses(place: string): void {
  // Linux 5.14, version 2: everybody at once, and those that they start meanwhile.
  if (!written(`${place}/cgroup.kill`, '1')) {
    const pids = processesIn(place) ?? [];
    for (let from = 0; from < pids.length; from += AT_ONCE) endEach(place, pids.slice(from, from + AT_ONCE));
  }
  thaw(place);
}

/** Descriptors. */
const AT_ONCE = 100;

/**
 * A process that has ended leaves its number to another, which is none of ours. So each is opened first, and killed if
 * it is on the list after that: whoever had the number between the two readings cannot be meant by the descriptor.
 */
function endEach(place: string, pids: readonly number[]): void {
  const opening = pids.map(pid => ({ pid, call: openProcess(pid) }));
  const outcome = runCalls(opening.map(({ call }) => call));
  const listed = new Set(processesIn(place));
  runCalls(
    opening.flatMap(({ pid, call }) => {
      const descriptor = outcome.result(call) ?? -1;
      if (descriptor < 0) return [];
      return listed.has(pid) ? [kill(descriptor), close(descriptor)] : [close(descriptor)];
    }),
  );
}

/** EINVAL: a thread, whose process is in another cgroup. */
const openProcess = (pid: number): SystemCall => ({
  name: 'pidfd_open',
  arguments: [integer(pid), integer(0)],
  tolerate: ['ESRCH', 'EINVAL', 'EMFILE', 'ENFILE'],
});

const kill = (descriptor: number): SystemCall => ({
  name: 'pidfd_send_signal',
  arguments: [integer(descriptor), symbol('SIGKILL', 9), NULL, integer(0)],
  tolerate: ['ESRCH', 'EPERM'],
});

const close = (descriptor: number): SystemCall => ({ name: 'close', arguments: [integer(descriptor)] });

/** Of version 1: there a frozen process does not even end. */
export const thaw = (place: string): boolean => written(`${place}/freezer.state`, 'THAWED');
