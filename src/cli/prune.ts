import { basename } from 'node:path';
import type { ArgsDef, CommandDef } from 'citty';
import { EXIT_STATUS } from '../backends/failure.js';
import { BoxError } from '../box/problem.js';
import { type Pruned, prune } from '../host/cgroup/prune.js';
import { pruneBoxes } from '../state/prune.js';
import { visible, visibleJson } from '../text.js';
import { parseArguments } from './arguments.js';
import { DESCRIPTIONS } from './descriptions.js';
import { HELP_FLAG } from './flags.js';
import { write, writeHelp } from './output.js';
import type { Subcommand } from './subcommand.js';

const FLAGS = {
  'dry-run': { type: 'boolean', description: 'say what would be removed, and remove nothing' },
  json: { type: 'boolean', description: 'print JSON' },
  ...HELP_FLAG,
} as const satisfies ArgsDef;

const definition: CommandDef = {
  meta: { name: 'nsgen prune', description: DESCRIPTIONS.prune },
  args: FLAGS,
};

export const pruneCommand: Subcommand = {
  definition,
  async run(argv) {
    const { flags, command } = parseArguments(argv, FLAGS);
    if (flags.has('help')) {
      const { renderUsage } = await import('citty');
      writeHelp(1, (await renderUsage(definition)).trimEnd());
      return EXIT_STATUS.ok;
    }
    if (command.length > 0)
      throw new BoxError(command.map(word => ({ field: '', message: `prune takes no ${JSON.stringify(word)}` })));
    const dryRun = flags.has('dry-run');
    const cgroups = await prune({ dryRun });
    const boxes = await pruneBoxes(dryRun);
    const pruned = {
      removed: [...cgroups.removed, ...boxes.removed],
      inUse: cgroups.inUse.filter(({ directory }) => !boxes.keeps(basename(directory))),
      failed: [...cgroups.failed, ...boxes.failed],
    };
    write(1, flags.has('json') ? `${visibleJson(JSON.stringify(pruned, undefined, 2))}\n` : asText(pruned, dryRun));
    return pruned.failed.length > 0 ? EXIT_STATUS.failed : EXIT_STATUS.ok;
  },
};

function asText({ removed, inUse, failed }: Pruned, dryRun: boolean): string {
  const lines = [
    ...removed.map(directory => `${dryRun ? 'would remove' : 'removed'} ${directory}`),
    ...inUse.map(({ directory, processes }) => `left ${directory}: ${useOf(processes)}`),
    ...failed.map(({ directory, error }) => `cannot remove ${directory}: ${error}`),
  ];
  return lines.map(line => `${visible(line)}\n`).join('');
}

function useOf(processes: number): string {
  if (processes === 0) return 'it is in use, or was made a moment ago';
  return `who made it has ended, but ${processes === 1 ? 'a process is' : `${processes} processes are`} in it`;
}
