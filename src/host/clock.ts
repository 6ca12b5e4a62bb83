/**
 * Milliseconds on a clock that is never set. Not performance.now(): its first use loads ten modules of Node, which takes
 * a quarter of the time that `nsgen run` takes beside Node's own start.
 */
export function milliseconds(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}

/** Resolves after so many milliseconds. node:timers/promises would have to be loaded, by those too who never wait. */
export const pause = (time: number): Promise<void> =>
  new Promise(resolve => {
    setTimeout(resolve, time);
  });
