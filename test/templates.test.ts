import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { FUNCTION_NAMES } from '../src/backends/script/functions.js';
import { packageRoot } from '../src/package-root.js';
import { OPERATION_NAMES } from '../src/plan/operations.js';

const TEMPLATES = join(packageRoot, 'templates');
const namesIn = (directory: string, ending: string) =>
  readdirSync(join(packageRoot, directory))
    .map(name => (name.endsWith(ending) ? name.slice(0, -ending.length) : `not *${ending}: ${name}`))
    .sort();

describe('templates', () => {
  test('every operation has its TypeScript file and its template, and there are no others', () => {
    const names = OPERATION_NAMES.toSorted();
    assert.notEqual(names.length, 0);
    assert.deepEqual(namesIn('src/plan/operations', '.ts'), names);
    assert.deepEqual(
      namesIn('templates', '.ejs').filter(
        name => !['box.sh', 'exec.sh', 'pod.sh'].includes(name) && !name.endsWith(': functions'),
      ),
      names,
    );
  });

  test('every function of the scripts has its template, and there are no others', () => {
    assert.notEqual(FUNCTION_NAMES.length, 0);
    assert.deepEqual(namesIn('templates/functions', '.ejs'), FUNCTION_NAMES.toSorted());
  });

  for (const file of readdirSync(TEMPLATES, { recursive: true, encoding: 'utf8' }).filter(name =>
    name.endsWith('.ejs'),
  )) {
    const text = readFileSync(join(TEMPLATES, file), 'utf8');

    test(`${file} prints values only through the quoting function`, () => {
      assert.deepEqual(rawOutputs(text), []);
    });

    test(`${file} quotes no value a second time`, () => {
      // Inside quotes, the quotes of a value would end them.
      const quoted = text.split('\n').filter(line => /'[^'<>]*<%=[^%]*%>[^'<>]*'/.test(line));
      assert.deepEqual(quoted, []);
    });
  }

  test('what would be raw output is found', () => {
    assert.deepEqual(rawOutputs('<%- comment(line) %> <%- indent(body) -%> <%- body -%>'), []);
    for (const raw of ['<%- value %>', '<%-value-%>', '<%- comment(a) + b %>', '<%- comment(a), b %>', '<%_ x _%>']) {
      assert.deepEqual(rawOutputs(`a ${raw} b`), [raw]);
    }
    for (const raw of ["<% __append('x') %>", '<% include("x") %>', '<% escapeFn = String %>']) {
      assert.deepEqual(rawOutputs(raw), [raw]);
    }
  });
});

/**
 * Tags that put something into the script unquoted. Allowed are a comment, which is one line of ASCII, and the rendered
 * text of another template.
 */
function rawOutputs(template: string): readonly string[] {
  const tags = template.match(/<%[\s\S]*?%>/g) ?? [];
  return tags.filter(tag => {
    if (/__|include|escapeFn/.test(tag)) return true;
    if (tag.startsWith('<%=')) return false;
    if (tag.startsWith('<%-')) return !/^<%- (?:comment\([^()]*(?:\([^()]*\))?\)|indent\(body\)|body) -?%>$/.test(tag);
    return !/^<%[ #]/.test(tag);
  });
}
