import type { SeenBox } from '../host/cgroup/boxes.js';
import type { Limit } from '../host/cgroup/stats.js';

/** What nsgen top shows of a box: its latest numbers, and what they say beside those before. */
export interface Row {
  readonly name: string;
  readonly launcher: SeenBox['launcher'];
  readonly pid: number | undefined;
  readonly command: readonly string[] | undefined;
  /** Bytes. */
  readonly memory: number | undefined;
  readonly memoryLimit: Limit | undefined;
  /** Percent of one cpu, since the last look. */
  readonly cpu: number | undefined;
  /** Percent of the time in which something of it had to wait for its limit, added up over the cpus. */
  readonly throttled: number | undefined;
  readonly pids: number | undefined;
  readonly pidsLimit: Limit | undefined;
  /** The latest of `cpu`, the last one last. */
  readonly history: readonly number[];
}

/** What is remembered of a box from one look to the next. */
interface Before {
  readonly time: number;
  readonly total: number | undefined;
  readonly throttled: number | undefined;
  readonly history: readonly number[];
}

export const HISTORY = 20;

export class Rows {
  #before: ReadonlyMap<string, Before> = new Map();

  /** @param time of the look, in milliseconds. */
  of(boxes: readonly SeenBox[], time: number): readonly Row[] {
    const now = new Map<string, Before>();
    const rows = boxes.map(box => {
      const { name, launcher, pid, command, stats } = box;
      const before = this.#before.get(name);
      const share = (value: number | undefined, last: number | undefined) =>
        before === undefined || value === undefined || last === undefined || time <= before.time
          ? undefined
          : Math.max(0, (value - last) / (time - before.time) / 10);
      const cpu = share(stats.cpu.total, before?.total);
      const history = [...(before?.history ?? []), ...(cpu === undefined ? [] : [cpu])].slice(-HISTORY);
      now.set(name, { time, total: stats.cpu.total, throttled: stats.throttled.time, history });
      return {
        name,
        launcher,
        pid,
        command,
        memory: stats.memory.current,
        memoryLimit: stats.memory.limit,
        cpu,
        throttled: share(stats.throttled.time, before?.throttled),
        pids: stats.pids.current,
        pidsLimit: stats.pids.limit,
        history,
      };
    });
    this.#before = now;
    return rows;
  }
}
