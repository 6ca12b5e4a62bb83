import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';

/** A process that keeps namespaces alive, for boxes to join. */
export interface Holder {
  readonly pid: number;
  /** Kills it and waits for its end. */
  end(): Promise<void>;
}

/** Starts `sleep` under unshare(1), and waits until it is there. `as` is a program that starts another, setpriv(1). */
export async function startHolder(options: readonly string[], as: readonly string[] = []): Promise<Holder> {
  const words = [...as, 'unshare', ...options, '--kill-child=KILL', '--', 'sleep', 'infinity'];
  const [program = '', ...args] = words;
  const child = spawn(program, args, { stdio: 'ignore' });
  const pid = await sleeper(child);
  return {
    pid,
    async end() {
      const ended = once(child, 'exit');
      process.kill(pid, 'SIGKILL');
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await ended;
    },
  };
}

const PATIENCE = 500;

/** With --kill-child unshare forks: the one whose namespaces count is its child. */
async function sleeper(child: ChildProcess): Promise<number> {
  for (let attempt = 0; attempt < PATIENCE; attempt += 1) {
    if (child.exitCode !== null || child.pid === undefined) break;
    const children = `/proc/${child.pid}/task/${child.pid}/children`;
    const pid = existsSync(children) ? Number(readFileSync(children, 'latin1').trim()) : 0;
    if (pid > 0 && nameOf(pid) === 'sleep' && readlinkSync(`/proc/${pid}/ns/pid`) !== '') return pid;
    await setTimeout(10);
  }
  child.kill('SIGKILL');
  throw new Error(`unshare did not start a process to join (status ${child.exitCode})`);
}

function nameOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'latin1').trim();
  } catch {
    return '';
  }
}
