import type { ArgsDef, CommandDef } from 'citty';
import { EXIT_STATUS } from '../backends/failure.js';
import type { Box } from '../box/box.js';
import { type GivenFlags, parseArguments } from './arguments.js';
import { boxFromFlags } from './box-from-flags.js';
import { BOX_FLAGS, HELP_FLAG } from './flags.js';
import { writeHelp } from './output.js';

/** A subcommand: what citty prints of it, and what it does with the rest of the command line. */
export interface Subcommand {
  readonly definition: CommandDef;
  /** @returns the exit status. */
  run(argv: readonly string[]): Promise<number>;
}

/** A subcommand that takes a box, and flags of its own besides. */
export function boxCommand(
  name: string,
  description: string,
  ownFlags: ArgsDef,
  act: (box: Box, flags: GivenFlags) => Promise<number>,
): Subcommand {
  const args: ArgsDef = { ...ownFlags, ...BOX_FLAGS, ...HELP_FLAG };
  const definition: CommandDef = { meta: { name: `nsgen ${name}`, description }, args };
  return {
    definition,
    async run(argv) {
      const parsed = parseArguments(argv, args);
      if (parsed.flags.has('help')) {
        const { renderUsage } = await import('citty');
        const usage = await renderUsage(definition);
        writeHelp(1, usage.replace('[OPTIONS] ', '[OPTIONS] [--] COMMAND [ARGUMENT...]'));
        return EXIT_STATUS.ok;
      }
      return act(await boxFromFlags(parsed), parsed.flags);
    },
  };
}
