import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { statOf } from '../../src/host/process.js';
import { nsgenPath } from '../support/cli.js';
import { descendants } from '../support/leftovers.js';
import { until } from '../support/until.js';

/** A box that runs, to be joined. */
export interface RunningBox {
  readonly pid: number;
  end(): Promise<void>;
}

/** One whose command has this name, which no process before it has. */
export async function startBox(
  flags: readonly string[],
  command: readonly string[] = ['sleep', 'infinity'],
  words: readonly string[] = [process.execPath, nsgenPath],
): Promise<RunningBox> {
  const [program = '', ...rest] = [...words, 'run', ...flags, '--', ...command];
  const child = spawn(program, rest, { stdio: ['ignore', 'ignore', 'inherit'], cwd: '/' });
  const name = command.includes('sleep') ? 'sleep' : command[0]?.replace(/.*\//, '');
  const pid = await found('a box', () => descendants(child.pid).find(each => statOf(each)?.name === name));
  return { pid, end: () => endBox(child, pid) };
}

async function endBox(child: ChildProcess, pid: number): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  if (statOf(pid) !== undefined) process.kill(pid, 'SIGKILL');
  await ended;
}

export async function inBox(box: Promise<RunningBox>, act: (pid: string) => Promise<void>): Promise<void> {
  const { pid, end } = await box;
  try {
    await act(String(pid));
  } finally {
    await end();
  }
}

/** Waits until there is one. */
export async function found<Value>(what: string, find: () => Value | undefined): Promise<Value> {
  let value: Value | undefined;
  await until(() => {
    value = find();
    return value !== undefined;
  }, what);
  if (value === undefined) throw new Error(`not found: ${what}`);
  return value;
}
