import { start } from '../../src/index.js';

/** Many boxes at once, from one process. */
export interface Crowd {
  readonly boxes: number;
  readonly startMilliseconds: number;
  readonly residentMegabytes: number;
  readonly endMilliseconds: number;
}

/** Boxes with new pid, mount, uts and ipc namespaces, all alive before the first is ended. */
export async function crowd(boxes: number): Promise<Crowd> {
  const begin = performance.now();
  const running = await Promise.all(
    Array.from({ length: boxes }, () =>
      start({ command: ['/bin/sleep', '600'], namespaces: { net: 'shared', cgroup: 'shared' } }),
    ),
  );
  const started = performance.now();
  const resident = process.memoryUsage().rss;
  const alive = running.filter(box => box.kill('SIGKILL')).length;
  const ends = await Promise.all(running.map(({ ended }) => ended));
  if (alive !== boxes || ends.some(({ signal }) => signal !== 'SIGKILL')) throw new Error('some box was not alive');
  return {
    boxes,
    startMilliseconds: started - begin,
    residentMegabytes: resident / 1e6,
    endMilliseconds: performance.now() - started,
  };
}
