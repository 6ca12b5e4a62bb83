import { resolve } from 'node:path';
import * as v from 'valibot';
import { issueProblems } from '../issues.js';
import { fieldName, type Problem } from '../problem.js';
import { isNamespaceType, NAMESPACE_TYPES } from '../values.js';
import { type Config, configSchema } from './config.js';
import { deviceProblems, isDev, isPartOfDev } from './dev.js';
import { type BoxMount, boxMount } from './mounts.js';
import { boxResources } from './resources.js';

type Mapping = Readonly<Record<string, unknown>>;

/** What a config.json comes to. */
export interface ConfiguredBox {
  /** A box as one would write it; undefined when config.json is not even well-formed. */
  readonly box: Mapping | undefined;
  /** Where root.path is. */
  readonly rootfs: string | undefined;
  /** What is wrong with config.json, and all that it asks for and nsgen does not carry out. */
  readonly problems: readonly Problem[];
  /** Which field of config.json a field of the box came from. */
  readonly origins: ReadonlyMap<string, string>;
}

/**
 * Turns config.json of an OCI bundle into a box.
 *
 * @param config as it was parsed.
 * @param directory of the bundle, an absolute path: what relative paths start from.
 */
export function boxFromConfig(config: unknown, directory: string): ConfiguredBox {
  const result = v.safeParse(configSchema, config);
  const problems = (result.issues ?? []).flatMap(issue => issueProblems(issue, UNKNOWN));
  const origins = new Map<string, string>();
  if (!result.typed) return { box: undefined, rootfs: undefined, problems, origins };
  const rootfs = resolve(directory, result.output.root.path);
  return { box: boxOf(result.output, rootfs, directory, origins, problems), rootfs, problems, origins };
}

const UNKNOWN = 'is not a field of the specification that nsgen knows (what is meant for others goes into annotations)';

function boxOf(
  config: Config,
  path: string,
  directory: string,
  origins: Map<string, string>,
  problems: Problem[],
): Mapping {
  const { root, process, hostname = '', domainname = '', linux = {}, annotations } = config;
  origin(origins, 'command', 'process.args');
  origin(origins, 'cwd', 'process.cwd');
  origin(origins, 'terminal', 'process.terminal');
  origin(origins, 'rootfs', 'root.path');
  origin(origins, 'rootfs.path', 'root.path');
  origin(origins, 'rootfs.readOnly', 'root.readonly');
  if (root.path === '') problems.push({ field: 'root.path', message: 'must not be empty' });
  return {
    command: process.args,
    env: environment(process.env ?? [], origins, problems),
    cwd: process.cwd,
    ...(process.terminal === undefined ? {} : { terminal: process.terminal }),
    ...(hostname === '' ? {} : { hostname }),
    ...(domainname === '' ? {} : { domainname }),
    namespaces: namespaces(linux.namespaces ?? [], origins, problems),
    ...timeOffsets(linux.timeOffsets, origins),
    ...propagation(linux.rootfsPropagation ?? '', origins),
    rootfs: { path, readOnly: root.readonly ?? false },
    proc: false,
    ...mounts(config, directory, origins, problems),
    maskedPaths: paths('maskedPaths', linux.maskedPaths, origins),
    readonlyPaths: paths('readonlyPaths', linux.readonlyPaths, origins),
    ...resources(linux.resources, origins),
    ...(annotations === undefined ? {} : { annotations }),
  };
}

const origin = (origins: Map<string, string>, field: string, of: string) => origins.set(field, of);

/** The environment whole, as execve(2) is to have it. runc would add a HOME; the specification knows of none. */
function environment(list: readonly string[], origins: Map<string, string>, problems: Problem[]): Mapping {
  const variables = new Map<string, string | null>([
    ['PATH', null],
    ['HOME', null],
    ['TERM', null],
  ]);
  const given = new Set<string>();
  origin(origins, 'env', 'process.env');
  for (const [index, entry] of list.entries()) {
    const field = `process.env[${index}]`;
    const equals = entry.indexOf('=');
    const name = entry.slice(0, equals);
    if (equals < 0) problems.push({ field, message: 'must be NAME=VALUE (it has no "=")' });
    else if (given.has(name)) problems.push({ field, message: `${JSON.stringify(name)} is given more than once` });
    // Away and there again: in the order of the list.
    if (equals < 0 || given.has(name)) continue;
    variables.delete(name);
    variables.set(name, entry.slice(equals + 1));
    given.add(name);
    origin(origins, fieldName(['env', name]), field);
  }
  return Object.fromEntries(variables);
}

type ConfigNamespaces = NonNullable<NonNullable<Config['linux']>['namespaces']>;

/** Each that is listed is new, or the one of its path; all others are those of the caller. */
function namespaces(list: ConfigNamespaces, origins: Map<string, string>, problems: Problem[]): Mapping {
  const chosen = new Map<string, string>();
  origin(origins, 'namespaces', 'linux.namespaces');
  for (const [index, { type, path = '' }] of list.entries()) {
    const field = `linux.namespaces[${index}]`;
    const own = type === 'network' ? 'net' : type;
    if (type === 'net' || !isNamespaceType(own)) {
      const known = NAMESPACE_TYPES.map(name => (name === 'net' ? 'network' : name)).join(', ');
      problems.push({ field: `${field}.type`, message: `${JSON.stringify(type)} is no namespace type (${known})` });
    } else if (chosen.has(own)) {
      problems.push({ field: `${field}.type`, message: `${JSON.stringify(type)} is listed more than once` });
    } else {
      if (path !== '' && !path.startsWith('/')) problems.push({ field: `${field}.path`, message: ABSOLUTE });
      chosen.set(own, path.startsWith('/') ? path : 'new');
      origin(origins, `namespaces.${own}`, path === '' ? field : `${field}.path`);
    }
  }
  return Object.fromEntries(NAMESPACE_TYPES.map(type => [type, chosen.get(type) ?? 'shared']));
}

const ABSOLUTE = 'must be an absolute path (it does not start with "/")';

function timeOffsets(given: NonNullable<Config['linux']>['timeOffsets'], origins: Map<string, string>): Mapping {
  if (given === undefined) return {};
  origin(origins, 'timeOffsets', 'linux.timeOffsets');
  const offsets = (['monotonic', 'boottime'] as const).flatMap(clock => {
    origin(origins, `timeOffsets.${clock}`, `linux.timeOffsets.${clock}.secs`);
    const seconds = given[clock]?.secs;
    return seconds === undefined ? [] : [[clock, seconds]];
  });
  return offsets.length === 0 ? {} : { timeOffsets: Object.fromEntries(offsets) };
}

/** The specification's names are the box's; runc takes those of mount(8) too. */
function propagation(given: string, origins: Map<string, string>): Mapping {
  origin(origins, 'propagation', 'linux.rootfsPropagation');
  return given === '' ? {} : { propagation: given.replace(/^r(?=private$|slave$|shared$)/, '') };
}

/** Of these a box has defaults; what a config.json does not list is not there. */
function paths(field: string, list: readonly string[] = [], origins: Map<string, string>): readonly string[] {
  origin(origins, field, `linux.${field}`);
  return list;
}

function resources(given: NonNullable<Config['linux']>['resources'], origins: Map<string, string>): Mapping {
  origin(origins, 'resources', 'linux.resources');
  return given === undefined ? {} : { resources: boxResources(given) };
}

/** The mounts in their order, /dev and what is in it as the one field that a box has for it. */
function mounts(config: Config, directory: string, origins: Map<string, string>, problems: Problem[]): Mapping {
  const listed = config.mounts ?? [];
  const own: BoxMount[] = [];
  let dev = false;
  for (const [index, mount] of listed.entries()) {
    if (isDev(mount, index, listed.slice(0, index), problems)) {
      dev = true;
      origin(origins, 'dev', `mounts[${index}]`);
    } else if (!dev || !isPartOfDev(mount)) {
      const field = `mounts[${own.length}]`;
      origin(origins, field, `mounts[${index}]`);
      for (const option of OF_OPTIONS) origin(origins, `${field}.${option}`, `mounts[${index}].options`);
      own.push(boxMount(mount, index, directory, problems));
    }
  }
  problems.push(...deviceProblems(config.linux?.devices ?? [], dev));
  return { dev, mounts: own };
}

/** Fields of a box's mount that options of config.json's become. */
const OF_OPTIONS: readonly string[] = [
  ...['readOnly', 'nosuid', 'nodev', 'noexec', 'recursive', 'propagation'],
  ...['size', 'mode', 'nr_inodes', 'ptmxmode', 'gid'],
];
