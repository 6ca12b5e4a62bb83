import { type SpawnOptions, spawn } from 'node:child_process';
import { join } from 'node:path';
import { packageRoot } from '../../src/package-root.js';

/** The command as users have it: the bundle that `npm run build` makes. */
export const nsgenPath = join(packageRoot, 'dist', 'bin', 'nsgen.cjs');

export interface Finished {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end. Its standard input is `input`, or nothing. */
export function execute(
  program: string,
  args: readonly string[],
  options: Omit<SpawnOptions, 'stdio'> & { readonly input?: string | Uint8Array } = {},
): Promise<Finished> {
  const { input, ...spawnOptions } = options;
  const child = spawn(program, args, { ...spawnOptions, stdio: ['pipe', 'pipe', 'pipe'] });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on('data', chunk => stdout.push(chunk));
  child.stderr.on('data', chunk => stderr.push(chunk));
  child.stdin.on('error', () => {}).end(input);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status, signal) => {
      resolve({
        status,
        signal,
        stdout: Buffer.concat(stdout).toString('utf8'),
        stderr: Buffer.concat(stderr).toString('utf8'),
      });
    });
  });
}

export const nsgen = (args: readonly string[], options?: Parameters<typeof execute>[2]): Promise<Finished> =>
  execute(process.execPath, [nsgenPath, ...args], options);
