import type { Readings } from './readings.js';

/**
 * What the kernel has counted for a box, from its start on. Bytes; times are microseconds. What this host does not
 * count is undefined.
 */
export interface Stats {
  /** Since the start of the box, as nsgen sees it. */
  readonly wallTime: number | undefined;
  readonly memory: {
    readonly current: number | undefined;
    /** The most that there was at one time. */
    readonly peak: number | undefined;
    readonly limit: Limit | undefined;
  };
  /** How often the kernel has killed a process in the box because memory was out. */
  readonly oomKills: number | undefined;
  readonly cpu: {
    readonly user: number | undefined;
    readonly system: number | undefined;
    readonly total: number | undefined;
  };
  /** By the limit of cpu time: in how many periods it was reached, and for how long something had to wait. */
  readonly throttled: { readonly periods: number | undefined; readonly time: number | undefined };
  /** Of all block devices together. */
  readonly io: {
    readonly readBytes: number | undefined;
    readonly writtenBytes: number | undefined;
    readonly reads: number | undefined;
    readonly writes: number | undefined;
  };
  /** Processes and threads. */
  readonly pids: {
    readonly current: number | undefined;
    readonly peak: number | undefined;
    readonly limit: Limit | undefined;
  };
}

/** max: there is none, as the files of version 2 say it. */
export type Limit = number | 'max';

/** What readings come to. Of both versions, whichever the box had for each controller. */
export function parseStats(readings: Readings, wallTime: number | undefined): Stats {
  const number = (file: string) => numberOf(readings.get(file)?.trim());
  const key = (file: string, name: string) => numberOf(keysOf(readings.get(file)).get(name));
  return {
    wallTime,
    memory: {
      current: number('memory.current') ?? number('memory.usage_in_bytes'),
      peak: number('memory.peak') ?? number('memory.max_usage_in_bytes'),
      limit: limitOf(readings.get('memory.max') ?? readings.get('memory.limit_in_bytes')),
    },
    oomKills: key('memory.events', 'oom_kill') ?? key('memory.oom_control', 'oom_kill'),
    cpu: cpuOf(readings),
    throttled: {
      periods: key('cpu.stat', 'nr_throttled'),
      time: key('cpu.stat', 'throttled_usec') ?? microseconds(key('cpu.stat', 'throttled_time')),
    },
    io: ioOf(readings),
    pids: { current: number('pids.current'), peak: number('pids.peak'), limit: limitOf(readings.get('pids.max')) },
  };
}

/**
 * Whether the limit of memory was reached and the kernel has killed somebody for it. Where no limit of the box was
 * reached, it was the host that had no more.
 */
export function killedForMemory(readings: Readings): boolean {
  const events = keysOf(readings.get('memory.events'));
  const control = keysOf(readings.get('memory.oom_control'));
  const killed = numberOf(events.get('oom_kill') ?? control.get('oom_kill')) ?? 0;
  // Where memory and swap have one limit together, it is the second of the files that counts. Linux 6.18 counts in neither
  // then; the most that there was is the limit all the same.
  const reached = [events.get('max'), readings.get('memory.failcnt'), readings.get('memory.memsw.failcnt')];
  const counted = reached.some(count => (numberOf(count?.trim()) ?? 0) > 0);
  return killed > 0 && (counted || wasFull(readings));
}

/** Version 1, where a peak can be read as exactly as a limit. */
function wasFull(readings: Readings): boolean {
  const [peak, limit] = ['memory.max_usage_in_bytes', 'memory.limit_in_bytes'].map(file =>
    numberOf(readings.get(file)?.trim()),
  );
  return peak !== undefined && limit !== undefined && peak >= limit;
}

function cpuOf(readings: Readings): Stats['cpu'] {
  const stat = keysOf(readings.get('cpu.stat'));
  if (stat.has('usage_usec'))
    return {
      user: numberOf(stat.get('user_usec')),
      system: numberOf(stat.get('system_usec')),
      total: numberOf(stat.get('usage_usec')),
    };
  const [total, user, system] = ['', '_user', '_sys'].map(suffix =>
    numberOf(readings.get(`cpuacct.usage${suffix}`)?.trim()),
  );
  if (total === undefined || user === undefined || system === undefined)
    return { user: undefined, system: undefined, total: microseconds(total) };
  // Version 1 measures the total, and counts the ticks of the clock that meet either. Version 2 shares the total out by
  // them, so that the sum is right, and takes what no tick has met for user time: cputime_adjust() of the kernel.
  const share = system === 0 ? 0 : system / (user + system);
  const systemTime = Math.floor((total * share) / 1000);
  const all = Math.floor(total / 1000);
  return { user: all - systemTime, system: systemTime, total: all };
}

function ioOf(readings: Readings): Stats['io'] {
  const unified = readings.get('io.stat');
  if (unified !== undefined) {
    const sum = (name: string) => sumOf(unified, new RegExp(`(?<= )${name}=(\\d+)(?!\\S)`, 'g'));
    return { readBytes: sum('rbytes'), writtenBytes: sum('wbytes'), reads: sum('rios'), writes: sum('wios') };
  }
  const sum = (file: string, name: string) => {
    const content = readings.get(`blkio.throttle.${file}_recursive`);
    return content === undefined ? undefined : sumOf(content, new RegExp(`^\\d+:\\d+ ${name} (\\d+)$`, 'gm'));
  };
  return {
    readBytes: sum('io_service_bytes', 'Read'),
    writtenBytes: sum('io_service_bytes', 'Write'),
    reads: sum('io_serviced', 'Read'),
    writes: sum('io_serviced', 'Write'),
  };
}

/** Over all devices; one that has done nothing has no line, or, on some kernels, the beginning of one. */
function sumOf(content: string, pattern: RegExp): number | undefined {
  if (!/^(?:(?:\d+:\d+ .*|Total \d+)\n)*$/.test(content)) return undefined;
  return [...content.matchAll(pattern)].reduce((sum, [, value]) => sum + Number(value), 0);
}

/** The lines `key value` of a file. */
const keysOf = (content = ''): ReadonlyMap<string, string> =>
  new Map([...content.matchAll(/^(\w+) (\S+)$/gm)].map(([, key = '', value = '']) => [key, value]));

const numberOf = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;

const microseconds = (nanoseconds: number | undefined): number | undefined =>
  nanoseconds === undefined ? undefined : Math.floor(nanoseconds / 1000);

/** Version 1 says "no limit" with the largest number of pages, in bytes: 2^63 less a page. */
function limitOf(content: string | undefined): Limit | undefined {
  const text = content?.trim();
  if (text === 'max') return 'max';
  const value = numberOf(text);
  return value !== undefined && value > Number.MAX_SAFE_INTEGER ? 'max' : value;
}
