import type { ArgsDef, CommandDef } from 'citty';
import { EXIT_STATUS } from '../backends/failure.js';
import { BoxError } from '../box/problem.js';
import { type GivenFlags, parseArguments } from './arguments.js';
import { HELP_FLAG } from './flags.js';
import { report, writeHelp } from './output.js';
import type { Subcommand } from './subcommand.js';

/**
 * A subcommand for boxes that have names: done for each, in parallel, whatever comes of the others.
 *
 * @param prepare is given the flags before anything is done; what it returns does it.
 */
export function namedBoxesCommand(
  name: string,
  description: string,
  ownFlags: ArgsDef,
  prepare: (flags: GivenFlags) => (box: string) => Promise<void>,
  most = Number.POSITIVE_INFINITY,
): Subcommand {
  const args: ArgsDef = { ...ownFlags, ...HELP_FLAG };
  const definition: CommandDef = { meta: { name: `nsgen ${name}`, description }, args };
  const words = most === 1 ? 'NAME' : 'NAME...';
  return {
    definition,
    async run(argv) {
      const { flags, command } = parseArguments(argv, args);
      if (flags.has('help')) {
        const { renderUsage } = await import('citty');
        writeHelp(1, (await renderUsage(definition)).replace('[OPTIONS]', `[OPTIONS] ${words}`).trimEnd());
        return EXIT_STATUS.ok;
      }
      const act = prepare(flags);
      if (command.length === 0 || command.length > most)
        throw new BoxError([
          { field: '', message: `${name} needs ${most === 1 ? 'the name of one box' : 'names of boxes'}` },
        ]);
      const outcomes = await Promise.allSettled([...new Set(command)].map(box => act(box)));
      const failed = outcomes.flatMap(outcome => (outcome.status === 'rejected' ? [report(outcome.reason)] : []));
      return failed[0] ?? EXIT_STATUS.ok;
    },
  };
}
