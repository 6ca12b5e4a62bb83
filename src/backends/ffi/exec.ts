import { closeSync } from 'node:fs';
import { DEFAULT_STOP_TIMEOUT } from '../../box/box.js';
import { makeExecPlan, type Newcomer } from '../../exec/plan.js';
import { stopped } from '../../host/process.js';
import type { RunningCommand } from '../exec.js';
import { openDevpts } from './devpts.js';
import { exitStatusOf, isWaitedFor, onEnd, type Pid, reapNow, type WaitStatus } from './reap.js';
import { startBox } from './start.js';
import type { OpenTerminal } from './terminal.js';

/**
 * Starts a command in a box that runs, by system calls, when the file of this program is protected from the box.
 *
 * @throws StartError naming the step, the path and the errno.
 */
export async function startNewcomer(newcomer: Newcomer): Promise<RunningCommand> {
  if (!newcomer.terminal) return watch(startBox(makeExecPlan(newcomer), [0, 1, 2]).pid);
  const { openTerminal } = await import('./terminal.js');
  const devpts = openDevpts(newcomer.target);
  try {
    return startInTerminal(newcomer, devpts, openTerminal({ stdin: 'inherit', stdout: 'inherit', stderr: 'inherit' }));
  } finally {
    closeSync(devpts);
  }
}

function startInTerminal(newcomer: Newcomer, devpts: number, terminal: OpenTerminal): RunningCommand {
  try {
    const { pid } = startBox(makeExecPlan(newcomer, devpts), terminal.forBox, { terminal: terminal.ofBox });
    connect(terminal, pid);
    return watch(pid, terminal);
  } catch (error) {
    terminal.abandon();
    throw error;
  } finally {
    terminal.closeBoxEnds();
  }
}

function connect(terminal: OpenTerminal, pid: Pid): void {
  try {
    terminal.forCaller();
  } catch (error) {
    process.kill(pid, 'SIGKILL');
    reapNow(pid);
    throw error;
  }
}

function watch(pid: Pid, terminal?: OpenTerminal): RunningCommand {
  const kill = (signal: NodeJS.Signals) => isWaitedFor(pid) && process.kill(pid, signal);
  const ended = new Promise<WaitStatus>(resolve => {
    onEnd(pid, resolve);
  });
  // Whoever takes no notice of SIGHUP does not outlive its terminal by much, as in a box of its own.
  terminal?.left.then(() => {
    const timer = setTimeout(() => kill('SIGKILL'), DEFAULT_STOP_TIMEOUT * 1000);
    ended.then(() => clearTimeout(timer));
  });
  return {
    pid,
    kill,
    async suspend() {
      kill('SIGSTOP');
      await stopped(pid, () => isWaitedFor(pid));
      terminal?.suspend();
      return 0;
    },
    resume: () => terminal?.resume(),
    ended: ended.then(async status => {
      await terminal?.finish();
      return exitStatusOf(status);
    }),
  };
}
