import type { Stats } from '../host/cgroup/stats.js';
import type { End } from './backend.js';

/** Of a timer. */
const LONGEST = 2 ** 31 - 1;

/**
 * What a box has used, now and after each interval, and at last what it has used in all. Nothing is read while nobody
 * asks for the next.
 *
 * @param sample undefined: there is nothing to be read, not yet or no more.
 * @param interval milliseconds.
 */
export function samples(
  sample: () => Stats | undefined,
  ended: Promise<End>,
  interval: number,
): AsyncIterableIterator<Stats> {
  if (!(interval >= 1 && interval <= LONGEST)) throw new RangeError(`interval: must be 1 to ${LONGEST} milliseconds`);
  let stopped = false;
  let wake = () => {};
  const wait = () =>
    new Promise<void>(resolve => {
      const timer = setTimeout(resolve, interval);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  const generator = generate();
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    next: () => generator.next(),
    // Somebody may be waiting for the next at this moment: a generator by itself would first have the timer run down.
    return() {
      stopped = true;
      wake();
      return generator.return(undefined);
    },
  };

  async function* generate(): AsyncGenerator<Stats, undefined, undefined> {
    let over = false;
    const noteEnd = () => {
      over = true;
      wake();
    };
    ended.then(noteEnd, noteEnd);
    // Of a box that has ended before it was asked about, there is only the end.
    await Promise.resolve();
    while (!over && !stopped) {
      const now = sample();
      if (now !== undefined) yield now;
      if (!over && !stopped) await wait();
    }
    if (stopped) return;
    const { stats } = await ended;
    if (stats !== undefined) yield stats;
  }
}
