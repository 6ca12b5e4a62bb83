import assert from 'node:assert/strict';

/** What the JSON of an inspection looks like: docs/inspect.md. */
type Shape =
  | 'number'
  | 'string'
  | 'boolean'
  | { readonly nullable: Shape }
  | { readonly list: Shape }
  | { readonly either: readonly Shape[] }
  | { readonly one: readonly string[] }
  | { readonly map: Shape }
  | { readonly fields: Readonly<Record<string, Shape>> };

const nullable = (shape: Shape): Shape => ({ nullable: shape });
const list = (shape: Shape): Shape => ({ list: shape });
const fields = (shapes: Readonly<Record<string, Shape>>): Shape => ({ fields: shapes });

export const TYPES = ['user', 'mnt', 'pid', 'net', 'uts', 'ipc', 'cgroup', 'time'] as const;
const inodes = fields(Object.fromEntries(TYPES.map(type => [type, nullable('number')])));
const fourIds = fields({ real: 'number', effective: 'number', saved: 'number', filesystem: 'number' });
const ranges = nullable(list(fields({ inside: 'number', outside: 'number', count: 'number' })));
const capabilities = list({ either: ['string', 'number'] });
const limit: Shape = { either: ['number', 'string'] };
const mount = fields({
  id: 'number',
  parent: 'number',
  device: 'string',
  root: 'string',
  point: 'string',
  options: list('string'),
  propagation: list('string'),
  type: 'string',
  source: 'string',
  superOptions: 'string',
});

const INSPECTION = fields({
  version: 'number',
  process: fields({
    pid: 'number',
    start: 'string',
    parent: 'number',
    name: 'string',
    state: 'string',
    kernelThread: 'boolean',
    pids: nullable(list('number')),
    command: nullable(list('string')),
    executable: nullable('string'),
    workingDirectory: nullable('string'),
    group: 'number',
    session: 'number',
    terminal: nullable(fields({ device: 'string', name: nullable('string') })),
  }),
  box: nullable(fields({ name: 'string', pod: nullable('string') })),
  viewpoint: fields({
    pid: 'number',
    host: { one: ['pid 1', 'nsgen'] },
    namespaces: inodes,
    pidNamespace: nullable('number'),
    initial: nullable('boolean'),
    unreadable: 'number',
  }),
  namespaces: list(
    fields({
      type: { one: TYPES },
      inode: nullable('number'),
      host: nullable('boolean'),
      nsgen: nullable('boolean'),
      initial: nullable('boolean'),
      processes: list('number'),
      boxes: list('string'),
    }),
  ),
  ids: nullable(fields({ uid: fourIds, gid: fourIds, groups: list('number'), uidMap: ranges, gidMap: ranges })),
  cgroups: nullable(
    list(fields({ hierarchy: 'number', controllers: list('string'), name: nullable('string'), path: 'string' })),
  ),
  root: nullable(fields({ path: 'string', mount: nullable(mount) })),
  mounts: nullable(list(mount)),
  capabilities: nullable(
    fields({
      inheritable: capabilities,
      permitted: capabilities,
      effective: capabilities,
      bounding: capabilities,
      ambient: capabilities,
    }),
  ),
  noNewPrivileges: nullable('boolean'),
  seccomp: nullable(
    fields({ mode: { either: [{ one: ['none', 'strict', 'filter'] }, 'number'] }, filters: nullable('number') }),
  ),
  label: nullable('string'),
  rlimits: nullable(list(fields({ name: 'string', soft: limit, hard: limit, unit: nullable('string') }))),
  tree: list(
    fields({
      pid: 'number',
      parent: 'number',
      name: 'string',
      state: 'string',
      pids: nullable(list('number')),
      namespaces: inodes,
      box: nullable('string'),
    }),
  ),
  others: 'number',
  changing: 'boolean',
  unreadable: { map: 'string' },
});

/** @throws AssertionError naming the field that is of another shape, lacks, or is not known. */
export const assertShape = (value: unknown): void => {
  const problems = problemsOf(value, INSPECTION, '$');
  assert.deepEqual(problems, []);
};

function problemsOf(value: unknown, shape: Shape, at: string): readonly string[] {
  if (typeof shape === 'string')
    return typeof value === shape ? [] : [`${at}: ${JSON.stringify(value)} is no ${shape}`];
  if ('nullable' in shape) return value === null ? [] : problemsOf(value, shape.nullable, at);
  if ('one' in shape) return shape.one.some(one => one === value) ? [] : [`${at}: ${JSON.stringify(value)}`];
  if ('either' in shape) {
    const found = shape.either.map(one => problemsOf(value, one, at));
    return found.some(problems => problems.length === 0) ? [] : found.flat();
  }
  if ('list' in shape) {
    if (!Array.isArray(value)) return [`${at}: no list`];
    return value.flatMap((item, index) => problemsOf(item, shape.list, `${at}[${index}]`));
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [`${at}: no object`];
  const entries = Object.entries(value);
  if ('map' in shape) return entries.flatMap(([name, item]) => problemsOf(item, shape.map, `${at}.${name}`));
  const lacking = Object.keys(shape.fields).filter(name => !Object.hasOwn(value, name));
  return [
    ...lacking.map(name => `${at}.${name}: lacks`),
    ...entries.flatMap(([name, item]) => {
      const known = shape.fields[name];
      return known === undefined ? [`${at}.${name}: not known`] : problemsOf(item, known, `${at}.${name}`);
    }),
  ];
}

/** The same in many places: described once. */
const described = new Set<Shape>([inodes, fourIds, ranges]);

/** Of every field, its path: `mounts[].id`. */
export const FIELDS: readonly string[] = pathsOf(INSPECTION, '');

function pathsOf(shape: Shape, at: string): readonly string[] {
  if (described.has(shape) || typeof shape === 'string') return [at];
  if (shape === mount && at !== 'mounts[]') return [at];
  if ('nullable' in shape) return pathsOf(shape.nullable, at);
  if ('list' in shape && typeof shape.list === 'object' && 'fields' in shape.list)
    return pathsOf(shape.list, `${at}[]`);
  if (!('fields' in shape)) return [at];
  return Object.entries(shape.fields).flatMap(([name, inner]) => pathsOf(inner, at === '' ? name : `${at}.${name}`));
}
