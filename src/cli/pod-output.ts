import type { Readable } from 'node:stream';
import type { NamedBox } from '../pod/start.js';
import { LabelledLines, labelsFor } from './labelled-lines.js';

/** What the boxes of a pod write: each line with the name of its box before it. */
export class PodOutput {
  readonly #copies: readonly Copy[];

  constructor(boxes: readonly NamedBox[]) {
    const labels = labelsFor(boxes.map(({ name }) => name));
    this.#copies = boxes.flatMap(({ running: { stdout, stderr } }, index) => {
      const label = labels[index] ?? Buffer.alloc(0);
      return [
        ...(stdout === undefined ? [] : [new Copy(stdout, new LabelledLines(label, 1))]),
        ...(stderr === undefined ? [] : [new Copy(stderr, new LabelledLines(label, 2))]),
      ];
    });
  }

  /**
   * The boxes have ended: copies what is left in their pipes. Somebody outside may have these open still, and is not waited
   * for.
   *
   * @throws Error when something could not be written.
   */
  async finish(): Promise<void> {
    let before: number;
    do {
      before = this.#received;
      await turn();
      await turn();
    } while (before !== this.#received);
    for (const copy of this.#copies) copy.end();
    for (const { failure } of this.#copies) if (failure !== undefined) throw failure;
  }

  get #received(): number {
    return this.#copies.reduce((sum, { received }) => sum + received, 0);
  }
}

/** After it, all pipes have been looked at that had something in them before: libuv polls once in a turn. */
const turn = (): Promise<void> =>
  new Promise(resolve => {
    setImmediate(resolve);
  });

class Copy {
  readonly #from: Readable;
  readonly #lines: LabelledLines;
  /** Chunks so far. */
  received = 0;
  failure: unknown;

  constructor(from: Readable, lines: LabelledLines) {
    this.#from = from;
    this.#lines = lines;
    from.on('data', (chunk: Buffer) => {
      this.received += 1;
      this.#write(() => lines.add(chunk));
    });
    from.on('end', () => this.end());
    from.on('error', error => {
      this.failure ??= error;
    });
  }

  /** The last line as it is. */
  end(): void {
    if (this.#from.destroyed && !this.#from.readableEnded) return;
    this.#write(() => {
      this.#lines.end();
      return true;
    });
    this.#from.destroy();
  }

  /** When nobody reads any more, or nothing can be written, the box has a closed pipe too. */
  #write(act: () => boolean): void {
    try {
      if (!act()) this.#from.destroy();
    } catch (error) {
      this.failure ??= error;
      this.#from.destroy();
    }
  }
}
