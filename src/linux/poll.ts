import { POLLIN, SIGNAL_SET_SIZE } from './constants.js';
import { bytes, integer, NULL, type SystemCall, words } from './system-call.js';

/**
 * Waits until something can be read from a descriptor, or a pidfd's process has ended, at most so many milliseconds (below a
 * second). The result is 1, or 0 when that did not happen: ppoll(2).
 *
 * @param of whose descriptor it is, for a plan.
 */
export function pollIn(descriptor: number, of: string, milliseconds = 0): SystemCall {
  const question = Buffer.alloc(8);
  question.writeInt32LE(descriptor, 0);
  question.writeInt16LE(POLLIN, 4);
  const nanoseconds = milliseconds * 1_000_000;
  return {
    name: 'ppoll',
    arguments: [
      bytes(question, `[{fd=<${of}>, events=POLLIN}]`),
      integer(1),
      bytes(words(0, nanoseconds), `{tv_sec=0, tv_nsec=${nanoseconds}}`),
      NULL,
      integer(SIGNAL_SET_SIZE),
    ],
  };
}
