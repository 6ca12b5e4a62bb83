import { readFileSync } from 'node:fs';
import { type ParseArgsConfig, parseArgs } from 'node:util';
import type { ArgsDef } from 'citty';
import { BoxError, type Problem } from '../box/problem.js';
import { REPEATABLE } from './flags.js';

/** What was given for each flag, in order; a boolean flag has one empty string. */
export class GivenFlags {
  readonly #values: ReadonlyMap<string, readonly string[]>;

  constructor(values: ReadonlyMap<string, readonly string[]>) {
    this.#values = values;
  }

  all(name: string): readonly string[] {
    return this.#values.get(name) ?? [];
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  one(name: string): string | undefined {
    return this.all(name).at(-1);
  }
}

export interface ParsedArguments {
  readonly flags: GivenFlags;
  readonly command: readonly string[];
}

/**
 * Splits a command line into flags, and the command with all that follows it: `nsgen run -- ls -h` is ls's `-h`, and
 * so is `nsgen run ls -h`.
 *
 * @throws BoxError for an unknown flag, a flag without its value, a flag that is given twice.
 */
export function parseArguments(argv: readonly string[], definitions: ArgsDef): ParsedArguments {
  const options = optionsOf(definitions);
  const { tokens } = parseArgs({ args: [...argv], options, strict: false, allowPositionals: true, tokens: true });
  const first = tokens.find(({ kind }) => kind !== 'option');
  const end = first?.index ?? argv.length;
  const flags = parseFlags(argv.slice(0, end), options);
  return { flags, command: argv.slice(first?.kind === 'option-terminator' ? end + 1 : end) };
}

type Options = NonNullable<ParseArgsConfig['options']>;

function optionsOf(definitions: ArgsDef): Options {
  return Object.fromEntries(
    Object.entries(definitions).map(([name, { type, ...rest }]) => {
      const short = 'alias' in rest && typeof rest.alias === 'string' ? { short: rest.alias } : {};
      return [name, { type: type === 'boolean' ? 'boolean' : 'string', ...short } as const];
    }),
  );
}

function parseFlags(args: string[], options: Options): GivenFlags {
  const values = new Map<string, string[]>();
  try {
    for (const token of parseArgs({ args, options, strict: true, tokens: true }).tokens) {
      if (token.kind !== 'option') continue;
      const known = values.get(token.name) ?? [];
      if (known.length > 0 && !REPEATABLE.includes(token.name)) throw new TypeError('it is given more than once');
      values.set(token.name, [...known, token.value ?? '']);
    }
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    const [message = ''] = error.message.split('. To specify');
    throw new BoxError([{ field: '', message: `${message} (see --help)` }]);
  }
  return new GivenFlags(values);
}

/**
 * Node turns an argument that is no valid UTF-8 into U+FFFD. The command would get other bytes than it was given.
 */
export function invalidArguments(argv: readonly string[]): readonly Problem[] {
  if (!argv.some(argument => argument.includes('\uFFFD'))) return [];
  const raw = readFileSync('/proc/self/cmdline');
  if (Buffer.from(raw.toString('utf8')).equals(raw)) return [];
  return [{ field: '', message: 'an argument is not valid UTF-8, and would not reach the command unchanged' }];
}
