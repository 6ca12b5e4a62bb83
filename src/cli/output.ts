import { writeSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';
import { EXIT_STATUS, exitStatusIn } from '../backends/failure.js';
import { visible } from '../text.js';

/**
 * Writes to a descriptor without touching process.stdout or process.stderr: their first use would make the open file
 * non-blocking, for the box too.
 *
 * @returns false when nobody reads it any more.
 */
export function write(descriptor: 1 | 2, content: string | Uint8Array): boolean {
  let rest: Uint8Array = typeof content === 'string' ? Buffer.from(content) : content;
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(descriptor, rest));
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      // A reader that has gone has seen enough; one that is slow gets the rest as soon as it reads.
      if (code === 'EPIPE') return false;
      if (code !== 'EAGAIN') throw error;
    }
  }
  return true;
}

/** citty colours its help whatever it is written to. Only here is node:tty needed, and all of node:net with it. */
export function writeHelp(descriptor: 1 | 2, text: string): void {
  const { isatty } = process.getBuiltinModule('node:tty');
  write(descriptor, `${isatty(descriptor) ? text : stripVTControlCharacters(text)}\n`);
}

/**
 * Prints what went wrong, a line for each problem: a path may hold what moves the cursor of whoever reads it.
 *
 * @param what has failed, where the error does not say it.
 * @returns the exit status for it.
 */
export function report(error: unknown, what?: string): number {
  const lines = error instanceof Error ? error.message.split('\n') : [String(error)];
  const before = what === undefined ? 'nsgen: ' : `nsgen: ${what}: `;
  for (const line of lines) write(2, `${before}${visible(line)}\n`);
  return exitStatusIn(error) ?? EXIT_STATUS.failed;
}
