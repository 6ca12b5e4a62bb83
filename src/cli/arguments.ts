import { isUtf8 } from 'node:buffer';
import { readFileSync } from 'node:fs';
import { type ParseArgsConfig, parseArgs } from 'node:util';
import type { ArgsDef } from 'citty';
import { BoxError, type Problem } from '../box/problem.js';
import { OPTIONAL_VALUE, REPEATABLE } from './flags.js';

export type GivenFlag = readonly [name: string, value: string];

/** What was given for each flag, in order; a boolean flag has one empty string. */
export class GivenFlags {
  readonly #given: readonly GivenFlag[];
  readonly #values: ReadonlyMap<string, readonly string[]>;

  constructor(given: readonly GivenFlag[]) {
    this.#given = given;
    const values = new Map<string, string[]>();
    for (const [name, value] of given) values.set(name, [...(values.get(name) ?? []), value]);
    this.#values = values;
  }

  /** Several flags, each with its value, in the order in which they were given. */
  inOrder(...names: readonly string[]): readonly GivenFlag[] {
    return this.#given.filter(([name]) => names.includes(name));
  }

  all(name: string): readonly string[] {
    return this.#values.get(name) ?? [];
  }

  /** The names of all, each once. */
  names(): readonly string[] {
    return [...this.#values.keys()];
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
 * @throws BoxError for unknown flags, flags without their value, flags that are given twice.
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

/** Every problem is found, not only the first, and each is named by the flag: parseArgs itself stops at one. */
function parseFlags(args: string[], options: Options): GivenFlags {
  const given: GivenFlag[] = [];
  const problems: Problem[] = [];
  for (const token of parseArgs({ args, options, strict: false, tokens: true }).tokens) {
    if (token.kind !== 'option') continue;
    const repeated = given.some(([name]) => name === token.name);
    const message = flagProblem(token, options, repeated);
    if (message !== undefined) problems.push({ field: fieldOf(token, options), message });
    given.push([token.name, token.value ?? '']);
  }
  if (problems.length > 0) throw new BoxError(problems);
  return new GivenFlags(given);
}

interface OptionToken {
  readonly name: string;
  readonly rawName: string;
  readonly value: string | undefined;
  readonly inlineValue: boolean | undefined;
}

/** What is wrong with a flag by itself; its value is looked at later. */
function flagProblem(token: OptionToken, options: Options, repeated: boolean): string | undefined {
  const option = Object.hasOwn(options, token.name) ? options[token.name] : undefined;
  if (option === undefined) return 'there is no such flag (see --help)';
  const optional = OPTIONAL_VALUE.includes(token.name);
  if (optional && token.inlineValue && token.value === '') return 'must not be empty';
  if (option.type === 'boolean' && !optional && token.inlineValue) return 'takes no value';
  if (option.type === 'string' && token.value === undefined) return 'needs a value';
  // A value that is another flag is more likely one that was forgotten: `--hostname --proc`. No flag is a number, and
  // docker's pages have `--memory-swap -1`.
  if (option.type === 'string' && !token.inlineValue && /^-[^\d]/.test(token.value ?? ''))
    return `needs a value; ${JSON.stringify(token.value)} looks like a flag (if it is meant, write --${token.name}=${token.value})`;
  if (repeated && !REPEATABLE.includes(token.name)) return 'is given more than once';
  return undefined;
}

/** A known flag by its long name, an unknown one as it was written. */
const fieldOf = ({ name, rawName }: OptionToken, options: Options) =>
  Object.hasOwn(options, name) ? `--${name}` : rawName;

/**
 * Node turns an argument that is no valid UTF-8 into U+FFFD. The command would get other bytes than it was given.
 */
export function invalidArguments(argv: readonly string[]): readonly Problem[] {
  if (!argv.some(argument => argument.includes(REPLACEMENT)) || isUtf8(readFileSync('/proc/self/cmdline'))) return [];
  return [{ field: '', message: 'an argument is not valid UTF-8, and would not reach the command unchanged' }];
}

/** A variable of the caller's, byte for byte or not at all: Node's process.env hides what was not UTF-8. */
export type CallersVariable = { readonly value: string } | { readonly problem: 'unset' | 'not UTF-8' };

export function callersVariable(name: string): CallersVariable {
  // process.env has the properties of every object, `toString` for one.
  const value = Object.hasOwn(process.env, name) ? process.env[name] : undefined;
  if (value === undefined) return { problem: 'unset' };
  return value.includes(REPLACEMENT) && !isUtf8(rawVariable(name)) ? { problem: 'not UTF-8' } : { value };
}

const REPLACEMENT = '\uFFFD';

/** As it was when this process started; latin1 keeps every byte apart. */
function rawVariable(name: string): Buffer {
  const start = `${Buffer.from(name).toString('latin1')}=`;
  const entries = readFileSync('/proc/self/environ', 'latin1').split('\0');
  return Buffer.from(entries.find(entry => entry.startsWith(start))?.slice(start.length) ?? '', 'latin1');
}
