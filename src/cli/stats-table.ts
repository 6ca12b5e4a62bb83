import type { End } from '../backends/backend.js';
import { formatSize } from '../box/size.js';
import type { Limit, Stats } from '../host/cgroup/stats.js';

/** What a box has used, for people: a line for each kind. What the host does not count is shown as "-". */
export function statsTable({ stats }: Pick<End, 'stats'>): string {
  if (stats === undefined) return 'nsgen: no statistics: the box has not run to its end\n';
  const rows = rowsOf(stats);
  const width = (column: 0 | 1) => Math.max(...rows.map(row => row[column].length));
  const [names, values] = [width(0), width(1)];
  return rows
    .map(([name, value, more]) => `nsgen: ${name.padEnd(names)}  ${value.padStart(values)}  ${more}`.trimEnd())
    .map(line => `${line}\n`)
    .join('');
}

type Row = readonly [name: string, value: string, more: string];

function rowsOf({ wallTime, memory, oomKills, cpu, throttled, io, pids }: Stats): readonly Row[] {
  return [
    ['wall time', time(wallTime), ''],
    ['cpu time', time(cpu.total), `user ${time(cpu.user)}, system ${time(cpu.system)}`],
    ['throttled', time(throttled.time), `in ${count(throttled.periods)} periods`],
    ['peak memory', size(memory.peak), limitText(memory.limit, formatSize)],
    ['OOM kills', count(oomKills), ''],
    ['peak processes', count(pids.peak), limitText(pids.limit, count)],
    ['read', size(io.readBytes), `in ${count(io.reads)} operations`],
    ['written', size(io.writtenBytes), `in ${count(io.writes)} operations`],
  ];
}

const UNKNOWN = '-';

const count = (value: number | undefined): string => (value === undefined ? UNKNOWN : String(value));

const time = (microseconds: number | undefined): string =>
  microseconds === undefined ? UNKNOWN : `${(microseconds / 1e6).toFixed(3)} s`;

const UNITS = ['', 'K', 'M', 'G', 'T', 'P'];

/** In the largest unit of which there is one at least. */
export function size(bytes: number | undefined): string {
  if (bytes === undefined) return UNKNOWN;
  const power = bytes < 1 ? 0 : Math.min(Math.floor(Math.log2(bytes) / 10), UNITS.length - 1);
  return power === 0 ? String(bytes) : `${(bytes / 1024 ** power).toFixed(1)}${UNITS[power]}`;
}

function limitText(limit: Limit | undefined, text: (value: number) => string): string {
  if (limit === undefined) return `of ${UNKNOWN}`;
  return limit === 'max' ? 'no limit' : `of ${text(limit)}`;
}
