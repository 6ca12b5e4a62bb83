import { resolve } from 'node:path';
import type { Problem } from '../box/problem.js';
import type { GivenFlags } from './arguments.js';

/** --bind, --tmpfs and --mount, as mounts of a box. The spellings are those of docker(1), podman(1) and mount(8). */

type Fields = Readonly<Record<string, unknown>>;

/** All in the order of the command line: a later mount may cover an earlier one. */
export function mountsOf(flags: GivenFlags, problems: Problem[]): readonly Fields[] {
  return flags.inOrder('bind', 'tmpfs', 'mount').flatMap(([flag, value]) => {
    const reader = new OptionReader(`--${flag}`, problems);
    if (flag === 'bind') return bindMount(value, reader);
    return flag === 'tmpfs' ? tmpfsMount(value, reader) : dockerMount(value, reader);
  });
}

/** Collects the fields of one mount, each once, and complains by the name of the flag. */
class OptionReader {
  readonly fields: Record<string, unknown> = Object.create(null);
  readonly #flag: string;
  readonly #problems: Problem[];

  constructor(flag: string, problems: Problem[]) {
    this.#flag = flag;
    this.#problems = problems;
  }

  refuse(message: string): void {
    this.#problems.push({ field: this.#flag, message });
  }

  set(option: string, field: string, value: unknown): void {
    if (field in this.fields) this.refuse(`${JSON.stringify(option)} is given more than once`);
    else this.fields[field] = value;
  }
}

type Switches = ReadonlyMap<string, readonly [field: string, value: unknown]>;

/** mount(8), FILESYSTEM-INDEPENDENT MOUNT OPTIONS. */
const RESTRICTIONS: readonly (readonly [string, readonly [string, unknown]])[] = [
  ['ro', ['readOnly', true]],
  ['rw', ['readOnly', false]],
  ...['nosuid', 'nodev', 'noexec'].flatMap(name => [
    [name, [name, true]] as const,
    [name.slice(2), [name, false]] as const,
  ]),
];
const TMPFS_SWITCHES: Switches = new Map(RESTRICTIONS);
const BIND_SWITCHES: Switches = new Map([
  ...RESTRICTIONS,
  ['bind', ['recursive', false]],
  ['rbind', ['recursive', true]],
  ...['private', 'slave', 'shared', 'unbindable'].flatMap(name => [
    [name, ['propagation', name]] as const,
    [`r${name}`, ['propagation', `r${name}`]] as const,
  ]),
]);

function bindMount(value: string, reader: OptionReader): readonly Fields[] {
  const [source = '', destination = '', options, ...rest] = value.split(':');
  if (source === '' || destination === '' || rest.length > 0) {
    reader.refuse(`${JSON.stringify(value)} is not SRC:DST[:ro] (a path with ":" in it goes into a file, -f)`);
    return [];
  }
  for (const option of options?.split(',') ?? []) {
    const known = BIND_SWITCHES.get(option);
    if (known === undefined)
      reader.refuse(`${JSON.stringify(option)} is no option of a bind (ro, nosuid, nodev, noexec, bind, rslave, ...)`);
    else reader.set(option, ...known);
  }
  return [{ type: 'bind', source: resolve(source), destination, ...reader.fields }];
}

function tmpfsMount(value: string, reader: OptionReader): readonly Fields[] {
  const [destination = '', ...rest] = value.split(':');
  for (const option of rest.length === 0 ? [] : rest.join(':').split(',')) {
    const [, name = '', text = ''] = /^(size|mode|nr_inodes)=(.+)$/.exec(option) ?? [];
    const known = name === '' ? TMPFS_SWITCHES.get(option) : ([name, text] as const);
    if (known === undefined)
      reader.refuse(`${JSON.stringify(option)} is no option of a tmpfs (size=N, mode=M, nr_inodes=N, ro, noexec)`);
    else reader.set(option, ...known);
  }
  return [{ type: 'tmpfs', destination, ...reader.fields }];
}

/** The keys of docker's --mount, and of each type the fields that docker has no key for. */
const TEXT_KEYS: ReadonlyMap<string, string> = new Map([
  ...(['type', 'mode', 'ptmxmode', 'size', 'nr_inodes', 'propagation'] as const).map(key => [key, key] as const),
  ...(['destination', 'dst', 'target'] as const).map(key => [key, 'destination'] as const),
  ['tmpfs-size', 'size'],
  ['tmpfs-mode', 'mode'],
  ['bind-propagation', 'propagation'],
]);
const SWITCH_KEYS: ReadonlyMap<string, readonly [field: string, whenTrue: boolean]> = new Map<
  string,
  readonly [string, boolean]
>([
  ['readonly', ['readOnly', true]],
  ['ro', ['readOnly', true]],
  ...(['nosuid', 'nodev', 'noexec', 'recursive'] as const).map(key => [key, [key, true] as const] as const),
  ['bind-nonrecursive', ['recursive', false]],
]);
const TRUTH: ReadonlyMap<string, boolean> = new Map([
  ...(['true', '1'] as const).map(word => [word, true] as const),
  ...(['false', '0'] as const).map(word => [word, false] as const),
]);

function dockerMount(value: string, reader: OptionReader): readonly Fields[] {
  const words = commaSeparated(value);
  if (words === undefined) {
    reader.refuse(`${JSON.stringify(value)} has a quotation mark that is not closed`);
    return [];
  }
  for (const word of words) readKey(word, reader);
  return [{ ...reader.fields }];
}

function readKey(word: string, reader: OptionReader): void {
  const equals = word.indexOf('=');
  const [key, text] = equals < 0 ? [word, undefined] : [word.slice(0, equals), word.slice(equals + 1)];
  const field = TEXT_KEYS.get(key);
  const known = SWITCH_KEYS.get(key);
  if (known !== undefined) {
    const truth = TRUTH.get(text ?? 'true');
    if (truth === undefined) reader.refuse(`${JSON.stringify(word)}: must be true or false`);
    else reader.set(word, known[0], truth === known[1]);
  } else if (text === undefined || text === '') {
    reader.refuse(`${JSON.stringify(word)} is not KEY=VALUE (type=bind,source=/a,destination=/b,readonly)`);
  } else if (key === 'source' || key === 'src') {
    reader.set(word, 'source', resolve(text));
  } else if (key === 'gid') {
    reader.set(word, key, /^\d{1,10}$/.test(text) ? Number(text) : text);
  } else if (field === undefined) {
    reader.refuse(`${JSON.stringify(key)} is no key of a mount (type, source, destination, readonly, tmpfs-size, ...)`);
  } else {
    reader.set(word, field, text);
  }
}

/** As encoding/csv reads it for docker: `"src=/a,b"` is one word, with "" for a quotation mark in it. */
function commaSeparated(value: string): readonly string[] | undefined {
  const words: string[] = [];
  let rest = value;
  for (;;) {
    const [whole, quoted, bare = ''] = /^(?:"((?:[^"]|"")*)"(?=,|$)|([^",][^,]*|))/.exec(rest) ?? [];
    if (whole === undefined || (whole === '' && rest.startsWith('"'))) return undefined;
    words.push(quoted?.replaceAll('""', '"') ?? bare);
    if (whole.length === rest.length) return words;
    rest = rest.slice(whole.length + 1);
  }
}
