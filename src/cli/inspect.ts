import { writeFileSync } from 'node:fs';
import type { ArgsDef, CommandDef } from 'citty';
import { EXIT_STATUS } from '../backends/failure.js';
import { BoxError, type Problem } from '../box/problem.js';
import { inspect } from '../inspect/index.js';
import { InspectError } from '../inspect/inspect.js';
import { ASCII, LINES } from '../inspect/picture.js';
import { summary } from '../inspect/summary.js';
import { svg } from '../inspect/svg.js';
import { describeErrno } from '../linux/errno.js';
import { visibleJson } from '../text.js';
import { type GivenFlags, parseArguments } from './arguments.js';
import { DESCRIPTIONS } from './descriptions.js';
import { HELP_FLAG } from './flags.js';
import { write, writeHelp } from './output.js';
import type { Subcommand } from './subcommand.js';

const FLAGS = {
  all: { type: 'boolean', description: 'show every process in the tree, not only those that have to do with it' },
  json: { type: 'boolean', description: 'print JSON' },
  svg: { type: 'string', valueHint: 'FILE', description: 'draw a figure into FILE; - is stdout' },
  ...HELP_FLAG,
} as const satisfies ArgsDef;

const definition: CommandDef = {
  meta: { name: 'nsgen inspect', description: DESCRIPTIONS.inspect },
  args: FLAGS,
};

export const inspectCommand: Subcommand = {
  definition,
  async run(argv) {
    const { flags, words } = parse(argv);
    if (flags.has('help')) {
      const { renderUsage } = await import('citty');
      writeHelp(1, (await renderUsage(definition)).replace('[OPTIONS]', '[OPTIONS] NAME|PID').trimEnd());
      return EXIT_STATUS.ok;
    }
    const [target = '', ...more] = words;
    const problems = problemsOf(flags, target, more);
    if (problems.length > 0) throw new BoxError(problems);
    const inspection = inspect(target, { everybody: flags.has('all') });
    const file = flags.one('svg');
    if (file === '-') write(1, svg(inspection));
    else if (file !== undefined) save(file, svg(inspection));
    if (flags.has('json')) write(1, `${visibleJson(JSON.stringify(inspection, undefined, 2))}\n`);
    else if (file === undefined) write(1, summary(inspection, STROKES));
    return EXIT_STATUS.ok;
  },
};

function save(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (error) {
    const errno = error instanceof Error && 'errno' in error && typeof error.errno === 'number' ? -error.errno : 0;
    throw new InspectError(`write ${file}: ${describeErrno(errno)}`);
  }
}

/** `nsgen inspect web --json` and `nsgen inspect --json web`. */
function parse(argv: readonly string[]) {
  const { flags, command } = parseArguments(argv, FLAGS);
  const [target, ...behind] = command;
  if (target === undefined || flags.has('help')) return { flags, words: command };
  // What comes before the target is read again with what comes behind it: a flag given twice is seen.
  const before = argv.slice(0, argv.length - command.length).filter(word => word !== '--');
  const again = parseArguments([...before, ...behind], FLAGS);
  return { flags: again.flags, words: [target, ...again.command] };
}

function problemsOf(flags: GivenFlags, target: string, more: readonly string[]): readonly Problem[] {
  return [
    ...(target === '' ? [{ field: '', message: 'which process? The name of a box, or a pid' }] : []),
    ...more.map(word => ({ field: '', message: `inspect takes one name or pid, and no ${JSON.stringify(word)}` })),
    ...(flags.one('svg') === '' ? [{ field: '--svg', message: 'needs the name of a file' }] : []),
    ...(flags.one('svg') === '-' && flags.has('json') ? [{ field: '--svg', message: 'both cannot be on stdout' }] : []),
  ];
}

const STROKES = /utf-?8/i.test(process.env.LC_ALL || process.env.LC_CTYPE || process.env.LANG || '') ? LINES : ASCII;
