import type { ArgsDef, CommandDef } from 'citty';
import { EXIT_STATUS } from '../backends/failure.js';
import type { Box } from '../box/box.js';
import { BoxError } from '../box/problem.js';
import { isPodInput, readBoxFile } from '../box/read.js';
import { type GivenFlags, type ParsedArguments, parseArguments } from './arguments.js';
import { boxFromFlags } from './box-from-flags.js';
import { BOX_FLAGS, HELP_FLAG } from './flags.js';
import { writeHelp } from './output.js';

/** A subcommand: what citty prints of it, and what it does with the rest of the command line. */
export interface Subcommand {
  readonly definition: CommandDef;
  /** @returns the exit status. */
  run(argv: readonly string[]): Promise<number>;
}

/** A pod as the file has it, and what else the command line says. */
type ActOnPod = (pod: unknown, parsed: ParsedArguments) => Promise<number>;

/** A subcommand that takes a box, or also a pod, and flags of its own besides. */
export function boxCommand(
  name: string,
  description: string,
  ownFlags: ArgsDef,
  act: (box: Box, flags: GivenFlags) => Promise<number>,
  actOnPod: ActOnPod = refusePod,
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
      // Which of a file and a bundle is meant, nobody knows: neither is read.
      const file = parsed.flags.has('bundle') ? undefined : parsed.flags.one('file');
      const written = file === undefined ? undefined : await readBoxFile(file);
      if (isPodInput(written)) return actOnPod(written, parsed);
      return act(await boxFromFlags(parsed, written), parsed.flags);
    },
  };
}

const refusePod: ActOnPod = () => {
  throw new BoxError([{ field: '--file', message: 'has a pod, which only nsgen run and nsgen script take' }]);
};
