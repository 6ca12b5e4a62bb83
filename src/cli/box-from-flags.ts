import { resolve } from 'node:path';
import { type Box, parseBox } from '../box/box.js';
import { BoxError, type Problem } from '../box/problem.js';
import { readBoxFile } from '../box/read.js';
import { isMapping, isNamespaceType, NAMESPACE_TYPES } from '../box/values.js';
import { callersVariable, type GivenFlags, type ParsedArguments } from './arguments.js';
import { filesOf, symlinksOf } from './file-flags.js';
import { mountsOf } from './mount-flags.js';

/**
 * Puts the file and the flags together into a box as one would write it, and checks it. Flags override fields of the
 * file, variables and namespaces one by one; mounts come after the file's.
 *
 * @throws BoxError with every problem: of the flags, and of the box that the sound ones make.
 */
export async function boxFromFlags({ flags, command }: ParsedArguments): Promise<Box> {
  const file = flags.one('file');
  const base = file === undefined ? {} : await readBoxFile(file);
  const problems: Problem[] = [];
  const fields = isMapping(base) ? { ...base, ...fieldsOf(flags, command, base, problems) } : base;
  const input = isMapping(fields) ? { ...fields, ...protectedPaths(flags, fields) } : fields;
  try {
    const box = parseBox(input);
    if (problems.length === 0) return box;
  } catch (error) {
    if (!(error instanceof BoxError)) throw error;
    problems.push(...error.problems);
  }
  throw new BoxError(problems);
}

/** What the flags say, as fields of a box. A flag that is malformed adds a problem and no field. */
function fieldsOf(flags: GivenFlags, command: readonly string[], base: Mapping, problems: Problem[]): Mapping {
  return {
    ...(command.length > 0 ? { command } : {}),
    ...textFields(flags),
    ...rootfsField(flags, base.rootfs, problems),
    ...switchField(flags, 'proc', problems),
    ...switchField(flags, 'dev', problems),
    ...(flags.has('privileged') ? { privileged: true } : {}),
    ...switchField(flags, 'loopback', problems),
    ...mappingField('namespaces', base, namespaces(flags, problems)),
    ...mappingField('timeOffsets', base, timeOffsets(flags, problems)),
    ...mappingField('env', base, environment(flags, problems)),
    ...mountsField(flags, base.mounts, problems),
    ...mappingField('symlinks', base, symlinksOf(flags, problems)),
    ...mappingField('files', base, filesOf(flags, problems)),
  };
}

/** Added to those of the file, or to the default ones: who masks one path more does not mean to uncover the others. */
function protectedPaths(flags: GivenFlags, fields: Mapping): Mapping {
  const given = { maskedPaths: flags.all('mask'), readonlyPaths: flags.all('read-only-path') };
  const chosen: Record<string, unknown> = {};
  for (const name of ['maskedPaths', 'readonlyPaths'] as const) {
    if (given[name].length === 0) continue;
    const base = fields[name] ?? defaultsOf(fields)?.[name] ?? [];
    chosen[name] = Array.isArray(base) ? [...base, ...given[name]] : base;
  }
  return chosen;
}

/** Undefined for a box with problems, which will be refused. */
function defaultsOf(fields: Mapping): Box | undefined {
  try {
    return parseBox(fields);
  } catch {
    return undefined;
  }
}

type Mapping = Readonly<Record<string, unknown>>;

function textFields(flags: GivenFlags): Mapping {
  const fields = { hostname: 'hostname', domainname: 'domainname', propagation: 'propagation', workdir: 'cwd' };
  return Object.fromEntries(
    Object.entries(fields).flatMap(([flag, field]) => (flags.has(flag) ? [[field, flags.one(flag)]] : [])),
  );
}

/** `--rootfs box` is a directory here, as it is for docker and bwrap; in a file only an absolute path means anything. */
function rootfsField(flags: GivenFlags, base: unknown, problems: Problem[]): Mapping {
  const [directory, programs] = [flags.one('rootfs'), flags.all('with')];
  const further = {
    ...(flags.has('chroot') ? { change: 'chroot' } : {}),
    ...(flags.has('read-only') ? { readOnly: true } : {}),
  };
  if (directory === '') problems.push({ field: '--rootfs', message: 'must not be empty' });
  if (directory !== undefined && programs.length > 0)
    problems.push({ field: '--with', message: 'contradicts --rootfs' });
  const { path, from, ...rest } = isMapping(base) ? base : { path: base };
  const source =
    programs.length > 0
      ? { from: programs.flatMap(list => list.split(',')) }
      : directory
        ? { path: resolve(directory) }
        : { path, from };
  const known = Object.entries(source).filter(([, value]) => value !== undefined);
  if (known.length > 0) return { rootfs: { ...rest, ...Object.fromEntries(known), ...further } };
  if (directory === undefined)
    for (const flag of ['chroot', 'read-only'].filter(name => flags.has(name)))
      problems.push({ field: `--${flag}`, message: 'needs --rootfs' });
  return {};
}

function switchField(flags: GivenFlags, name: 'proc' | 'dev' | 'loopback', problems: Problem[]): Mapping {
  const [on, off] = [flags.has(name), flags.has(`no-${name}`)];
  if (on && off) problems.push({ field: `--no-${name}`, message: `contradicts --${name}` });
  return on !== off ? { [name]: on } : {};
}

/** A mapping of the file with some keys overridden. What is no mapping stays, for parseBox to complain about. */
function mappingField(name: string, base: Mapping, given: Mapping): Mapping {
  if (Object.keys(given).length === 0) return {};
  const own = base[name];
  return { [name]: own === undefined ? given : isMapping(own) ? { ...own, ...given } : own };
}

function namespaces(flags: GivenFlags, problems: Problem[]): Mapping {
  const chosen: Record<string, string> = {};
  const choose = (flag: string, type: string, choice: string) => {
    if (!isNamespaceType(type)) {
      problems.push({
        field: flag,
        message: `${JSON.stringify(type)} is no namespace type (${NAMESPACE_TYPES.join(', ')})`,
      });
    } else if (chosen[type] !== undefined && chosen[type] !== choice) {
      problems.push({ field: flag, message: `the ${type} namespace is asked for in two ways` });
    } else {
      chosen[type] = choice;
    }
  };
  for (const type of flags.all('unshare').flatMap(list => list.split(','))) choose('--unshare', type, 'new');
  for (const type of flags.all('share').flatMap(list => list.split(','))) choose('--share', type, 'shared');
  for (const value of flags.all('join')) {
    const [type = '', ...rest] = value.split(':');
    const path = rest.join(':');
    if (path === '') problems.push({ field: '--join', message: `${JSON.stringify(value)} is not TYPE:PATH` });
    else choose('--join', type, resolve(path));
  }
  return chosen;
}

function timeOffsets(flags: GivenFlags, problems: Problem[]): Mapping {
  const offsets: Record<string, number> = {};
  for (const name of ['monotonic', 'boottime']) {
    const value = flags.one(name);
    if (value === undefined) continue;
    if (/^[+-]?\d{1,15}$/.test(value)) offsets[name] = Number(value);
    else problems.push({ field: `--${name}`, message: 'must be a whole number of seconds' });
  }
  return offsets;
}

function environment(flags: GivenFlags, problems: Problem[]): Mapping {
  const variables: Record<string, string> = Object.create(null);
  for (const argument of flags.all('env')) {
    const equals = argument.indexOf('=');
    if (equals >= 0) {
      variables[argument.slice(0, equals)] = argument.slice(equals + 1);
      continue;
    }
    const given = callersVariable(argument);
    if ('value' in given) {
      variables[argument] = given.value;
    } else if (argument === '') {
      problems.push({ field: '--env', message: 'must be NAME or NAME=VALUE, not empty' });
    } else if (given.problem === 'unset') {
      const message = `${JSON.stringify(argument)} is not set here: give it a value, ${argument}=...`;
      problems.push({ field: '--env', message });
    } else {
      const message = `the value of ${JSON.stringify(argument)} is not valid UTF-8, and would not arrive unchanged`;
      problems.push({ field: '--env', message });
    }
  }
  return variables;
}

function mountsField(flags: GivenFlags, base: unknown, problems: Problem[]): Mapping {
  const given = mountsOf(flags, problems);
  if (given.length === 0) return {};
  return { mounts: base === undefined ? given : Array.isArray(base) ? [...base, ...given] : base };
}
