import { stripVTControlCharacters } from 'node:util';

/** Reads what a guest writes to its console: the lines of the command in it, and how the command ended. */

const KEPT = 60;

export class Console {
  private rest = '';
  private readonly last: string[] = [];
  /** The guest has got as far as its command. */
  started = false;
  /** Unknown until the guest has said it. */
  status: number | undefined;

  constructor(private readonly onLine: (line: string) => void) {}

  add(text: string): void {
    const lines = (this.rest + text).split('\n');
    this.rest = lines.pop() ?? '';
    for (const line of lines) this.line(clean(line));
  }

  /** What it said last, for whoever has to find out why it said no more. */
  get tail(): string {
    return [...this.last, clean(this.rest)].slice(-KEPT).join('\n');
  }

  private line(line: string): void {
    this.last.push(line);
    if (this.last.length > KEPT) this.last.shift();
    const [, word, number] = line.match(/^@nsgen-guest (started|status) ?(\d+)?$/) ?? [];
    if (word === 'started') this.started = true;
    else if (word === 'status') this.status = Number(number);
    else if (this.started && this.status === undefined && line !== '' && !isKernels(line)) this.onLine(line);
  }
}

const clean = (line: string): string => stripVTControlCharacters(line).replaceAll('\r', '');

const isKernels = (line: string): boolean => /^\[ *\d+\.\d{6}\] /.test(line);
