import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { packageRoot } from '../../src/package-root.js';
import { execute } from '../support/cli.js';

/** The C programs of the bench, compiled. */
export interface Programs {
  readonly launcher: string;
  readonly stopwatch: string;
  remove(): void;
}

export function compilePrograms(): Programs {
  const directory = mkdtempSync(join(tmpdir(), 'nsgen-bench-'));
  const compile = (name: string) => {
    const source = join(packageRoot, 'test', 'bench', `${name}.c`);
    const program = join(directory, name);
    execFileSync('cc', ['-O2', '-Wall', '-Wextra', '-Werror', '-o', program, source], { stdio: 'inherit' });
    return program;
  };
  const remove = () => rmSync(directory, { recursive: true, force: true });
  try {
    return { launcher: compile('launcher'), stopwatch: compile('stopwatch'), remove };
  } catch (error) {
    remove();
    throw error;
  }
}

/** Which box launcher.c starts: see there. */
export type LauncherBox = 'named' | 'default';

/** launcher.c, kept running: what is timed is one box, not the start of the program that starts it. */
export interface Launcher {
  /** @returns milliseconds from the start of a box to its end. */
  run(): Promise<number>;
  stop(): Promise<void>;
}

export function startLauncher(program: string, box: LauncherBox, command: readonly string[]): Launcher {
  const child = spawn(program, [box, '--loop', ...command], { stdio: ['pipe', 'pipe', 'inherit'] });
  const closed = once(child, 'close');
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  return {
    async run() {
      child.stdin.write('1\n');
      const { value, done } = await lines.next();
      if (done) throw new Error(`launcher ended: ${child.exitCode ?? child.signalCode}`);
      return Number(value) / 1e6;
    },
    async stop() {
      child.stdin.end();
      await closed;
    },
  };
}

/** What a command took, in milliseconds. */
export interface Taken {
  readonly wall: number;
  /** Processor time, user and system: what other load on the machine changes least. */
  readonly cpu: number;
}

/** Times a command from outside, by stopwatch.c. */
export async function time(stopwatch: string, [program = '', ...args]: readonly string[]): Promise<Taken> {
  const { stdout, stderr } = await execute(stopwatch, [program, ...args]);
  const [wall, cpu, status] = stdout.split(' ').map(Number);
  if (wall === undefined || cpu === undefined || status !== 0)
    throw new Error(`${program} ${args.join(' ')}: status ${status} ${stderr}`);
  return { wall: wall / 1e6, cpu: cpu / 1e6 };
}
