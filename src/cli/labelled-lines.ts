import { write } from './output.js';

const NEWLINE = 0x0a;
/** Bytes of a line that are kept until its end comes. A longer one is written as it comes, whatever is between. */
const LONGEST_LINE = 64 * 1024;

/** What stands before the lines of each of several, by name: all as wide as the longest. */
export function labelsFor(names: readonly string[]): readonly Buffer[] {
  const longest = Math.max(0, ...names.map(name => name.length));
  return names.map(name => Buffer.from(`${name.padEnd(longest)} | `));
}

/** Writes what comes by whole lines with a label before each, so that those of two do not run into each other. */
export class LabelledLines {
  readonly #label: Buffer;
  readonly #to: 1 | 2;
  #rest: Buffer = Buffer.alloc(0);
  /** Whether a line has had its beginning, and the label, already. */
  #begun = false;

  constructor(label: Buffer, to: 1 | 2) {
    this.#label = label;
    this.#to = to;
  }

  /** @returns false when nobody reads any more. */
  add(chunk: Buffer): boolean {
    const text: Buffer = Buffer.concat([this.#rest, chunk]);
    const end = text.length > LONGEST_LINE ? text.length : text.lastIndexOf(NEWLINE) + 1;
    this.#rest = text.subarray(end);
    if (end === 0) return true;
    const written = write(this.#to, this.#labelled(text.subarray(0, end)));
    this.#begun = text[end - 1] !== NEWLINE;
    return written;
  }

  /** The last line as it is. */
  end(): void {
    if (this.#rest.length > 0) write(this.#to, this.#labelled(this.#rest));
    this.#rest = Buffer.alloc(0);
  }

  #labelled(lines: Buffer): Buffer {
    const parts: Buffer[] = [];
    for (let start = 0; start < lines.length; ) {
      const newline = lines.indexOf(NEWLINE, start);
      const end = newline < 0 ? lines.length : newline + 1;
      if (start > 0 || !this.#begun) parts.push(this.#label);
      parts.push(lines.subarray(start, end));
      start = end;
    }
    return Buffer.concat(parts);
  }
}
