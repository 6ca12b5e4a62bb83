import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { renderScript } from '../../src/backends/script/render.js';
import { parseBox } from '../../src/box/box.js';
import { boxFromConfig } from '../../src/box/oci/box-from-config.js';
import { inConfig } from '../../src/box/oci/origins.js';
import { BoxError, fieldName } from '../../src/box/problem.js';
import { anyText, howToRepeat, samples, seed } from '../support/random.js';
import { changed, leaves, RUNNABLE, SPEC } from './configs.js';

/** What a config.json comes to: a script, or the fields that are wrong. Whatever else is thrown fails the test. */
function outcome(config: unknown): { readonly script: string } | { readonly fields: readonly string[] } {
  const { box, problems, origins } = boxFromConfig(config, '/bundle');
  const fields = problems.map(({ field }) => field);
  try {
    const script = box === undefined ? '' : renderScript(parseBox(box));
    if (fields.length === 0) return { script };
  } catch (error) {
    if (!(error instanceof BoxError)) throw error;
    fields.push(...error.problems.map(problem => inConfig(problem, origins).field));
  }
  assert.ok(fields.length > 0);
  return { fields };
}

const whole = outcome(RUNNABLE);

/** A field, or one that it is part of, or a part of it. What one mount is depends on all that it has. */
function isAbout(field: string, place: string): boolean {
  const name = /^mounts\[\d+\]/.exec(place)?.[0] ?? place;
  const isPart = (part: string, whole: string) => [`${whole}.`, `${whole}[`].some(start => part.startsWith(start));
  return field === name || isPart(field, name) || isPart(name, field);
}

/** Another value of the same kind, and one of another kind. */
function unusual(value: unknown): readonly unknown[] {
  if (typeof value === 'boolean') return [!value, 'unusual'];
  if (typeof value === 'number') return [value + 7, -1, 'unusual', 1e300];
  return ['unusual', '/unusual', 7, ['unusual'], { unusual: 'unusual' }, null];
}

const valueAt = (config: unknown, path: readonly (string | number)[]): unknown =>
  path.reduce<unknown>((value, key) => Object.entries(value ?? {}).find(([name]) => name === String(key))?.[1], config);

describe('config.json, changed', () => {
  test('is taken as it is', () => {
    assert.ok('script' in whole, JSON.stringify(whole));
  });

  test('no value is passed over: the script is another, or an error has its name', () => {
    for (const path of leaves(RUNNABLE)) {
      for (const value of unusual(valueAt(RUNNABLE, path))) {
        const result = outcome(changed(RUNNABLE, path, value));
        const name = `${fieldName(path)}: ${JSON.stringify(value)}`;
        if ('script' in result) assert.ok('script' in whole && result.script !== whole.script, name);
        else
          assert.ok(
            result.fields.some(field => isAbout(field, fieldName(path))),
            `${name}: ${result.fields}`,
          );
      }
    }
  });

  test('a field that nobody knows is refused, wherever it is', () => {
    const mappings = new Set([
      ...leaves(RUNNABLE)
        .flatMap(path => path.map((_, end) => path.slice(0, end)))
        .map(path => JSON.stringify(path)),
    ]);
    for (const text of mappings) {
      const path: (string | number)[] = JSON.parse(text);
      if (Array.isArray(valueAt(RUNNABLE, path))) continue;
      for (const key of ['unusual', 'toString', 'Path']) {
        const result = outcome(changed(RUNNABLE, [...path, key], 'unusual'));
        // Any name will do for an annotation.
        if (path[0] === 'annotations') assert.ok('script' in result);
        else
          assert.ok('fields' in result && result.fields.includes(fieldName([...path, key])), fieldName([...path, key]));
      }
    }
  });

  test(`at random, it comes to a script or to problems (${howToRepeat})`, () => {
    const places = [...leaves(SPEC), ...leaves(RUNNABLE)].flatMap(path => path.map((_, end) => path.slice(0, end + 1)));
    const mutation = fc.record({
      path: fc.constantFrom(...places),
      deeper: fc.array(fc.oneof(fc.constantFrom('path', 'type', '__proto__', 'constructor', 'length'), anyText), {
        maxLength: 2,
      }),
      value: fc.oneof(fc.constant(undefined), fc.jsonValue(), anyText, fc.constantFrom('/', '..', '', 0, -1, [], {})),
    });
    fc.assert(
      fc.property(fc.constantFrom(SPEC, RUNNABLE), fc.array(mutation, { minLength: 1, maxLength: 4 }), (base, list) => {
        const config = list.reduce<unknown>(
          (before, { path, deeper, value }) => changed(before, [...path, ...deeper], value),
          base,
        );
        outcome(config === undefined ? config : JSON.parse(JSON.stringify(config)));
      }),
      { seed, numRuns: samples * 25 },
    );
  });
});
