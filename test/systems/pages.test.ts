import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { load } from 'js-yaml';
import { parseBox } from '../../src/box/box.js';
import { parseArguments } from '../../src/cli/arguments.js';
import { boxFromFlags } from '../../src/cli/box-from-flags.js';
import { BOX_FLAGS } from '../../src/cli/flags.js';
import { packageRoot } from '../../src/package-root.js';

const docs = join(packageRoot, 'docs');
const pages = ['go-launcher', 'unshare-and-pstree', 'c-program', 'copied-binaries', 'limits'];

/** A box in YAML, and after it the flags that are said to be the same. */
const PAIR = /^```yaml\n(.*?)^```\n.*?^```sh\nnsgen run (.*?)\n```$/gms;

for (const name of pages) {
  test(`docs/systems/${name}.md: each box and its flags are the same box`, async () => {
    const page = readFileSync(join(docs, 'systems', `${name}.md`), 'utf8');
    const pairs = [...page.matchAll(PAIR)];
    assert.equal(pairs.length, page.split('```yaml').length - 1);
    assert.ok(pairs.length > 0);
    for (const [, yaml = '', flags = ''] of pairs) {
      assert.deepEqual(await boxFromFlags(parseArguments(flags.split(' '), BOX_FLAGS)), parseBox(load(yaml)));
    }
  });
}

test('docs/README.md names every page there is about a system', () => {
  assert.deepEqual(readdirSync(join(docs, 'systems')).sort(), pages.map(name => `${name}.md`).sort());
  const index = readFileSync(join(docs, 'README.md'), 'utf8');
  for (const name of pages) assert.ok(index.includes(`(systems/${name}.md)`), name);
});

test('every page is in docs/README.md, and no link of a page leads nowhere', () => {
  const index = readFileSync(join(docs, 'README.md'), 'utf8');
  const names = readdirSync(docs).filter(name => name.endsWith('.md'));
  for (const name of names) assert.ok(name === 'README.md' || index.includes(`(${name})`), name);
  for (const path of ['../README.md', ...names]) {
    const links = [...readFileSync(join(docs, path), 'utf8').matchAll(/\]\(([^)#:]+)\)/g)];
    for (const [, link = ''] of links) assert.ok(existsSync(join(docs, path, '..', link)), `${path}: ${link}`);
  }
});

test('docs/security.md names tests that there are', () => {
  const rows = readFileSync(join(docs, 'security.md'), 'utf8')
    .split('\n')
    .filter(line => /^\| (?!what |--)/.test(line));
  assert.ok(rows.length > 15);
  for (const row of rows) {
    const shown = row.split('|').at(-2) ?? '';
    const names = shown.split(',').map(name => name.replace(/\(.*/, '').replace(/:.*/, '').trim());
    for (const name of names) {
      const file = name === 'named boxes' ? 'differential/named' : name;
      assert.ok(file !== '' && existsSync(join(packageRoot, 'test', `${file}.test.ts`)), row);
    }
  }
});
