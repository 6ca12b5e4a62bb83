import { formatSize } from '../box/size.js';
import type { Limit } from '../host/cgroup/stats.js';
import { visible } from '../text.js';
import { size } from './stats-table.js';
import { HISTORY, type Row } from './top-rows.js';

/** The table of nsgen top, for a terminal or for a file. */
export interface Look {
  readonly width: number;
  readonly colours: boolean;
  /** What the sparkline is drawn with, from nothing to much; empty: there is none. */
  readonly steps: string;
}

export const BLOCKS = '▁▂▃▄▅▆▇█';
export const ASCII = '_.-=+*#@';

interface Column {
  readonly title: string;
  readonly left?: true;
  text(row: Row, look: Look): string;
  /** Percent of what there may be. */
  alarm?(row: Row): number;
}

const UNKNOWN = '-';

const COLUMNS: readonly Column[] = [
  { title: 'LAUNCHER', left: true, text: ({ launcher }) => launcherText(launcher) },
  { title: 'PID', text: ({ pid }) => (pid === undefined ? UNKNOWN : String(pid)) },
  {
    title: 'MEMORY',
    text: ({ memory, memoryLimit }) => withLimit(size(memory), memoryLimit, formatSize),
    alarm: ({ memory, memoryLimit }) => shareOf(memory, memoryLimit),
  },
  { title: 'CPU%', text: ({ cpu }) => cpu?.toFixed(1) ?? UNKNOWN },
  { title: 'CPU', left: true, text: ({ history }, { steps }) => sparkline(history, steps) },
  {
    title: 'PIDS',
    text: ({ pids, pidsLimit }) => withLimit(pids === undefined ? UNKNOWN : String(pids), pidsLimit, String),
    alarm: ({ pids, pidsLimit }) => shareOf(pids, pidsLimit),
  },
  {
    title: 'THROTTLED%',
    text: ({ throttled }) => throttled?.toFixed(1) ?? UNKNOWN,
    alarm: ({ throttled = 0 }) => (throttled > 0 ? NOTABLE : 0),
  },
  { title: 'COMMAND', left: true, text: ({ command }) => command?.map(visible).join(' ') ?? UNKNOWN },
];

const NOTABLE = 75;
const CRITICAL = 90;

/** @returns its lines, the first with the titles. A line is cut where the terminal ends. */
export function topTable(rows: readonly Row[], look: Look): readonly string[] {
  const columns = COLUMNS.filter(({ title }) => title !== 'CPU' || look.steps !== '');
  const cells = rows.map(row => columns.map(column => column.text(row, look)));
  const widths = columns.map(({ title }, index) =>
    Math.max(title.length, ...cells.map(line => [...(line[index] ?? '')].length)),
  );
  const aligned = (text: string, index: number) => {
    const blanks = ' '.repeat(Math.max(0, (widths[index] ?? 0) - [...text].length));
    if (index === columns.length - 1) return text;
    return columns[index]?.left ? `${text}${blanks}` : `${blanks}${text}`;
  };
  const title = cut(columns.map((column, index) => aligned(column.title, index)).join('  '), look.width);
  return [
    look.colours ? `\x1b[7m${title.padEnd(Math.min(look.width, MOST))}\x1b[0m` : title,
    ...rows.map((row, line) => {
      let room = look.width;
      return columns
        .map((column, index) => {
          const text = cut(`${index === 0 ? '' : '  '}${aligned(cells[line]?.[index] ?? '', index)}`, room);
          room -= [...text].length;
          return coloured(text, look.colours ? (column.alarm?.(row) ?? 0) : 0);
        })
        .join('')
        .trimEnd();
    }),
  ];
}

/** Of a line in a file: none. */
const MOST = 1000;

const cut = (text: string, width: number): string =>
  text.length <= width ? text : [...text].slice(0, Math.max(0, width)).join('');

function coloured(text: string, alarm: number): string {
  if (alarm >= CRITICAL) return `\x1b[31m${text}\x1b[0m`;
  return alarm >= NOTABLE ? `\x1b[33m${text}\x1b[0m` : text;
}

function launcherText(launcher: Row['launcher']): string {
  if (launcher === undefined) return UNKNOWN;
  return `${launcher.pid} ${launcher.program === undefined ? UNKNOWN : visible(launcher.program)}`;
}

function withLimit(value: string, limit: Limit | undefined, text: (limit: number) => string): string {
  return limit === undefined || limit === 'max' ? value : `${value}/${text(limit)}`;
}

const shareOf = (value: number | undefined, limit: Limit | undefined): number =>
  value === undefined || typeof limit !== 'number' || limit === 0 ? 0 : (value / limit) * 100;

/** The top is one whole cpu, or the most that there was. */
function sparkline(history: readonly number[], steps: string): string {
  const most = Math.max(100, ...history);
  const levels = [...steps];
  const points = history.map(value => levels[Math.min(levels.length - 1, Math.floor((value / most) * levels.length))]);
  return points.join('').padStart(HISTORY);
}
