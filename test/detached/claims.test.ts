import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { claimName } from '../../src/state/claim.js';
import { nsgen } from '../support/cli.js';
import { until } from '../support/until.js';
import { ownBoxes, processesWith } from './named-boxes.js';

/** Who gives a name back that another has by then. */

const { parent } = ownBoxes('claims');
const aside = join(parent, '.aside');
mkdirSync(aside);
const visible = () => readdirSync(parent).filter(name => !name.startsWith('.'));

const claim = () =>
  claimName({ name: 'web', command: ['true'], pod: undefined, backend: 'ffi', box: { command: ['true'] } });

test('the directory of another box is left alone', () => {
  const first = claim();
  renameSync(first.directory, join(aside, 'web'));
  const second = claim();
  first.remove();
  assert.deepEqual(visible(), ['web']);
  second.remove();
  assert.deepEqual(readdirSync(parent).toSorted(), ['.aside', '.lock']);
});

test('one that somebody has removed is no error', () => {
  const one = claim();
  rmSync(one.directory, { recursive: true });
  one.remove();
  assert.deepEqual(visible(), []);
});

test('pod.sh leaves what others have under the names of its pod, and of a box there', async () => {
  const [reached, gate] = [join(aside, 'reached'), join(aside, 'gate')];
  const pod = join(aside, 'pod.json');
  const boxes = { a: { command: ['sleep', '1000'] }, b: { command: ['/nonexistent'] } };
  writeFileSync(pod, JSON.stringify({ pod: 'shop', boxes }));
  const { stdout, stderr } = await nsgen(['script', '-d', '-f', pod]);
  const text = stdout.replace(
    '\nbox_2() {\n',
    `\nbox_2() {\n  : >${reached}\n  until [[ -e ${gate} ]]; do sleep 0.01; done\n`,
  );
  assert.notEqual(text, stdout, stderr);
  const script = spawn('bash', ['-s'], { stdio: ['pipe', 'ignore', 'ignore'] });
  const closed = once(script, 'close');
  script.stdin.end(text);
  await until(() => existsSync(reached), 'the first box runs');
  for (const name of ['shop', 'shop.a']) {
    renameSync(join(parent, name), join(aside, name));
    mkdirSync(join(parent, name), { mode: 0o700 });
    writeFileSync(join(parent, name, 'life'), '');
  }
  writeFileSync(gate, '');
  assert.deepEqual(await closed, [127, null]);
  assert.deepEqual(visible(), ['shop', 'shop.a']);
  assert.deepEqual(processesWith(aside), []);
  for (const name of visible()) rmSync(join(parent, name), { recursive: true });
});
