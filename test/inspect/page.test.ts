import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { LINES } from '../../src/inspect/picture.js';
import { summary } from '../../src/inspect/summary.js';
import { svg } from '../../src/inspect/svg.js';
import { packageRoot } from '../../src/package-root.js';
import { figureFile, figureReading } from '../generate.js';
import { nsgen } from '../support/cli.js';
import { assertShape, FIELDS } from './shape.js';

/** docs/inspect.md shows what comes out: the reading is in docs/inspect.json. */

const page = readFileSync(join(packageRoot, 'docs', 'inspect.md'), 'utf8');
const block = (command: string): string => {
  const [, text] = page.split(`$ ${command}\n`);
  assert.ok(text !== undefined, command);
  return text.slice(0, text.indexOf('```'));
};

test('the text of the page is that of its reading', () => {
  assertShape(figureReading());
  assert.equal(block('nsgen inspect --all web'), summary(figureReading(), LINES));
});

test('the figure is drawn from it', () => {
  assert.equal(readFileSync(figureFile, 'utf8'), svg(figureReading()), 'npm run generate');
});

test('every field of the JSON is described, and no other', () => {
  const described = [...page.matchAll(/^\| `([\w.[\]]+)` +\|/gm)].map(([, name]) => name);
  assert.deepEqual(described, FIELDS);
});

test('the flags of the page are those of the command', async () => {
  const { stdout } = await nsgen(['inspect', '--help'], { env: { ...process.env, NO_COLOR: '1' } });
  for (const [flag] of page.matchAll(/--(?:all|json|svg)\b/g)) assert.ok(stdout.includes(flag), flag);
});
