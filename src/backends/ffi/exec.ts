import { makeExecPlan, type Newcomer } from '../../exec/plan.js';
import { stopped } from '../../host/process.js';
import type { RunningCommand } from '../exec.js';
import { exitStatusOf, isWaitedFor, onEnd, type WaitStatus } from './reap.js';
import { startBox } from './start.js';

/** Starts a command in a box that runs, by system calls. @throws StartError naming the step, the path and the errno. */
export function startNewcomer(newcomer: Newcomer): RunningCommand {
  const { pid } = startBox(makeExecPlan(newcomer), [0, 1, 2]);
  const ended = new Promise<WaitStatus>(resolve => {
    onEnd(pid, resolve);
  });
  const kill = (signal: NodeJS.Signals) => isWaitedFor(pid) && process.kill(pid, signal);
  return {
    pid,
    kill,
    async suspend() {
      kill('SIGSTOP');
      await stopped(pid, () => isWaitedFor(pid));
    },
    resume: () => {},
    ended: ended.then(exitStatusOf),
  };
}
