import type { AbsolutePath } from '../box/values.js';
import { O } from '../linux/constants.js';
import { flags, integer, type Result, resultOf, type SystemCall, string } from '../linux/system-call.js';

/** What operations on the cgroups of a box share: cgroups(7). */

/** By their names in version 2. devices and freezer are part of every cgroup there, and cpuacct of cpu.stat. */
export const CONTROLLERS = [
  'memory',
  'cpu',
  'cpuset',
  'pids',
  'io',
  'hugetlb',
  'devices',
  'freezer',
  'cpuacct',
] as const;
export type Controller = (typeof CONTROLLERS)[number];

/** A cgroup of the box's own, in one hierarchy: a fact of the host. */
export interface CgroupPlace {
  readonly version: 1 | 2;
  /** What it controls: of version 1 all of the hierarchy, of version 2 what was asked for. */
  readonly controllers: readonly Controller[];
  /** The directory that it is made in. */
  readonly parent: AbsolutePath;
  /** Version 2: what has first to be switched on for the children of which directories, from the top. */
  readonly enable: readonly { readonly directory: AbsolutePath; readonly controllers: readonly Controller[] }[];
  /** Version 1: a cpuset is empty at first, and takes no process. */
  readonly cpuset: { readonly cpus: string; readonly mems: string } | undefined;
  /** Its descriptor, from make-cgroup on. */
  readonly directory: Result;
}

/** A file of a cgroup, what is written to it, and another one where the kernel has no such file. */
export interface Write {
  readonly file: string;
  readonly value: string;
  readonly otherwise?: Write;
}

/** What bash has no means for: calls on the directory of the cgroup, and why the script cannot. */
export interface Calls {
  readonly calls: (directory: Result) => readonly SystemCall[];
  readonly script: string;
}

/** How a limit is set, or why it cannot be. */
export type Value = Write | Calls | { readonly refused: string };

/** One limit, as either version has it. */
export interface Setting {
  readonly controller: Controller;
  /** Of the box. */
  readonly field: string;
  readonly v1: Value;
  readonly v2: Value;
}

/** An operation that only writes limits: the script has them from the same list. */
export interface Limits<Operation> {
  settings(operation: Operation): readonly Setting[];
}

export const placeOf = (places: readonly CgroupPlace[], controller: Controller): CgroupPlace | undefined =>
  places.find(place => place.controllers.includes(controller));

/** The field of the box that needs a controller; what needs none is there for what is mounted. */
export function fieldOf(controller: Controller | undefined, settings: readonly Setting[]): string {
  if (controller === undefined) return 'mounts';
  const setting = settings.find(other => other.controller === controller);
  return setting?.field ?? (controller === 'freezer' ? 'freezer' : 'accounting');
}

/** @throws TypeError for what checkSettings would have refused. */
export function writeSettings(settings: readonly Setting[], places: readonly CgroupPlace[]): readonly SystemCall[] {
  return settings.flatMap(setting => {
    const place = placeOf(places, setting.controller);
    const value = place && valueFor(setting, place);
    if (place === undefined || value === undefined || 'refused' in value)
      throw new TypeError(`${setting.field}: nothing to write it to`);
    const { field } = setting;
    return 'calls' in value
      ? value.calls(place.directory).map(call => attempted(call, { field }))
      : writeTo(place.directory, field, value);
  });
}

export const valueFor = (setting: Setting, { version }: CgroupPlace): Value =>
  version === 1 ? setting.v1 : setting.v2;

function writeTo(
  directory: Result,
  field: string,
  write: Write,
  without: readonly string[] = [],
): readonly SystemCall[] {
  const { file, value, otherwise } = write;
  const files = [...without, file];
  const [open, ...rest] = writeIn(directory, file, value).map(call => attempted(call, { field, write, files }));
  if (open === undefined || otherwise === undefined) return open === undefined ? [] : [open, ...rest];
  const other = writeTo(directory, field, otherwise, files);
  return [attempted({ ...open, tolerate: ['ENOENT'], onSuccess: rest, onTolerated: other }, { field, write, files })];
}

/** What a call was for, should it fail. */
export interface Attempt {
  readonly field: string;
  readonly write?: Write;
  /** This file, and those that were not there. */
  readonly files?: readonly string[];
}

const attempts = new WeakMap<SystemCall, Attempt>();

export const attemptOf = (call: SystemCall): Attempt | undefined => attempts.get(call);

function attempted(call: SystemCall, attempt: Attempt): SystemCall {
  attempts.set(call, attempt);
  return call;
}

/** Opens a file of a cgroup, writes to it in one write(2), and closes it. */
export function writeIn(directory: Result, file: string, value: string): readonly SystemCall[] {
  const descriptor: Result = { of: `open ${file}` };
  return [
    {
      name: 'openat',
      arguments: [resultOf(directory), string(file), flags(O, 'O_WRONLY', 'O_CLOEXEC')],
      result: descriptor,
    },
    { name: 'write', arguments: [resultOf(descriptor), string(value), integer(Buffer.byteLength(value))] },
    { name: 'close', arguments: [resultOf(descriptor)] },
  ];
}
