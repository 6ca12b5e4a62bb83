import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { packageRoot } from '../src/package-root.js';
import { execute } from './support/cli.js';

/** What docs/library.md shows is what happens. */

const page = readFileSync(join(packageRoot, 'docs', 'library.md'), 'utf8');
const examples = [...page.matchAll(/```js\n([\s\S]*?)```\n```text\n([\s\S]*?)```/g)];

test('every example of docs/library.md has its output', () => {
  assert.ok(examples.length > 0);
  assert.equal(examples.length, page.split('```js\n').length - 1);
});

for (const [index, [, program = '', output = '']] of examples.entries()) {
  test(`example ${index + 1} of docs/library.md prints what it says`, async () => {
    // The import of 'nsgen' finds this package from within it.
    const { stdout, stderr } = await execute(process.execPath, ['--input-type=module', '-e', program], {
      cwd: packageRoot,
    });
    assert.deepEqual({ stdout, stderr }, { stdout: output, stderr: '' });
  });
}
