import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, test } from 'node:test';
import { findBox, startDetached } from '../../src/index.js';
import { nsgen, nsgenPath } from '../support/cli.js';
import { ownBoxes } from './named-boxes.js';

/** What a program does with a box it does to no later one of its name, whenever that comes. */

const { parent, named, clear } = ownBoxes('later-box');
const aside = dirname(parent);
const path = process.env.PATH;
afterEach(async () => {
  process.env.PATH = path;
  process.env.NSGEN_STATE_DIRECTORY = parent;
  await clear();
});

/** Programs of that name come first, and put another box in the place of the one that is meant. */
function replacedBy(program: string): void {
  const real = execFileSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).trim();
  const directory = join(aside, 'bin');
  mkdirSync(directory);
  const script = join(directory, program);
  const own = `'${process.execPath}' '${nsgenPath}'`;
  writeFileSync(
    script,
    `#!/bin/sh
PATH=\${PATH#*:}
{ ${own} rm -f web && ${own} run -d --name web -- sleep 1000; } >/dev/null || exit
exec ${real} "$@"
`,
  );
  chmodSync(script, 0o755);
  process.env.PATH = `${directory}:${path}`;
}

test('a command for a box comes into no later one of its name', async () => {
  const first = await startDetached({ command: ['sleep', '1000'] }, { name: 'web' });
  replacedBy('setpriv');
  const { exitStatus, stdout, stderr } = await first.exec(['echo', 'inside']);
  assert.deepEqual([exitStatus, stdout], [125, '']);
  assert.match(stderr, /: box "web" has been removed, and another has its name$/m);
  assert.equal(named('web')?.status, 'running');
  assert.notEqual(named('web')?.process?.pid, first.pid);
});

test('one in another directory of boxes is another', async () => {
  const first = await startDetached({ command: ['sleep', '1000'] }, { name: 'web' });
  const other = join(aside, 'other');
  process.env.NSGEN_STATE_DIRECTORY = other;
  const second = await startDetached({ command: ['sleep', '1000'] }, { name: 'web' });
  try {
    assert.match((await first.exec(['sh', '-c', 'readlink /proc/self/ns/pid'])).stdout, /^pid:/);
    await first.remove({ force: true });
    assert.equal((await findBox('web')).status, 'running');
    assert.equal((await findBox('web')).pid, second.pid);
  } finally {
    await nsgen(['rm', '-f', 'web']);
  }
  process.env.NSGEN_STATE_DIRECTORY = parent;
  assert.equal(named('web'), undefined);
});

test('what only looks like a box by such a word is no name', async () => {
  const { status, stderr } = await nsgen(['exec', 'web@host', '--', 'true']);
  assert.equal(status, 125);
  assert.match(stderr, /"web@host" is no name of a box/);
});
