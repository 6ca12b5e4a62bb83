import { resolve } from 'node:path';
import type { Problem } from '../problem.js';
import type { Config } from './config.js';
import { fieldsOfOptions, isBind } from './mount-options.js';

type ConfigMount = NonNullable<Config['mounts']>[number];
export type BoxMount = Readonly<Record<string, string | number | boolean>>;

/** What a bind may be called: its type means nothing. */
const BIND_TYPES: readonly string[] = ['', 'bind', 'none'];

/** What config.json calls a file system that has no source: the first column of /proc/mounts, and nothing else. */
const NO_SOURCE: readonly string[] = ['', 'none'];

/**
 * A mount of config.json as one of a box, with exactly the options that it lists: where a box has defaults, such as
 * nosuid for a tmpfs, they are given.
 */
export function boxMount(mount: ConfigMount, index: number, directory: string, problems: Problem[]): BoxMount {
  const field = `mounts[${index}]`;
  const { destination, type = '', source = '', options = [] } = mount;
  if (!isBind(options) && type !== 'bind') {
    if (type === '') problems.push({ field: `${field}.type`, message: 'is missing' });
    problems.push(...sourceProblems(type, source, field));
    return { type, destination, ...fieldsOfOptions(type, options, `${field}.options`, problems) };
  }
  if (!isBind(options)) {
    problems.push({ field: `${field}.options`, message: 'must have bind or rbind among them for a bind' });
  }
  if (!BIND_TYPES.includes(type)) {
    problems.push({
      field: `${field}.type`,
      message: 'must be "bind" or "none" for a bind (its options say it is one)',
    });
  }
  if (source === '') problems.push({ field: `${field}.source`, message: 'is missing' });
  const fields = fieldsOfOptions('bind', options, `${field}.options`, problems);
  return { type: 'bind', source: resolve(directory, source), destination, ...fields };
}

export function sourceProblems(type: string, source: string, field: string): readonly Problem[] {
  if (NO_SOURCE.includes(source) || source === type || (type === 'tmpfs' && source === 'shm')) return [];
  const message = `is not carried out: a ${type} has no source but its own name`;
  return [{ field: `${field}.source`, message }];
}
