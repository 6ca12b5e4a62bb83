import type { ArgsDef, CommandDef } from 'citty';
import { EXIT_STATUS } from '../backends/failure.js';
import { BoxError, type Problem } from '../box/problem.js';
import { seenBoxes } from '../host/cgroup/boxes.js';
import { visibleJson } from '../text.js';
import { type GivenFlags, parseArguments } from './arguments.js';
import { DESCRIPTIONS } from './descriptions.js';
import { HELP_FLAG } from './flags.js';
import { write, writeHelp } from './output.js';
import { Screen } from './screen.js';
import type { Subcommand } from './subcommand.js';
import { type Row, Rows } from './top-rows.js';
import { ASCII, BLOCKS, topTable } from './top-table.js';

const FLAGS = {
  interval: { type: 'string', valueHint: 'SECONDS', description: 'time from one look to the next; 1 unless given' },
  count: { type: 'string', alias: 'n', valueHint: 'N', description: 'end after so many looks' },
  json: { type: 'boolean', description: 'print a line of JSON for each look' },
  ...HELP_FLAG,
} as const satisfies ArgsDef;

const definition: CommandDef = {
  meta: {
    name: 'nsgen top',
    description: DESCRIPTIONS.top,
  },
  args: FLAGS,
};

export const topCommand: Subcommand = {
  definition,
  async run(argv) {
    const { flags, command } = parseArguments(argv, FLAGS);
    if (flags.has('help')) {
      const { renderUsage } = await import('citty');
      writeHelp(1, (await renderUsage(definition)).trimEnd());
      return EXIT_STATUS.ok;
    }
    const problems: Problem[] = command.map(word => ({ field: '', message: `top takes no ${JSON.stringify(word)}` }));
    const interval = intervalOf(flags, problems);
    const count = countOf(flags, problems);
    if (problems.length > 0) throw new BoxError(problems);
    const live = !flags.has('json') && process.getBuiltinModule('node:tty').isatty(1) && process.env.TERM !== 'dumb';
    return live ? show(interval, count) : print(interval, count, flags.has('json') ? jsonOf : plainOf);
  },
};

/** Milliseconds. */
const LEAST = 100;
const MOST = 2 ** 31 - 1;

function intervalOf(flags: GivenFlags, problems: Problem[]): number {
  const text = flags.one('interval') ?? '1';
  const interval = /^\d{1,9}(?:\.\d{1,9})?$/.test(text) ? Math.round(Number(text) * 1000) : Number.NaN;
  if (interval >= LEAST && interval <= MOST) return interval;
  problems.push({ field: '--interval', message: `must be a number of seconds, ${LEAST / 1000} or more` });
  return MOST;
}

function countOf(flags: GivenFlags, problems: Problem[]): number {
  const text = flags.one('count');
  if (text === undefined) return Number.POSITIVE_INFINITY;
  if (!/^[1-9]\d{0,8}$/.test(text)) problems.push({ field: '--count', message: 'must be a whole number from 1' });
  return Number(text);
}

/** Lines for a file, or for a program. The first look counts for nothing yet: there is none before it. */
function print(interval: number, count: number, textOf: (rows: readonly Row[]) => string): Promise<number> {
  const rows = new Rows();
  rows.of(seenBoxes(), performance.now());
  let looks = 0;
  return new Promise(resolve => {
    const timer = setInterval(() => {
      looks += 1;
      const read = write(1, textOf(rows.of(seenBoxes(), performance.now())));
      if (read && looks < count) return;
      clearInterval(timer);
      resolve(EXIT_STATUS.ok);
    }, interval);
  });
}

function jsonOf(rows: readonly Row[]): string {
  const boxes = rows.map(({ history: _, ...row }) => row);
  const text = JSON.stringify({ time: new Date().toISOString(), boxes }, (_, value) => value ?? null);
  return `${visibleJson(text)}\n`;
}

const plainOf = (rows: readonly Row[]): string =>
  `${topTable(rows, { width: Number.POSITIVE_INFINITY, colours: false, steps: '' }).join('\n')}\n\n`;

/** In a terminal, until it is enough. */
function show(interval: number, count: number): Promise<number> {
  const rows = new Rows();
  let latest: readonly Row[] = [];
  let looks = 0;
  return new Promise(resolve => {
    const quit = (status: number) => {
      clearInterval(timer);
      screen.close();
      resolve(status);
    };
    const draw = () => screen.draw(linesOf(latest, screen.size));
    const screen = new Screen(draw, quit);
    const look = () => {
      latest = rows.of(seenBoxes(), performance.now());
      draw();
      looks += 1;
      if (looks > count) quit(EXIT_STATUS.ok);
    };
    const timer = setInterval(look, interval);
    look();
  });
}

const COLOURS = (process.env.NO_COLOR ?? '') === '';
const STEPS = /utf-?8/i.test(process.env.LC_ALL || process.env.LC_CTYPE || process.env.LANG || '') ? BLOCKS : ASCII;

function linesOf(rows: readonly Row[], { width, height }: Screen['size']): readonly string[] {
  const boxes = `${rows.length} ${rows.length === 1 ? 'box' : 'boxes'}`;
  const head = `nsgen top: ${boxes} with cgroups, ${new Date().toTimeString().slice(0, 8)}; q ends`.slice(0, width);
  const [title = '', ...lines] = topTable(rows, { width, colours: COLOURS, steps: STEPS });
  const room = height - 2;
  if (lines.length <= room) return [head, title, ...lines];
  return [head, title, ...lines.slice(0, room - 1), `... ${lines.length - room + 1} more`.slice(0, width)];
}
