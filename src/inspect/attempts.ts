import { readFileSync, readlinkSync } from 'node:fs';
import { textOf } from '../text.js';

/** What the kernel answers for a thing that the process has not got: proc(5). */
const NOT_THERE: readonly string[] = ['ENOENT', 'EINVAL', 'ESRCH'];

/** Reads what may not be readable, and remembers what was not. */
export class Attempts {
  readonly #unreadable = new Map<string, string>();

  /** @returns null when it is not there, or is not to be read. */
  read<T>(field: string, read: () => T): T | null {
    try {
      return read();
    } catch (error) {
      const code = errnoOf(error);
      if (code === undefined) throw error;
      if (!NOT_THERE.includes(code)) this.#unreadable.set(field, code);
      return null;
    }
  }

  get unreadable(): Readonly<Record<string, string>> {
    return Object.fromEntries(this.#unreadable);
  }
}

/** The name of the errno that a call of node:fs failed with. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('syscall' in error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** A file, with a character for each byte. */
export const bytesIn = (path: string): string => readFileSync(path, 'latin1');

/** A character for each byte, as text. */
export const decoded = (bytes: string): string => textOf(Buffer.from(bytes, 'latin1'));

export const linkAt = (path: string): string => textOf(readlinkSync(path, { encoding: 'buffer' }));

/** The number of a namespace, `mnt:[4026531841]`. */
export function inodeAt(path: string): number | null {
  const [, digits] = /\[(\d+)\]$/.exec(readlinkSync(path)) ?? [];
  return digits === undefined ? null : Number(digits);
}
