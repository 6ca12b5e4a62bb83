import { cpus, loadavg, release } from 'node:os';
import { differences, type Rounds, ratios, summary } from './statistics.js';

/** One line of the report: a contestant, and its ratio to the one it is measured against. */
export interface Row {
  readonly name: string;
  readonly milliseconds: Rounds;
  readonly against?: { readonly name: string; readonly milliseconds: Rounds; readonly target: Target | undefined };
}

/** `at most 1.15 times C`, `at least 4 times faster`, `at most 0.4 ms more`: with the comparison that is meant. */
export interface Target {
  readonly comparison: 'own / other' | 'other / own' | 'own - other';
  readonly bound: number;
}

export const atMost = (bound: number): Target => ({ comparison: 'own / other', bound });
export const timesFaster = (bound: number): Target => ({ comparison: 'other / own', bound });
export const atMostMore = (bound: number): Target => ({ comparison: 'own - other', bound });

export interface Section {
  readonly title: string;
  readonly text: string;
  readonly rows: readonly Row[];
}

const HEADINGS = ['', 'median', 'quartiles', 'n', 'against', 'ratio', 'quartiles', 'target', ''];

export function markdown(sections: readonly Section[], machine: readonly string[], notes: readonly string[]): string {
  const body = sections.map(({ title, text, rows }) => `## ${title}\n\n${text}\n\n${table(rows)}\n`);
  return [
    '# Benchmarks\n',
    'Written by `npm run bench`. A ratio is the median of the ratios of single rounds, in which all contestants took turns; quartiles show the spread. The load average tells how much of the spread is due to others on the machine.\n',
    ...machine.map(line => `- ${line}`),
    '',
    ...body,
    '## For information\n',
    ...notes.map(line => `- ${line}`),
    '',
  ].join('\n');
}

export function machineFacts(nodes: readonly string[]): readonly string[] {
  const all = cpus();
  return [
    `processor: ${all[0]?.model ?? 'unknown'}, ${all.length} cores`,
    `kernel: Linux ${release()}, ${process.arch}`,
    `Node in-process: ${process.version}; as whole processes: ${nodes.join(', ')}`,
    `load average of the last minute, at the end: ${loadavg()[0]?.toFixed(1)}`,
    `date: ${new Date().toISOString().slice(0, 10)}`,
  ];
}

function table(rows: readonly Row[]): string {
  const cells = [HEADINGS, ...rows.map(rowCells)];
  const widths = HEADINGS.map((_, column) => Math.max(...cells.map(row => row[column]?.length ?? 0), 3));
  const lines = cells.map(row => `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`);
  const rule = `| ${widths.map(width => '-'.repeat(width)).join(' | ')} |`;
  return [lines[0], rule, ...lines.slice(1)].join('\n');
}

function rowCells({ name, milliseconds, against }: Row): readonly string[] {
  const own = summary(milliseconds);
  const columns = [
    name,
    `${own.median.toFixed(2)} ms`,
    `${own.low.toFixed(2)}..${own.high.toFixed(2)}`,
    `${own.count}`,
  ];
  if (against === undefined) return [...columns, '', '', '', '', ''];
  const { target } = against;
  const { compare, unit, met, words } = COMPARISONS[target?.comparison ?? 'own / other'];
  const compared = summary(compare(milliseconds, against.milliseconds));
  const number = (value: number) => `${value.toFixed(2)}${unit}`;
  const shown = [against.name, number(compared.median), `${compared.low.toFixed(2)}..${compared.high.toFixed(2)}`];
  if (target === undefined) return [...columns, ...shown, '', ''];
  return [...columns, ...shown, words(target.bound), met(compared.median, target.bound) ? 'met' : '**missed**'];
}

interface Comparing {
  readonly compare: (own: Rounds, other: Rounds) => Rounds;
  readonly unit: string;
  readonly met: (median: number, bound: number) => boolean;
  readonly words: (bound: number) => string;
}

const COMPARISONS: Readonly<Record<Target['comparison'], Comparing>> = {
  'own / other': {
    compare: ratios,
    unit: '',
    met: (median, bound) => median <= bound,
    words: bound => `at most ${bound}`,
  },
  'other / own': {
    compare: (own, other) => ratios(other, own),
    unit: '',
    met: (median, bound) => median >= bound,
    words: bound => `at least ${bound} times faster`,
  },
  'own - other': {
    compare: differences,
    unit: ' ms more',
    met: (median, bound) => median <= bound,
    words: bound => `at most ${bound} ms more`,
  },
};
