import { closeSync, readSync } from 'node:fs';
import type { Launcher } from '../../linux/launcher.js';
import type { Outcome } from '../../linux/program.js';
import type { SystemCall } from '../../linux/system-call.js';
import { LAUNCHER_PIPE } from '../../plan/operations/open-launcher.js';

/**
 * Waits until the command is executed, or was not, and closes the pipe.
 *
 * @param made what came of the calls.
 * @returns what came of the launcher's calls, if the command was not executed.
 */
export function reportOf(launcher: Launcher, calls: readonly SystemCall[], made: Outcome): Outcome | undefined {
  const pipe = calls.find(({ name }) => name === 'pipe2');
  if (pipe === undefined || made.result(pipe) !== 0) return undefined;
  const descriptors = made.bytes(LAUNCHER_PIPE);
  const [readEnd, writeEnd] = [descriptors.readInt32LE(0), descriptors.readInt32LE(4)];
  closeSync(writeEnd);
  const report = readReport(readEnd, launcher.reportLength);
  closeSync(readEnd);
  return report.length === 0 ? undefined : (launcher.outcomeOf(report) ?? NONSENSE);
}

/** All of it, or nothing once the pipe is closed, as execve(2) does. */
function readReport(descriptor: number, length: number): Buffer {
  const report = Buffer.alloc(length);
  let read = 0;
  for (let part = -1; part !== 0 && read < length; read += part)
    part = readSync(descriptor, report, read, length - read, null);
  return report.subarray(0, read);
}

/** Who may attach to the process in that moment may write there, too. */
const NONSENSE: Outcome = { failure: undefined, result: () => undefined, bytes: () => Buffer.alloc(0) };
