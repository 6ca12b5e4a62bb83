import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { packageRoot } from '../../src/package-root.js';
import { execute } from '../support/cli.js';
import { ownDirectory } from '../support/own-directory.js';
import { writeHost } from './fake-host.js';
import { type Row, rows } from './table.js';

const directory = ownDirectory('hosts');
chmodSync(directory, 0o755);
const decide = fileURLToPath(new URL('decide.js', import.meta.url));

const functions = join(packageRoot, 'templates', 'functions');
const FUNCTIONS = readdirSync(functions)
  .map(name => readFileSync(join(functions, name), 'utf8'))
  .filter(text => !text.includes('<%'))
  .join('');

/** What the script decides, in the words of decide.ts. */
const ASK = `set -Eeuo pipefail
LC_ALL=C IFS=$' \\t\\n'
die() { printf '%s\\n' "$1"; exit; }
pause() { sleep "$1"; }
${FUNCTIONS}
declare -A parent_of=() version_of=() field_of=() home_of=()
optional_controller=$1
shift
for controller in "\${@:3}"; do
  field_of[$controller]=accounting
  if [[ $controller == freezer ]]; then field_of[$controller]=freezer; fi
done
find_cgroups "$@"
for key in "\${!parent_of[@]}"; do printf '%s v%s %s\\0' "$key" "\${version_of[$key]}" "\${parent_of[$key]}"; done
shopt -s globstar nullglob
for file in /sys/fs/cgroup/**/cgroup.subtree_control; do
  if [[ $(<"$file") == +* ]]; then printf '%s %s\\0' "\${file%/*}" "$(<"$file")"; fi
done`;

/** Mounts are of a mount namespace that ends with it; /proc comes last, since mount(8) looks there. */
const PLACE = `cd / && for part in sys mnt proc; do mount -n -i -c --bind "$1/$part" "/$part" || exit; done; shift && exec "$@"`;

const within = (tree: string, uid: number | undefined, words: readonly string[]) =>
  execute('unshare', [
    ...['--mount', '--propagation', 'private', '--', 'bash', '-c', PLACE, 'place', tree],
    ...(uid === undefined ? [] : ['setpriv', '--reuid', String(uid), '--regid', String(uid), '--clear-groups', '--']),
    ...words,
  ]);

async function byTypeScript(tree: string, { host: _, answer: __, uid, ...question }: Row) {
  const { stdout, stderr } = await within(tree, uid, [process.execPath, decide, JSON.stringify(question)]);
  assert.equal(stderr, '');
  return JSON.parse(stdout);
}

async function byBash(tree: string, { parent = '', everywhere, controllers, optional = [], uid }: Row) {
  const words = [optional[0] ?? '', parent, everywhere ?? '', ...controllers];
  const { stdout, stderr } = await within(tree, uid, ['bash', '-c', ASK, 'box.sh', ...words]);
  assert.equal(stderr, '');
  if (!stdout.includes('\0')) return stdout === '' ? [] : [stdout.trimEnd()];
  return stdout.split('\0').filter(Boolean).sort();
}

describe('where a box has its cgroups', { concurrency: 4 }, () => {
  for (const [index, row] of rows.entries())
    test(row.name, async () => {
      const answers: unknown[] = [];
      for (const ask of [byTypeScript, byBash]) {
        const tree = join(directory, `${index}-${ask.name}`);
        mkdirSync(tree);
        writeHost(tree, row.host);
        answers.push(await ask(tree, row));
      }
      assert.deepEqual(answers, [row.answer, row.answer]);
    });
});
