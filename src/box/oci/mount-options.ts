import type { Problem } from '../problem.js';

/** Options of a mount, as config.json lists them: what they ask of a box, each by the field that carries it out. */

type Fields = Record<string, string | number | boolean>;

interface Option {
  readonly field: string;
  readonly value: string | boolean;
}

/** mount(8), for any file system. */
const FLAGS: Readonly<Record<string, Option>> = record({
  ro: { field: 'readOnly', value: true },
  rw: { field: 'readOnly', value: false },
  nosuid: { field: 'nosuid', value: true },
  suid: { field: 'nosuid', value: false },
  nodev: { field: 'nodev', value: true },
  dev: { field: 'nodev', value: false },
  noexec: { field: 'noexec', value: true },
  exec: { field: 'noexec', value: false },
});

const BIND: Readonly<Record<string, Option>> = record({
  ...FLAGS,
  bind: { field: 'recursive', value: false },
  rbind: { field: 'recursive', value: true },
  // A box's readOnly is true of the mounts below as well.
  rro: { field: 'readOnly', value: true },
  ...Object.fromEntries(
    ['private', 'slave', 'shared', 'unbindable']
      .flatMap(name => [name, `r${name}`])
      .map(name => [name, { field: 'propagation', value: name }]),
  ),
});

/** What every new mount is, or what mount(8) itself makes nothing of. */
const NOTHING: readonly string[] = ['defaults', 'relatime', 'async', 'diratime', 'symfollow', 'nomand', 'nolazytime'];

/** Whoever mounts something anew has it private, as the tree is that it is mounted in. */
const NOTHING_ANEW: readonly string[] = [...NOTHING, 'private', 'rprivate'];

const PARAMETERS: Readonly<Record<string, readonly string[]>> = record({
  tmpfs: ['size', 'mode', 'nr_inodes'],
  devpts: ['mode', 'ptmxmode', 'gid'],
});

export const isBind = (options: readonly string[]): boolean =>
  options.some(name => name === 'bind' || name === 'rbind');

/**
 * What the options come to, as fields of a mount of a box.
 *
 * @param type of the mount of the box.
 * @param field the name of the list, for problems.
 */
export function fieldsOfOptions(
  type: string,
  options: readonly string[],
  field: string,
  problems: Problem[],
): Readonly<Fields> {
  const chosen: Fields = type === 'bind' ? {} : { readOnly: false, nosuid: false, nodev: false, noexec: false };
  const given = new Map<string, string>();
  for (const [index, text] of options.entries()) {
    const wish = wishOf(type, text);
    if (wish === 'nothing') continue;
    const problem = (message: string) => problems.push({ field: `${field}[${index}]`, message });
    if (wish === undefined) {
      problem(`${JSON.stringify(text)} is not carried out${WHY[text] ?? ` for a mount of type ${type}`}`);
      continue;
    }
    const before = given.get(wish.field);
    if (before !== undefined && chosen[wish.field] !== wish.value) {
      problem(`${JSON.stringify(text)} contradicts ${JSON.stringify(before)}`);
      continue;
    }
    given.set(wish.field, text);
    chosen[wish.field] = wish.value;
  }
  // "rw" and "rbind" say the same as nothing.
  if (type === 'bind' && chosen.readOnly === false) delete chosen.readOnly;
  if (chosen.recursive === true) delete chosen.recursive;
  return chosen;
}

const AS_ITS_SOURCE = ': a bind has what its source has';
const TIMES = ': access times are as relatime has them';

const WHY: Readonly<Record<string, string>> = record({
  suid: AS_ITS_SOURCE,
  dev: AS_ITS_SOURCE,
  exec: AS_ITS_SOURCE,
  strictatime: TIMES,
  noatime: TIMES,
  nodiratime: TIMES,
});

interface Wish {
  readonly field: string;
  readonly value: string | number | boolean;
}

function wishOf(type: string, text: string): Wish | 'nothing' | undefined {
  if (type === 'bind') {
    if (NOTHING.includes(text)) return 'nothing';
    const wish = BIND[text];
    // Taken away from the source's own they are not.
    return wish?.value === false && wish.field !== 'recursive' && text !== 'rw' ? undefined : wish;
  }
  if (NOTHING_ANEW.includes(text) || (type === 'devpts' && text === 'newinstance')) return 'nothing';
  const equals = text.indexOf('=');
  if (equals < 0) return FLAGS[text];
  const [name, value] = [text.slice(0, equals), text.slice(equals + 1)];
  if (!PARAMETERS[type]?.includes(name)) return undefined;
  return { field: name, value: name === 'gid' && /^\d{1,10}$/.test(value) ? Number(value) : value };
}

/** Without the properties that every object has: names come from a file. */
function record<Value>(entries: Readonly<Record<string, Value>>): Readonly<Record<string, Value>> {
  return Object.assign(Object.create(null), entries);
}
