import { ReadStream } from 'node:tty';
import { EXIT_STATUS } from '../backends/failure.js';
import { write } from './output.js';

/** A terminal that is drawn over again and again, and is afterwards as it was before. */

const ENTER = '\x1b[?1049h\x1b[?25l\x1b[?7l';
const LEAVE = '\x1b[?7h\x1b[?25h\x1b[?1049l';
const HOME = '\x1b[H';
const REST_OF_LINE = '\x1b[K';
const REST_OF_SCREEN = '\x1b[J';

const SIGNALS = [
  ['SIGHUP', 1],
  ['SIGINT', 2],
  ['SIGQUIT', 3],
  ['SIGTERM', 15],
] as const;

const CTRL_C = '\x03';
const CTRL_Z = '\x1a';

export class Screen {
  readonly #redraw: () => void;
  readonly #quit: (status: number) => void;
  readonly #keys: ReadStream | undefined;
  readonly #cleanUp: (() => void)[] = [];
  #shown = false;

  /**
   * @param redraw the size has changed, or the terminal has shown something else.
   * @param quit somebody wants the end, with an exit status.
   */
  constructor(redraw: () => void, quit: (status: number) => void) {
    this.#redraw = redraw;
    this.#quit = quit;
    // Node follows the size of the terminal from its first use on, and has to know it before `redraw`.
    process.stdout.on('resize', redraw);
    this.#cleanUp.push(() => process.stdout.off('resize', redraw));
    for (const [name, number] of SIGNALS) this.#on(name, () => quit(128 + number));
    this.#on('SIGTSTP', () => this.#suspend());
    this.#on('SIGCONT', () => this.#resume());
    const leave = () => this.leave();
    process.on('exit', leave);
    this.#cleanUp.push(() => process.off('exit', leave));
    this.#keys = process.getBuiltinModule('node:tty').isatty(0) ? new ReadStream(0) : undefined;
    this.#keys?.on('data', key => this.#press(key.toString('latin1')));
    this.#keys?.on('error', () => quit(EXIT_STATUS.ok));
    this.#keys?.on('end', () => quit(EXIT_STATUS.ok));
    this.#enter();
  }

  /** Columns and rows. */
  get size(): { readonly width: number; readonly height: number } {
    // A terminal that nobody has told its size has 0 of both.
    return { width: process.stdout.columns || 80, height: process.stdout.rows || 24 };
  }

  draw(lines: readonly string[]): void {
    if (!this.#shown) return;
    const text = lines.slice(0, this.size.height).map(line => `${line}${REST_OF_LINE}`);
    try {
      write(1, `${HOME}${text.join('\r\n')}${REST_OF_SCREEN}`);
    } catch {
      // The terminal is gone: SIGHUP, if it has not come yet.
      this.#quit(128 + 1);
    }
  }

  /** Afterwards nothing of it is left, and nothing more is drawn. */
  close(): void {
    this.leave();
    for (const undo of this.#cleanUp.splice(0)) undo();
    this.#keys?.destroy();
  }

  leave(): void {
    if (!this.#shown) return;
    this.#shown = false;
    try {
      write(1, LEAVE);
      this.#keys?.setRawMode(false);
    } catch {
      // A terminal that is gone need not be restored.
    }
  }

  #enter(): void {
    if (this.#shown) return;
    this.#shown = true;
    this.#keys?.setRawMode(true);
    write(1, ENTER);
  }

  #on(signal: NodeJS.Signals, handler: () => void): void {
    process.on(signal, handler);
    this.#cleanUp.push(() => process.off(signal, handler));
  }

  #press(keys: string): void {
    for (const key of keys) {
      if (key === 'q' || key === 'Q') this.#quit(EXIT_STATUS.ok);
      else if (key === CTRL_C) this.#quit(128 + 2);
      else if (key === CTRL_Z) this.#suspend();
    }
  }

  #suspend(): void {
    this.leave();
    process.kill(process.pid, 'SIGSTOP');
  }

  #resume(): void {
    this.#enter();
    this.#redraw();
  }
}
