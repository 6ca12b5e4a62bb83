import { resolve } from 'node:path';
import { BoxError, type Problem } from '../box/problem.js';
import { readBoxFile } from '../box/read.js';
import { isNamespaceType, NAMESPACE_TYPES } from '../box/values.js';
import type { GivenFlags, ParsedArguments } from './arguments.js';

/**
 * Puts the file and the flags together into a box as one would write it; parseBox checks it afterwards. Flags override
 * fields of the file, variables and namespaces one by one; mounts come after the file's.
 *
 * @throws BoxError for flags that are malformed.
 */
export async function boxFromFlags({ flags, command }: ParsedArguments): Promise<unknown> {
  const file = flags.one('file');
  const base = file === undefined ? {} : await readBoxFile(file);
  // parseBox says what is wrong with it.
  if (!isMapping(base)) return base;
  const problems: Problem[] = [];
  const given = {
    ...(command.length > 0 ? { command } : {}),
    ...textFields(flags),
    ...rootfsField(flags, base.rootfs, problems),
    ...switchField(flags, 'proc', problems),
    ...switchField(flags, 'loopback', problems),
    ...mappingField('namespaces', base, namespaces(flags, problems)),
    ...mappingField('timeOffsets', base, timeOffsets(flags, problems)),
    ...mappingField('env', base, environment(flags, problems)),
    ...mountsField(flags, base.mounts, problems),
  };
  if (problems.length > 0) throw new BoxError(problems);
  return { ...base, ...given };
}

type Mapping = Readonly<Record<string, unknown>>;

const isMapping = (value: unknown): value is Mapping =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function textFields(flags: GivenFlags): Mapping {
  const fields = { hostname: 'hostname', domainname: 'domainname', propagation: 'propagation', workdir: 'cwd' };
  return Object.fromEntries(
    Object.entries(fields).flatMap(([flag, field]) => (flags.has(flag) ? [[field, flags.one(flag)]] : [])),
  );
}

/** `--rootfs box` is a directory here, as it is for docker and bwrap; in a file only an absolute path means anything. */
function rootfsField(flags: GivenFlags, base: unknown, problems: Problem[]): Mapping {
  const given = flags.one('rootfs');
  if (given === '') problems.push({ field: '--rootfs', message: 'must not be empty' });
  const path = given === undefined ? (isMapping(base) ? base.path : base) : resolve(given);
  if (flags.has('chroot')) {
    if (path === undefined) problems.push({ field: '--chroot', message: 'needs --rootfs' });
    return { rootfs: { path, change: 'chroot' } };
  }
  if (given === undefined) return {};
  return { rootfs: isMapping(base) ? { ...base, path } : path };
}

function switchField(flags: GivenFlags, name: 'proc' | 'loopback', problems: Problem[]): Mapping {
  const [on, off] = [flags.has(name), flags.has(`no-${name}`)];
  if (on && off) problems.push({ field: `--no-${name}`, message: `contradicts --${name}` });
  return on || off ? { [name]: on } : {};
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
    const [type = '', ...path] = value.split(':');
    choose('--join', type, resolve(path.join(':')));
  }
  return chosen;
}

function timeOffsets(flags: GivenFlags, problems: Problem[]): Mapping {
  const offsets: Record<string, number> = {};
  for (const name of ['monotonic', 'boottime']) {
    const value = flags.one(name);
    if (value === undefined) continue;
    if (!/^[+-]?\d{1,10}$/.test(value))
      problems.push({ field: `--${name}`, message: 'must be a whole number of seconds' });
    offsets[name] = Number(value);
  }
  return offsets;
}

function environment(flags: GivenFlags, problems: Problem[]): Mapping {
  const variables: Record<string, string> = Object.create(null);
  for (const argument of flags.all('env')) {
    const [name = '', ...rest] = argument.split('=');
    const value = rest.length > 0 ? rest.join('=') : process.env[name];
    if (value === undefined)
      problems.push({ field: '--env', message: `${name} is not set here: give it a value, ${name}=...` });
    variables[name] = value ?? '';
  }
  return variables;
}

function mountsField(flags: GivenFlags, base: unknown, problems: Problem[]): Mapping {
  const given = [
    ...flags.all('bind').map(value => bindMount(value, problems)),
    ...flags.all('tmpfs').map(value => tmpfsMount(value, problems)),
  ];
  if (given.length === 0) return {};
  return { mounts: base === undefined ? given : Array.isArray(base) ? [...base, ...given] : base };
}

function bindMount(value: string, problems: Problem[]): Mapping {
  const [source, destination, mode, ...rest] = value.split(':');
  const known = mode === undefined || mode === 'ro' || mode === 'rw';
  if (source === undefined || source === '' || destination === undefined || !known || rest.length > 0) {
    const message = `${JSON.stringify(value)} is not SRC:DST[:ro] (a path with ":" in it goes into a file, -f)`;
    problems.push({ field: '--bind', message });
  }
  return { type: 'bind', source: resolve(source ?? ''), destination, readOnly: mode === 'ro' };
}

function tmpfsMount(value: string, problems: Problem[]): Mapping {
  const colon = value.indexOf(':');
  if (colon < 0) return { type: 'tmpfs', destination: value };
  const options = value
    .slice(colon + 1)
    .split(',')
    .map(option => option.split('='));
  for (const [name] of options) {
    if (name === 'size' || name === 'mode') continue;
    problems.push({ field: '--tmpfs', message: `${JSON.stringify(name)} is no option of a tmpfs (size, mode)` });
  }
  return { type: 'tmpfs', destination: value.slice(0, colon), ...Object.fromEntries(options) };
}
