import { PR_GET_DUMPABLE, PR_SET_DUMPABLE } from './constants.js';
import { runCalls } from './program.js';
import { integer, type SystemCall, symbol } from './system-call.js';

/**
 * From here on nobody may attach to the caller, read its memory, or follow /proc/PID/exe, fd, cwd and root of it, but who
 * has CAP_SYS_PTRACE in the user namespace that its program was executed in: PTRACE_MODE_READ in ptrace(2). It holds for
 * all processes that share its memory, and until execve(2).
 */
export const notDumpable = (): SystemCall => setDumpable(0);

export const setDumpable = (value: number): SystemCall => ({
  name: 'prctl',
  arguments: [symbol('PR_SET_DUMPABLE', PR_SET_DUMPABLE), integer(value), integer(0), integer(0), integer(0)],
});

const getDumpable: SystemCall = {
  name: 'prctl',
  arguments: [symbol('PR_GET_DUMPABLE', PR_GET_DUMPABLE), integer(0), integer(0), integer(0), integer(0)],
};

/**
 * Runs what may make this process not dumpable, and makes it again what it was: as long as it is not, an ordinary user's
 * own files in /proc/self belong to root.
 */
export function keepingDumpable<Value>(calls: readonly SystemCall[], run: () => Value): Value {
  if (!calls.some(changesDumpable)) return run();
  const before = runCalls([getDumpable]).result(getDumpable);
  try {
    return run();
  } finally {
    if (before === 1) runCalls([setDumpable(1)]);
  }
}

const changesDumpable = ({ arguments: [option] }: SystemCall): boolean =>
  option?.kind === 'symbol' && option.text === 'PR_SET_DUMPABLE';
