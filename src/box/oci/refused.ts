import * as v from 'valibot';
import { isMapping } from '../values.js';

/** What is asked for in config.json and not carried out is an error that names it, down to this depth of mappings. */
type Depth = 0 | 1 | 2;

const MESSAGE = 'is not carried out: take it out of config.json, or run the bundle with another runtime';

/**
 * A field of the specification that nsgen does not carry out. Absent, or empty, it asks for nothing.
 *
 * @param depth how many mappings deep the names go: `linux.resources.memory.limit` says more than `linux.resources`.
 * @param meansSomething whether even an empty value asks for something: no capability is a wish, no hook is none.
 */
export function refused(depth: Depth, { meansSomething = false, message = MESSAGE } = {}) {
  return v.optional(
    v.pipe(
      v.unknown(),
      v.rawCheck(({ dataset, addIssue }) => {
        if (!dataset.typed) return;
        for (const path of wishes(dataset.value, depth, meansSomething)) {
          const [first, ...rest] = path;
          if (first === undefined) addIssue({ message });
          else addIssue({ message, path: [first, ...rest] });
        }
      }),
    ),
  );
}

interface Key {
  readonly type: 'unknown';
  readonly origin: 'value';
  readonly input: unknown;
  readonly key: string;
  readonly value: unknown;
}

/** The paths of all that a value asks for. */
function wishes(value: unknown, depth: number, meansSomething: boolean): readonly (readonly Key[])[] {
  if (!meansSomething && isNothing(value)) return [];
  const entries = isMapping(value) ? Object.entries(value) : [];
  if (depth === 0 || entries.length === 0) return [[]];
  return entries.flatMap(([key, inner]) =>
    wishes(inner, depth - 1, meansSomething).map(path => [
      { type: 'unknown', origin: 'value', input: value, key, value: inner } as const,
      ...path,
    ]),
  );
}

/** Nothing is in it, however many empty mappings it is made of; but no deeper than any config.json has them. */
function isNothing(value: unknown, depth = 4): boolean {
  if (value === '' || (Array.isArray(value) && value.length === 0)) return true;
  return isMapping(value) && depth > 0 && Object.values(value).every(inner => isNothing(inner, depth - 1));
}

/** A field that is taken with the one value that describes what happens anyway. */
export function only<const Value extends string | number | boolean>(value: Value, message: string) {
  return v.optional(
    v.pipe(
      v.unknown(),
      v.check(given => given === value, message),
    ),
  );
}
