import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { descendants } from '../support/leftovers.js';

/** A shell in a box, looked at from outside while it runs. */
export interface LiveBox {
  /** Of the shell, as the host sees it. */
  readonly pid: number;
  /** Lets the shell run a line, and returns the line that it prints. */
  ask(line: string): Promise<string>;
  /** Closes the shell's stdin and waits. */
  end(): Promise<{ readonly status: number | null }>;
}

/** @param command one that ends up in a shell as pid 1 of a new pid namespace. */
export async function startLiveBox(command: readonly string[], cwd?: string): Promise<LiveBox> {
  const [program = '', ...args] = command;
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'], ...(cwd === undefined ? {} : { cwd }) });
  const closed = once(child, 'close');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ask = async (line: string): Promise<string> => {
    child.stdin.write(`${line}\n`);
    const { value, done } = await lines.next();
    if (done === true) throw new Error(`the box ended instead of an answer to: ${line}`);
    return value;
  };
  await ask('echo ready');
  return {
    pid: pidOfFirst(child),
    ask,
    async end() {
      child.stdin.end();
      const [status] = await closed;
      return { status };
    },
  };
}

/** The process below `child` that is pid 1 of a namespace below ours. */
function pidOfFirst({ pid }: ChildProcess): number {
  const first = descendants(pid).filter(found => {
    const inner = pidsOf(found).slice(pidsOf(process.pid).length);
    return inner.length === 1 && inner[0] === 1;
  });
  const [only, ...others] = first;
  if (only === undefined || others.length > 0) throw new Error(`one pid 1 is expected, these are: ${first}`);
  return only;
}

/** NSpid of /proc/PID/status: the pids of one process, from the namespace of this /proc inwards. */
export function pidsOf(pid: number): readonly number[] {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return (/^NSpid:\t(.*)$/m.exec(status)?.[1] ?? '').split('\t').map(Number);
}
