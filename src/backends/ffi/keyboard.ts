import { closeSync, write } from 'node:fs';
import { Writable } from 'node:stream';

const NEWLINE = 10;

/** VEOF of a new terminal, Ctrl-D. */
const END = 4;

/** Milliseconds until a terminal whose reader is slow is tried again. */
const RETRY = 5;

/**
 * A stream of what is typed at a terminal. Its end is Ctrl-D, as from script(1): a line that is not ended needs it twice.
 *
 * Not a stream of node:tty: libuv writes to the other side of a terminal until all is written, and reads nothing meanwhile.
 *
 * @param descriptor does not block, and is closed by the stream.
 */
export function keyboardOf(descriptor: number): Writable {
  let last: number | undefined = NEWLINE;
  let writing = false;
  let destroyed = false;
  const type = (chunk: Uint8Array, done: () => void): void => {
    if (destroyed || chunk.length === 0) {
      writing = false;
      if (destroyed) closeSync(descriptor);
      done();
      return;
    }
    writing = true;
    write(descriptor, chunk, (error, written) => {
      if (error === null) type(chunk.subarray(written), done);
      else if (error.code === 'EAGAIN') setTimeout(type, RETRY, chunk, done);
      // Nobody reads there any more.
      else type(new Uint8Array(), done);
    });
  };
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      last = chunk.at(-1) ?? last;
      type(chunk, done);
    },
    final(done) {
      type(Buffer.from(last === NEWLINE ? [END] : [END, END]), done);
    },
    destroy(error, done) {
      destroyed = true;
      if (!writing) closeSync(descriptor);
      done(error);
    },
  });
}
