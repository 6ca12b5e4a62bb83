import { arch, stdout } from 'node:process';
import { isatty } from 'node:tty';
import type { ArgsDef, CommandDef } from 'citty';
import { EXIT_STATUS } from '../backends/failure.js';
import { BoxError, type Problem } from '../box/problem.js';
import { INIT_ARCHITECTURES, initElf } from '../init/elf.js';
import { initListing, OBJDUMP } from '../init/listing.js';
import type { Architecture } from '../linux/machine-code.js';
import { type GivenFlags, parseArguments } from './arguments.js';
import { DESCRIPTIONS } from './descriptions.js';
import { HELP_FLAG } from './flags.js';
import { write, writeHelp } from './output.js';
import type { Subcommand } from './subcommand.js';

const FLAGS = {
  elf: { type: 'boolean', description: 'the executable itself' },
  asm: { type: 'boolean', description: 'its instructions, with where they are in it and their bytes' },
  arch: { type: 'string', valueHint: 'ARCH', description: 'x64 or arm64 (this one, unless given)' },
  ...HELP_FLAG,
} as const satisfies ArgsDef;

const definition: CommandDef = {
  meta: { name: 'nsgen init', description: DESCRIPTIONS.init },
  args: FLAGS,
};

export const initCommand: Subcommand = {
  definition,
  async run(argv) {
    const { flags, command } = parseArguments(argv, FLAGS);
    if (flags.has('help')) {
      const { renderUsage } = await import('citty');
      writeHelp(1, (await renderUsage(definition)).replace('[OPTIONS]', '--elf|--asm [--arch ARCH]').trimEnd());
      return EXIT_STATUS.ok;
    }
    const chosen = flags.one('arch') ?? arch;
    const architecture = INIT_ARCHITECTURES.find(known => known === chosen);
    const problems = [...problemsOf(flags, command)];
    if (architecture === undefined)
      problems.push({
        field: '--arch',
        message: `${JSON.stringify(chosen)} is not one of ${INIT_ARCHITECTURES.join(', ')}`,
      });
    if (architecture === undefined || problems.length > 0) throw new BoxError(problems);
    write(1, flags.has('elf') ? initElf(architecture) : text(architecture));
    return EXIT_STATUS.ok;
  },
};

function problemsOf(flags: GivenFlags, words: readonly string[]): readonly Problem[] {
  return [
    ...words.map(word => ({ field: '', message: `nothing is expected after the flags: ${JSON.stringify(word)}` })),
    ...(flags.has('elf') === flags.has('asm') ? [{ field: '', message: 'which of them? --elf or --asm' }] : []),
    ...(flags.has('elf') && isatty(stdout.fd) ? [{ field: '--elf', message: 'is no text: write it to a file' }] : []),
  ];
}

const text = (architecture: Architecture): string =>
  [
    `# ${architecture}: ${initElf(architecture).length} bytes, ${OBJDUMP[architecture]}`,
    ...initListing(architecture),
    '',
  ].join('\n');
