import type { ErrnoName } from './errno.js';
import type { SystemCall } from './system-call.js';

/** Of a command, one place where it may be. */
export interface Attempt {
  /** An execve(2) of the file there. */
  readonly execute: SystemCall;
  /** When it is executed again, to tell a text file from all other errors: what any other error leads to. */
  readonly onError?: Pick<SystemCall, 'result' | 'onFailure'>;
  /** What gives a text file without `#!` to the shell. */
  readonly asShellScript: readonly SystemCall[];
}

/** Errors after which it looks into the next directory of PATH. */
const NOT_HERE: readonly ErrnoName[] = ['ENOENT', 'ENOTDIR', 'EACCES', 'ENODEV'];

/** What execvp(3) does: of all these calls, one succeeds, or none. */
export const execvp = (attempts: readonly Attempt[]): readonly SystemCall[] =>
  attempts.map(({ execute, onError, asShellScript }, index) => ({
    ...execute,
    ...(index === attempts.length - 1 ? {} : { tolerate: NOT_HERE }),
    onFailure: [{ ...execute, ...onError, tolerate: ['ENOEXEC'] }, ...asShellScript],
  }));
