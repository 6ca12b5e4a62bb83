import type { Newcomer } from '../exec/plan.js';
import type { BackendName, RunningBox } from './backend.js';

/** A command in a box that somebody else has started. */
export interface RunningCommand extends Pick<RunningBox, 'pid' | 'kill' | 'suspend' | 'resume'> {
  /** The status of the command, or 128+N when signal N ended it. Resolves once it has been reaped. */
  readonly ended: Promise<number>;
}

/**
 * Starts a command in a box that runs, with the standard streams of this process. It ends, at the latest, when this process
 * does.
 *
 * @throws BoxError when the backend cannot carry something out, StartError when the kernel or the host refuses.
 */
export type StartNewcomer = (newcomer: Newcomer) => Promise<RunningCommand>;

/**
 * Loads what starts such commands, which may execute this program again from its beginning: a signal that somebody has
 * caught before would be lost.
 *
 * @throws StartError when the kernel does not let it.
 */
export async function loadStartNewcomer(backend: BackendName): Promise<StartNewcomer> {
  switch (backend) {
    case 'ffi': {
      (await import('./ffi/program-file.js')).protectProgramFile();
      return (await import('./ffi/exec.js')).startNewcomer;
    }
    case 'script':
      return (await import('./script/exec.js')).startNewcomer;
  }
}
