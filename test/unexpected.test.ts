import assert from 'node:assert/strict';
import { rmdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterEach, describe, test } from 'node:test';
import { newMark, processesWith } from './detached/named-boxes.js';
import { nsgenCgroups } from './support/cgroups.js';
import { execute, nsgenPath } from './support/cli.js';
import { ownCgroups } from './support/own-cgroup.js';
import { ownDirectory } from './support/own-directory.js';
import { until } from './support/until.js';

/** Errors where nobody waits for one. A file that is loaded before the command makes them. */

const directory = ownDirectory('unexpected');
const own = ownCgroups();
afterEach(() => assert.deepEqual(own.below(), []));

const hook = join(directory, 'hook.cjs');

function words(text: string, args: readonly string[]): readonly string[] {
  writeFileSync(hook, text);
  return [process.execPath, '--require', hook, nsgenPath, 'run', ...args];
}

function run(text: string, args: readonly string[]) {
  const [program = '', ...rest] = words(text, args);
  return execute(program, rest);
}

/** As soon as somebody waits for the end of a box. */
const onceItRuns = (text: string) =>
  `process.on('newListener', name => { if (name === 'SIGCHLD') setImmediate(() => { ${text} }); });`;

describe('one that nobody catches ends nsgen, with its box', () => {
  const KINDS: Readonly<Record<string, string>> = {
    thrown: "throw new Error('one\\ntwo');",
    'of a promise': "Promise.reject(new Error('one\\ntwo'));",
  };
  for (const [kind, text] of Object.entries(KINDS))
    test(kind, async () => {
      const mark = newMark();
      const flags = ['--memory', '64M', '--share', 'pid'];
      const { status, stderr } = await run(onceItRuns(text), [...flags, '--', 'bash', '-c', 'sleep 1000; :', mark]);
      assert.equal(status, 125);
      const before = 'nsgen: ended by an error that nobody expected: ';
      assert.equal(stderr, `${before}one\n${before}two\n`);
      await until(() => processesWith(mark).length === 0, 'the box has ended');
    });
});

test('what others have left cannot be looked for, and the box goes on', async () => {
  const text = `
    const fs = require('node:fs');
    const { readdirSync } = fs;
    const name = { toString: () => { throw new Error('EACCES: permission denied'); } };
    fs.readdirSync = (path, ...more) => {
      fs.readdirSync = path.startsWith('/sys/fs/cgroup') ? readdirSync : fs.readdirSync;
      return fs.readdirSync === readdirSync ? [{ name, isDirectory: () => true }] : readdirSync(path, ...more);
    };`;
  const { status, stderr } = await run(text, ['--pids-limit', '50', '--', 'bash', '-c', 'exit 7']);
  assert.equal(status, 7);
  assert.match(stderr, /Warning: cgroups that others have left stay \(nsgen prune removes them\): EACCES: perm/);
});

test('whoever sat at the terminal has left, and the cgroups cannot be removed: that is said once', async () => {
  const text = `
    require('node:fs').rmdirSync = path => {
      throw Object.assign(new Error('EROFS: read-only file system, rmdir'), { code: 'EROFS' });
    };`;
  const args = words(text, ['-t', '--pids-limit', '50', '--', 'bash', '-c', 'while echo line; do :; done']);
  const { status, stderr } = await execute('bash', ['-c', '"$@" | true; exit $PIPESTATUS', 'bash', ...args]);
  const [line = '', ...more] = stderr.split('\n');
  const [, cgroup = ''] = /^nsgen: cannot remove the cgroup (\S+): EROFS; later, nsgen prune will$/.exec(line) ?? [];
  const maker = Number(/^nsgen-(\d+)-/.exec(basename(cgroup))?.[1]);
  for (const left of nsgenCgroups([maker])) rmdirSync(left);
  assert.deepEqual({ status, more }, { status: 125, more: [''] }, stderr);
});
