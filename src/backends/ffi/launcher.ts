import { closeSync, readlinkSync, readSync } from 'node:fs';
import { statOf } from '../../host/process.js';
import { LAUNCHER_NAME, type Launcher } from '../../linux/launcher.js';
import { pollIn } from '../../linux/poll.js';
import { type Outcome, runCalls } from '../../linux/program.js';
import type { SystemCall } from '../../linux/system-call.js';
import { LAUNCHER_PIPE } from '../../plan/operations/open-launcher.js';

/**
 * Waits until the command is executed, or was not, and closes the pipe.
 *
 * @param made what came of the calls.
 * @param pid of the process that is, or was, the launcher.
 * @returns what came of the launcher's calls, if the command was not executed.
 */
export function reportOf(
  launcher: Launcher,
  calls: readonly SystemCall[],
  made: Outcome,
  pid: number | undefined,
): Outcome | undefined {
  const pipe = calls.find(({ name }) => name === 'pipe2');
  if (pipe === undefined || made.result(pipe) !== 0) return undefined;
  const descriptors = made.bytes(LAUNCHER_PIPE);
  const [readEnd, writeEnd] = [descriptors.readInt32LE(0), descriptors.readInt32LE(4)];
  closeSync(writeEnd);
  const isOnItsWay = () => pid !== undefined && isLauncher(pid);
  const deadline = performance.now() + LONGEST_START;
  const report = readReport(readEnd, launcher.reportLength, () => performance.now() < deadline && isOnItsWay());
  closeSync(readEnd);
  if (report === undefined) return isOnItsWay() ? NONSENSE : undefined;
  return report.length === 0 ? undefined : (launcher.outcomeOf(report) ?? NONSENSE);
}

/**
 * All of it, or nothing once the pipe is closed, as execve(2) does.
 *
 * @param goesOn whether it may still come. In a pid namespace that was joined, somebody else may have opened the pipe, by
 *   /proc/PID/fd, and keep it open.
 * @returns undefined: neither came.
 */
function readReport(descriptor: number, length: number, goesOn: () => boolean): Buffer | undefined {
  const report = Buffer.alloc(length);
  const hasMore = () => {
    while (!isReadable(descriptor)) {
      // It may have come between the two questions.
      if (!goesOn()) return isReadable(descriptor);
    }
    return true;
  };
  let read = 0;
  while (read < length) {
    if (!hasMore()) return undefined;
    const part = readSync(descriptor, report, read, length - read, null);
    if (part === 0) break;
    read += part;
  }
  return report.subarray(0, read);
}

/** Waits some time for that. */
function isReadable(descriptor: number): boolean {
  const poll = pollIn(descriptor, 'pipe', 50);
  return runCalls([poll]).result(poll) === 1;
}

/** And is on its way: whoever may stop it need not be waited for. */
function isLauncher(pid: number): boolean {
  if (!/^[RSD]$/.test(statOf(pid)?.state ?? '')) return false;
  try {
    return readlinkSync(`/proc/${pid}/exe`).startsWith(`/memfd:${LAUNCHER_NAME} `);
  } catch {
    return false;
  }
}

/**
 * Milliseconds. Nothing else happens in this process meanwhile: one that does not end, because somebody has attached to it or
 * the command's file system does not answer, is ended.
 */
const LONGEST_START = 10_000;

/** Who may attach to the process in that moment may write there, too. */
const NONSENSE: Outcome = { failure: undefined, result: () => undefined, bytes: () => Buffer.alloc(0) };
