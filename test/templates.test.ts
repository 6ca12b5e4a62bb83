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

const SCRIPTS = ['box.sh', 'exec.sh', 'pod.sh'];

/** The other templates that are part of one, by way of another or not. */
function partsOf(template: string): ReadonlySet<string> {
  const text = readFileSync(join(TEMPLATES, `${template}.ejs`), 'utf8');
  const own = [...text.matchAll(/part\('([^']*)'/g)].map(([, name = '']) => name);
  return new Set(own.flatMap(name => [name, ...partsOf(name)]));
}

describe('templates', () => {
  test('every operation has its TypeScript file and its template, and there are no others', () => {
    const names = OPERATION_NAMES.toSorted();
    assert.notEqual(names.length, 0);
    assert.deepEqual(namesIn('src/plan/operations', '.ts'), names);
    const others = [...SCRIPTS, ...['exec', 'functions', 'shared'].map(directory => `not *.ejs: ${directory}`)];
    assert.deepEqual(
      namesIn('templates', '.ejs').filter(name => !others.includes(name)),
      names,
    );
  });

  test('what a part of a script is in a file, those of several scripts in shared', () => {
    const users = new Map<string, string[]>();
    for (const script of SCRIPTS)
      for (const part of partsOf(script)) users.set(part, [...(users.get(part) ?? []), script]);
    const parts = ['exec', 'shared'].flatMap(directory =>
      namesIn(`templates/${directory}`, '.ejs').map(name => `${directory}/${name}`),
    );
    assert.deepEqual([...users.keys()].toSorted(), parts);
    for (const [part, scripts] of users)
      if (part.startsWith('shared/')) assert.ok(scripts.length > 1, part);
      else assert.deepEqual(scripts, ['exec.sh'], part);
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
    assert.deepEqual(rawOutputs("<%- part('shared/head', { script: 'a' }) -%> <%- part('exec/forward') -%>"), []);
    for (const raw of ['<%- part(name) -%>', "<%- part('a/b') + c %>", "<%- part('../a') %>"])
      assert.deepEqual(rawOutputs(`a ${raw} b`), [raw]);
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
 * text of another template, which `part` takes by a name that stands there.
 */
const RAW =
  /^<%- (?:comment\([^()]*(?:\([^()]*\))?\)|indent\(body\)|body|part\('[a-z]+\/[a-z_]+'(?:, \{[^{}]*\})?\)) -?%>$/;

function rawOutputs(template: string): readonly string[] {
  const tags = template.match(/<%[\s\S]*?%>/g) ?? [];
  return tags.filter(tag => {
    if (/__|include|escapeFn/.test(tag)) return true;
    if (tag.startsWith('<%=')) return false;
    if (tag.startsWith('<%-')) return !RAW.test(tag);
    return !/^<%[ #]/.test(tag);
  });
}
