import type { ArgsDef, CommandDef } from 'citty';
import { EXIT_STATUS } from '../backends/failure.js';
import { BoxError } from '../box/problem.js';
import { makeRootfs } from '../rootfs/make-rootfs.js';
import type { Written } from '../rootfs/write-tree.js';
import { parseArguments } from './arguments.js';
import { DESCRIPTIONS } from './descriptions.js';
import { HELP_FLAG } from './flags.js';
import { write, writeHelp } from './output.js';
import type { Subcommand } from './subcommand.js';

const FLAGS = {
  with: {
    type: 'string',
    valueHint: 'LIST',
    description: 'programs, and absolute paths of other files and directories: ps,bash,/usr/share/zoneinfo/UTC',
  },
  link: { type: 'boolean', description: 'share files with the host (reflinks, or hard links) instead of copying them' },
  ...HELP_FLAG,
} as const satisfies ArgsDef;

const definition: CommandDef = {
  meta: { name: 'nsgen rootfs', description: DESCRIPTIONS.rootfs },
  args: FLAGS,
};

export const rootfsCommand: Subcommand = {
  definition,
  async run(argv) {
    const { directory, flags, rest } = parse(argv);
    if (flags.has('help')) {
      const { renderUsage } = await import('citty');
      writeHelp(1, (await renderUsage(definition)).replace('[OPTIONS]', '[OPTIONS] --with LIST DIR').trimEnd());
      return EXIT_STATUS.ok;
    }
    const programs = flags.all('with').flatMap(list => list.split(','));
    const problems = [
      ...(directory === undefined ? [{ field: '', message: 'which directory? nsgen rootfs DIR --with LIST' }] : []),
      ...rest.map(word => ({ field: '', message: `there is one DIR only: ${JSON.stringify(word)}` })),
      ...(programs.length === 0 ? [{ field: '--with', message: 'must name a program' }] : []),
    ];
    if (directory === undefined || problems.length > 0) throw new BoxError(problems);
    return make(directory, programs, flags.has('link'));
  },
};

/** `nsgen rootfs DIR --with ps` and `nsgen rootfs --with ps DIR`. */
function parse(argv: readonly string[]) {
  const first = parseArguments(argv, FLAGS);
  const [directory, ...others] = first.command;
  if (directory === undefined || first.flags.has('help')) return { directory, flags: first.flags, rest: [] };
  // What comes before the directory is read again with what comes behind it: a flag given twice is seen.
  const before = argv.slice(0, argv.length - first.command.length);
  const second = parseArguments([...before.filter(word => word !== '--'), ...others], FLAGS);
  return { directory, flags: second.flags, rest: second.command };
}

async function make(directory: string, programs: readonly string[], link: boolean): Promise<number> {
  const stop = new AbortController();
  const handlers = SIGNALS.map(([name, number]) => {
    const handler = () => stop.abort(new Interrupted(name, number));
    process.on(name, handler);
    return () => process.off(name, handler);
  });
  const progress = new Progress();
  try {
    const onProgress = (done: number, total: number) => progress.show(done, total);
    const written = await makeRootfs(directory, programs, { link, signal: stop.signal, onProgress });
    progress.clear();
    write(1, summary(directory, written));
    return EXIT_STATUS.ok;
  } catch (error) {
    throw error instanceof BoxError ? inFlags(error) : error;
  } finally {
    progress.clear();
    for (const remove of handlers) remove();
  }
}

const SIGNALS = [
  ['SIGHUP', 1],
  ['SIGINT', 2],
  ['SIGTERM', 15],
] as const;

class Interrupted extends Error {
  readonly exitStatus: number;

  constructor(signal: string, number: number) {
    super(`${signal}: nothing is left of the rootfs`);
    this.exitStatus = 128 + number;
  }
}

/** The fields of makeRootfs by the names that they have on the command line. */
const inFlags = ({ problems }: BoxError): BoxError =>
  new BoxError(problems.map(({ field, message }) => ({ field: field === 'directory' ? 'DIR' : '--with', message })));

function summary(directory: string, { files, bytes, by }: Written): string {
  const ways = [
    ...(by.reflink > 0 ? [`${by.reflink} as reflinks`] : []),
    ...(by['hard link'] > 0
      ? [`${by['hard link']} as hard links: to write to them there is to write to the host's own`]
      : []),
  ];
  const shared = ways.length === 0 ? '' : ` (${ways.join(', ')})`;
  return `${directory}: ${files} files, ${bytes} bytes${shared}\n`;
}

/** Milliseconds. */
const QUIET = 1000;
const BETWEEN = 100;

/** One line on a terminal, once it takes long. */
class Progress {
  readonly #terminal = process.getBuiltinModule('node:tty').isatty(2);
  #next = performance.now() + QUIET;
  #shown = false;

  show(done: number, total: number): void {
    if (!this.#terminal || performance.now() < this.#next) return;
    this.#next = performance.now() + BETWEEN;
    this.#shown = true;
    write(2, `\rnsgen: ${done} of ${total} files`);
  }

  clear(): void {
    if (this.#shown) write(2, '\r\x1b[K');
    this.#shown = false;
  }
}
