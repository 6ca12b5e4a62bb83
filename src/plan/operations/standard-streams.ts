import { F_DUPFD_CLOEXEC, F_SETFD, FIONBIO } from '../../linux/constants.js';
import { bytes, integer, type Result, resultOf, type SystemCall, symbol } from '../../linux/system-call.js';
import type { OperationKind } from '../operation.js';
import { TERMINAL } from './open-terminal.js';

/** Passes stdin, stdout and stderr through as they are, or makes a terminal all three. */
export interface StandardStreams {
  readonly kind: 'standard-streams';
  /** What open-terminal or add-terminal has made. */
  readonly terminal: boolean;
}

const FIRST_FREE_DESCRIPTOR = 3;

export const standardStreams: OperationKind<StandardStreams> = {
  describe: ({ terminal }) =>
    terminal ? 'make the terminal stdin, stdout and stderr' : 'pass stdin, stdout and stderr through',

  systemCalls({ terminal }, { streams }) {
    if (terminal) return [0, 1, 2].map(makeTerminal);
    const inPlace = streams.every((descriptor, target) => descriptor === target);
    const targets = [0, 1, 2];
    return [...(inPlace ? targets.map(keepOpen) : moveInPlace(streams)), ...targets.map(makeBlocking)];
  },
};

const makeTerminal = (target: number): SystemCall => ({
  name: 'dup3',
  arguments: [resultOf(TERMINAL), integer(target), integer(0)],
});

/** First out of the way, then into place: the new 1 may be the old 2. */
function moveInPlace(streams: readonly number[]): readonly SystemCall[] {
  const copies = streams.map(descriptor => ({ descriptor, result: { of: `copy of ${descriptor}` } satisfies Result }));
  return [
    ...copies.map(
      ({ descriptor, result }): SystemCall => ({
        name: 'fcntl',
        arguments: [integer(descriptor), symbol('F_DUPFD_CLOEXEC', F_DUPFD_CLOEXEC), integer(FIRST_FREE_DESCRIPTOR)],
        result,
      }),
    ),
    ...copies.map(
      ({ result }, target): SystemCall => ({
        name: 'dup3',
        arguments: [resultOf(result), integer(target), integer(0)],
      }),
    ),
  ];
}

/** Node marks its own 0, 1 and 2 close-on-exec. */
function keepOpen(descriptor: number): SystemCall {
  return { name: 'fcntl', arguments: [integer(descriptor), symbol('F_SETFD', F_SETFD), integer(0)] };
}

/** Node makes what it reads or writes as a stream non-blocking, for everyone who has the same open file: fcntl(2). */
function makeBlocking(descriptor: number): SystemCall {
  const off = bytes(Buffer.alloc(4), '[0]');
  return { name: 'ioctl', arguments: [integer(descriptor), symbol('FIONBIO', FIONBIO), off] };
}
