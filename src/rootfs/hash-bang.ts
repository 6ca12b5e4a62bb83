import { closeSync, constants, openSync, readSync } from 'node:fs';

/** BINPRM_BUF_SIZE of the kernel: it looks no further. */
const LONGEST_LINE = 256;

/** The programs that the `#!` line of a script asks for: execve(2), "Interpreter scripts". */
export interface Interpreters {
  /** What the kernel executes. */
  readonly path: string;
  /** What env(1) then looks up in PATH, where the line is `#!/usr/bin/env NAME`. */
  readonly name: string | undefined;
}

/** @returns undefined for a file that does not begin with `#!`. */
export function interpretersOf(file: string): Interpreters | undefined {
  const descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const bytes = Buffer.alloc(LONGEST_LINE);
    return parseHashBang(bytes.subarray(0, readSync(descriptor, bytes, 0, LONGEST_LINE, 0)));
  } finally {
    closeSync(descriptor);
  }
}

export function parseHashBang(beginning: Buffer): Interpreters | undefined {
  const [line = ''] = beginning.toString('utf8').split(/[\n\0]/);
  if (!line.startsWith('#!')) return undefined;
  const [path = '', ...words] = line
    .slice(2)
    .split(/[ \t]+/)
    .filter(word => word !== '');
  if (path === '') return undefined;
  return { path, name: path.endsWith('/env') ? envProgram(words) : undefined };
}

/** `env -S NAME=VALUE program argument`: the first word that is neither an option nor a variable. */
const envProgram = (words: readonly string[]): string | undefined =>
  words.map(word => word.replace(/^-S/, '')).find(word => word !== '' && !word.startsWith('-') && !word.includes('='));
