import type { ArgsDef, CommandDef } from 'citty';
import { EXIT_STATUS } from '../backends/failure.js';
import { BoxError } from '../box/problem.js';
import { numbersOf } from '../host/process.js';
import { type BoxState, type Damaged, hasEnded, readStates } from '../state/boxes.js';
import { visible, visibleJson } from '../text.js';
import { parseArguments } from './arguments.js';
import { DESCRIPTIONS } from './descriptions.js';
import { HELP_FLAG } from './flags.js';
import { write, writeHelp } from './output.js';
import type { Subcommand } from './subcommand.js';

const FLAGS = {
  all: { type: 'boolean', alias: 'a', description: 'also those that have ended, and what is damaged' },
  json: { type: 'boolean', description: 'print JSON' },
  ...HELP_FLAG,
} as const satisfies ArgsDef;

const definition: CommandDef = {
  meta: { name: 'nsgen ps', description: DESCRIPTIONS.ps },
  args: FLAGS,
};

export const psCommand: Subcommand = {
  definition,
  async run(argv) {
    const { flags, command } = parseArguments(argv, FLAGS);
    if (flags.has('help')) {
      const { renderUsage } = await import('citty');
      writeHelp(1, (await renderUsage(definition)).trimEnd());
      return EXIT_STATUS.ok;
    }
    if (command.length > 0)
      throw new BoxError(command.map(word => ({ field: '', message: `ps takes no ${JSON.stringify(word)}` })));
    const { boxes, damaged } = readStates();
    const all = flags.has('all');
    const shown = boxes.filter(box => all || !hasEnded(box));
    const broken = all ? damaged : [];
    write(1, flags.has('json') ? asJson(shown, broken) : asTable(shown, broken));
    return EXIT_STATUS.ok;
  },
};

function asJson(boxes: readonly BoxState[], damaged: readonly Damaged[]): string {
  const all = [
    ...boxes.map(
      ({ name, directory, created, command, pod, shared, backend, status, process, exitStatus, problem }) => ({
        name,
        status,
        pid: process?.pid,
        pids: process && numbersOf(process.pid),
        created,
        exitStatus,
        command,
        pod,
        share: shared?.share,
        backend,
        directory,
        problem,
      }),
    ),
    ...damaged.map(({ name, directory, problem }) => ({ name, status: 'damaged', directory, problem })),
  ];
  return `${visibleJson(JSON.stringify(all, undefined, 2))}\n`;
}

const HEADINGS = ['NAME', 'PID', 'INSIDE', 'STARTED', 'STATUS', 'COMMAND'] as const;

function asTable(boxes: readonly BoxState[], damaged: readonly Damaged[]): string {
  const now = Date.now();
  const rows = [
    HEADINGS,
    ...boxes.map(box => rowOf(box, now)),
    ...damaged.map(({ name, problem }) => [visible(name), '', '', '', `damaged: ${visible(problem)}`, '']),
  ];
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map(row => (row[column] ?? '').length)));
  return rows
    .map(
      row =>
        `${row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}

function rowOf(box: BoxState, now: number): readonly string[] {
  const { name, process, created, command } = box;
  const inside = process === undefined ? undefined : numbersOf(process.pid).at(-1);
  const ago = `${durationOf(now - Date.parse(created))} ago`;
  return [
    name,
    String(process?.pid ?? ''),
    String(inside ?? ''),
    ago,
    statusOf(box),
    shortened(command.map(word).join(' ')),
  ];
}

function statusOf({ status, exitStatus, problem }: BoxState): string {
  const text = exitStatus === undefined ? status : `${status} (${exitStatus})`;
  return problem === undefined ? text : `${text}: ${problem}`;
}

/** So that one can tell where a word ends. */
const word = (text: string): string => visible(/^[\w./:=@%+,-]+$/.test(text) ? text : JSON.stringify(text));

const WIDEST = 60;
const shortened = (text: string): string => (text.length > WIDEST ? `${text.slice(0, WIDEST - 3)}...` : text);

const UNITS: readonly (readonly [name: string, milliseconds: number])[] = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
];

function durationOf(time: number): string {
  const [unit, length] = UNITS.find(([, length]) => time >= length) ?? ['second', 1000];
  const count = Math.max(0, Math.floor(time / length));
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}
