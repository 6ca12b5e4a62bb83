import { closeSync } from 'node:fs';
import { execa } from 'execa';
import type { Newcomer } from '../../exec/plan.js';
import { stopped } from '../../host/process.js';
import type { RunningCommand } from '../exec.js';
import { EXIT_STATUS, StartError } from '../failure.js';
import { ATTENDED } from './attended.js';
import { openWithoutName, signalNumber } from './backend.js';
import { pathOf } from './cgroup.js';
import { renderExecScript } from './render-exec.js';

/** Starts a command in a box that runs, by having bash run the rendered script. */
export async function startNewcomer(newcomer: Newcomer): Promise<RunningCommand> {
  const script = openWithoutName(renderExecScript(newcomer));
  // setpriv, so that bash too, which watches over the command, dies with this process.
  const subprocess = execa('setpriv', ['--pdeathsig', 'KILL', '--', 'bash', pathOf(script)], {
    stdio: 'inherit',
    ...ATTENDED,
    // A session of its own: what the keys of a terminal send comes from this process, and only once. But script(1) takes
    // the keys of the caller's terminal over, and has to hear of its size.
    detached: !newcomer.terminal,
  });
  const { pid } = subprocess;
  if (pid === undefined) {
    closeSync(script);
    throw new StartError('cannot start bash: setpriv (util-linux) or bash is missing', EXIT_STATUS.failed);
  }
  return {
    pid,
    kill: signal => subprocess.kill(signal),
    // The script suspends the command itself when it gets SIGTSTP, then itself, and lets it go on after SIGCONT.
    suspend: async () => {
      await stopped(pid, () => subprocess.exitCode === null && subprocess.signalCode === null);
      return 0;
    },
    resume: () => {},
    ended: subprocess.then(({ exitCode, signal }) => {
      closeSync(script);
      return exitCode ?? 128 + signalNumber(signal);
    }),
  };
}
