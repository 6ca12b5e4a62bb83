import type { Problem } from '../problem.js';

/**
 * A problem of a box, by the field of config.json that it comes from.
 *
 * @param origins which field of config.json a field of the box came from; the longest name that fits counts.
 */
export function inConfig({ field, message }: Problem, origins: ReadonlyMap<string, string>): Problem {
  const isOf = (name: string) => field === name || (field.startsWith(name) && /^[.[]/.test(field.slice(name.length)));
  const [name] = [...origins.keys()].filter(isOf).sort((a, b) => b.length - a.length);
  if (name === undefined) return { field, message };
  return { field: `${origins.get(name)}${field.slice(name.length)}`, message };
}
