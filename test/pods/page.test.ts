import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, test } from 'node:test';
import { packageRoot } from '../../src/package-root.js';
import { execute, nsgen, nsgenPath } from '../support/cli.js';
import { descendants, hostState } from '../support/leftovers.js';
import { ownDirectory } from '../support/own-directory.js';

/** Runs what docs/pods.md shows: each block of commands must print what the page says. */

const directory = ownDirectory('pods-page');
const env = { ...process.env, NSGEN_STATE_DIRECTORY: join(directory, 'state') };
const page = readFileSync(join(packageRoot, 'docs', 'pods.md'), 'utf8');

for (const [, name = '', text = ''] of page.matchAll(/^```(?:sh|yaml)\n# (\S+)\n(.*?)^```$/gms))
  writeFileSync(join(directory, name), text);

const state = hostState();
afterEach(() => {
  assert.deepEqual(descendants(), []);
  assert.deepEqual(hostState(), state);
});
/** What a test that failed has left. */
after(async () => {
  for (const name of ['one', 'first', 'lasting']) await nsgen(['rm', '--force', name], { env });
});

const blocks = [...page.matchAll(/^```console\n(.*?)^```$/gms)].map(([, block = '']) => block.trimEnd().split('\n'));

/** Columns as they are; the time of the start and the time used as whoever wrote the page had them. */
const timeless = (line: string): string => line.replace(/ \d+ +\d\d:\d\d (\S+) +\d\d:\d\d:\d\d /, ' C STIME $1 TIME ');

test('docs/pods.md shows all five shapes', () => {
  assert.equal(blocks.length, 5);
  const titles = [...page.matchAll(/^### (\d)\. /gm)].map(([, number]) => number);
  assert.deepEqual(titles, ['1', '2', '3', '4', '5']);
});

for (const block of blocks) {
  const commands = block.filter(line => line.startsWith('$ ')).map(line => line.slice(2));
  const printed = block.filter(line => !line.startsWith('$ '));

  test(`docs/pods.md: ${commands[0]}`, async () => {
    const script = ['nsgen() { "$NODE" "$NSGEN" "$@"; }', ...commands].join('\n');
    const { stdout, stderr } = await execute('bash', ['-c', script], {
      cwd: directory,
      env: { ...env, NODE: process.execPath, NSGEN: nsgenPath },
    });
    assert.equal(stderr, '');
    assert.deepEqual(stdout.trimEnd().split('\n').map(timeless), printed.map(timeless));
  });
}
