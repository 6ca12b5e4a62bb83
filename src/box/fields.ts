import * as v from 'valibot';
import { isAbsolutePath, isMapping, mountPointProblem, pathProblem, textProblem } from './values.js';

/** What the schema of a box is made of, whatever part of it. */

/**
 * strictObject names only the first unknown key, and takes a list for a mapping without keys. It looks keys up with `in`:
 * with an ordinary object, an unknown field `toString` would pass as known.
 */
export function fields<const Entries extends v.ObjectEntries>(entries: Entries) {
  const own: Entries = Object.assign(Object.create(null), entries);
  const schema = v.strictObject(own);
  const run = schema['~run'];
  const runStrictly: typeof run = (dataset, config) => {
    const input = dataset.value;
    if (!isMapping(input)) {
      const refused = run.call(schema, { value: undefined }, config);
      for (const issue of refused.issues ?? []) Object.assign(issue, { input, received: v._stringify(input) });
      return refused;
    }
    const outcome = run.call(schema, dataset, config);
    for (const key of Object.keys(input)
      .filter(name => !(name in own))
      .slice(1)) {
      const path = [{ type: 'object', origin: 'key', input, key, value: input[key] }] as const;
      v._addIssue(schema, 'key', outcome, config, { input: key, expected: 'never', path: [...path] });
    }
    return outcome;
  };
  return Object.assign(schema, { '~run': runStrictly });
}

export const check = (problem: (value: string) => string | undefined) =>
  v.rawCheck<string>(({ dataset, addIssue }) => {
    const message = dataset.typed ? problem(dataset.value) : undefined;
    if (message !== undefined) addIssue({ message });
  });

export const text = v.pipe(v.string(), check(textProblem));
export const path = v.pipe(v.string(), v.metadata({ pattern: '^/' }), check(pathProblem), v.guard(isAbsolutePath));
export const mountPoint = v.pipe(
  v.string(),
  v.metadata({ pattern: '^/' }),
  check(mountPointProblem),
  v.guard(isAbsolutePath),
);

/** A timer of Node ends at 2^31 milliseconds. */
const MOST_SECONDS = 2_000_000;

export const timeout = v.pipe(
  v.number(),
  v.integer('must be a whole number of seconds'),
  v.minValue(0, 'must be at least 0'),
  v.maxValue(MOST_SECONDS, `must be at most ${MOST_SECONDS}`),
);
