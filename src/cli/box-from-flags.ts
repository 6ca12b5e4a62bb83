import { resolve } from 'node:path';
import { type Box, parseBox } from '../box/box.js';
import { inConfig } from '../box/oci/origins.js';
import { BoxError, type Problem } from '../box/problem.js';
import { readBoxFile } from '../box/read.js';
import { isMapping, isNamespaceType, NAMESPACE_TYPES } from '../box/values.js';
import { callersVariable, type GivenFlags, type ParsedArguments } from './arguments.js';
import { filesOf, symlinksOf } from './file-flags.js';
import { mountsOf } from './mount-flags.js';
import { resourcesOf } from './resource-flags.js';

/**
 * Puts the file and the flags together into a box as one would write it, and checks it. Flags override fields of the
 * file, variables and namespaces one by one; mounts come after the file's.
 *
 * @param written what the file says, if it has been read already.
 * @throws BoxError with every problem: of the flags, and of the box that the sound ones make.
 */
export async function boxFromFlags({ flags, command }: ParsedArguments, written?: unknown): Promise<Box> {
  const { base, problems: known, inWords } = await baseOf(flags, written);
  const problems: Problem[] = [...known];
  const fields = isMapping(base) ? { ...base, ...fieldsOf(flags, command, base, problems) } : base;
  const input = isMapping(fields) ? { ...fields, ...protectedPaths(flags, fields, problems) } : fields;
  try {
    // A config.json that is not well-formed makes no box.
    if (base === undefined) throw new BoxError([]);
    const box = parseBox(input);
    if (problems.length === 0) return box;
  } catch (error) {
    if (!(error instanceof BoxError)) throw error;
    problems.push(...error.problems.map(inWords));
  }
  throw new BoxError(problems);
}

/** What the flags override. */
interface Base {
  readonly base: unknown;
  readonly problems: readonly Problem[];
  /** A problem in the words of the file that it comes from. */
  inWords(problem: Problem): Problem;
}

async function baseOf(flags: GivenFlags, written: unknown): Promise<Base> {
  const [file, bundle] = [flags.one('file'), flags.one('bundle')];
  const inWords = (problem: Problem) => problem;
  if (bundle === undefined)
    return { base: file === undefined ? {} : await contentOf(file, written), problems: [], inWords };
  if (file !== undefined) throw new BoxError([{ field: '--bundle', message: 'contradicts --file: give one of them' }]);
  if (bundle === '') throw new BoxError([{ field: '--bundle', message: 'must not be empty' }]);
  const { readBundle } = await import('./bundle.js');
  const { box, problems, origins } = readBundle(bundle);
  return { base: box, problems, inWords: problem => inConfig(problem, origins) };
}

/** Standard input can be read but once, and null is what somebody has written. */
const contentOf = async (file: string, written: unknown): Promise<unknown> =>
  written === undefined ? readBoxFile(file) : written;

/** What the flags say, as fields of a box. A flag that is malformed adds a problem and no field. */
function fieldsOf(flags: GivenFlags, command: readonly string[], base: Mapping, problems: Problem[]): Mapping {
  return {
    ...(command.length > 0 ? { command } : {}),
    ...textFields(flags),
    ...rootfsField(flags, base.rootfs, problems),
    ...overlayField(flags, base.overlay, problems),
    ...switchField(flags, 'proc', problems),
    ...switchField(flags, 'dev', problems),
    ...(flags.has('privileged') ? { privileged: true } : {}),
    ...switchField(flags, 'loopback', problems),
    ...mappingField('namespaces', base, namespaces(flags, problems)),
    ...mappingField('timeOffsets', base, timeOffsets(flags, problems)),
    ...mappingField('env', base, environment(flags, problems)),
    ...mountsField(flags, base.mounts, problems),
    ...(['stats', 'stats-json'].some(name => flags.has(name)) ? { accounting: true } : {}),
    ...(flags.has('freezer') ? { freezer: true } : {}),
    ...(flags.has('tty') ? { terminal: true } : {}),
    ...resourcesOf(flags, base.resources, problems),
    ...initField(flags),
    ...stopTimeoutField(flags, problems),
    ...(flags.has('cgroup-parent') ? { cgroupParent: flags.one('cgroup-parent') } : {}),
    ...mappingField('annotations', base, annotations(flags, problems)),
    ...mappingField('symlinks', base, symlinksOf(flags, problems)),
    ...mappingField('files', base, filesOf(flags, problems)),
  };
}

/** Added to those of the file, or to the default ones: who masks one path more does not mean to uncover the others. */
function protectedPaths(flags: GivenFlags, fields: Mapping, problems: Problem[]): Mapping {
  const absolute = (flag: string) =>
    flags.all(flag).filter(path => {
      // The box would name it by a place in a list that nobody has seen.
      const message = `${JSON.stringify(path)} must be an absolute path (it does not start with "/")`;
      if (!path.startsWith('/')) problems.push({ field: `--${flag}`, message });
      return path.startsWith('/');
    });
  const given = { maskedPaths: absolute('mask'), readonlyPaths: absolute('read-only-path') };
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

/** Directories as for --rootfs. Any of the flags asks for an overlay; each overrides its own field of the file's. */
function overlayField(flags: GivenFlags, base: unknown, problems: Problem[]): Mapping {
  const directory = (flag: string, given: string) => {
    if (given === '') problems.push({ field: flag, message: 'must not be empty' });
    return given === '' ? [] : [resolve(given)];
  };
  const chosen: Record<string, unknown> = {};
  for (const field of ['upper', 'work']) {
    const flag = `overlay-${field}`;
    for (const path of flags.all(flag).flatMap(given => directory(`--${flag}`, given))) chosen[field] = path;
  }
  const lower = flags.all('overlay-lower').flatMap(given => directory('--overlay-lower', given));
  if (lower.length > 0) chosen.lower = lower;
  if (isMapping(base)) return { overlay: { ...base, ...chosen } };
  if (Object.keys(chosen).length > 0) return { overlay: chosen };
  return flags.has('overlay') ? { overlay: true } : {};
}

/** A program by its path, as the shell has completed it. */
function initField(flags: GivenFlags): Mapping {
  const program = flags.one('init');
  if (program === undefined) return {};
  return { init: program === '' ? true : resolve(program) };
}

function stopTimeoutField(flags: GivenFlags, problems: Problem[]): Mapping {
  const value = flags.one('stop-timeout');
  if (value === undefined) return {};
  if (/^\d{1,9}$/.test(value)) return { stopTimeout: Number(value) };
  problems.push({ field: '--stop-timeout', message: 'must be a whole number of seconds' });
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

/** The variables of --env. */
export function environment(flags: GivenFlags, problems: Problem[]): Readonly<Record<string, string>> {
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

function annotations(flags: GivenFlags, problems: Problem[]): Mapping {
  const given: Record<string, string> = Object.create(null);
  for (const argument of flags.all('annotation')) {
    const equals = argument.indexOf('=');
    if (equals > 0) given[argument.slice(0, equals)] = argument.slice(equals + 1);
    else problems.push({ field: '--annotation', message: `${JSON.stringify(argument)} is not NAME=VALUE` });
  }
  return given;
}

function mountsField(flags: GivenFlags, base: unknown, problems: Problem[]): Mapping {
  const given = mountsOf(flags, problems);
  if (given.length === 0) return {};
  return { mounts: base === undefined ? given : Array.isArray(base) ? [...base, ...given] : base };
}
