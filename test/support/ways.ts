import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { nsgenPath } from './cli.js';
import { Session } from './session.js';

/** The three ways to start a box in the foreground. */
export const WAYS = ['nsgen run', 'nsgen run --backend script', 'bash box.sh'] as const;
export type Way = (typeof WAYS)[number];

/** By what name it says what it does. */
export const nameOf = (way: Way): string => (way === 'nsgen run' ? 'nsgen' : 'box.sh');

let scripts = 0;

/** The words before `-- COMMAND`. @param directory where a script is written. */
export function starter(way: Way, directory: string, flags: readonly string[] = []): readonly string[] {
  if (way === 'nsgen run') return [process.execPath, nsgenPath, 'run', ...flags];
  if (way !== 'bash box.sh') return [process.execPath, nsgenPath, 'run', '--backend', 'script', ...flags];
  const path = join(directory, `box-${scripts++}.sh`);
  writeFileSync(path, execFileSync(process.execPath, [nsgenPath, 'script', ...flags, '--', 'true']));
  return ['bash', path];
}

export function startSession(
  way: Way,
  directory: string,
  flags: readonly string[],
  command: readonly string[],
): Session {
  const [program = '', ...args] = [...starter(way, directory, flags), '--', ...command];
  return new Session(program, args);
}
