import assert from 'node:assert/strict';
import { closeSync, openSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { errnoNumber } from '../src/linux/errno.js';
import { copyFile, writeFile } from '../src/linux/file-calls.js';
import { type Outcome, runCalls } from '../src/linux/program.js';
import { integer, type Result, type SystemCall } from '../src/linux/system-call.js';
import { ownDirectory } from './support/own-directory.js';

const directory = ownDirectory('file-calls');
const source = join(directory, 'source');
writeFileSync(source, 'of the host\n');
const { size } = statSync(source);
const modified = { seconds: 1_000_000_000, nanoseconds: 5 };

/** Makes the calls with the directory as their root, and closes what a failure has left open. */
function run(calls: (root: Result) => readonly SystemCall[]): Outcome {
  const root: Result = { of: 'root' };
  const held = openSync(directory, 'r');
  const all: readonly SystemCall[] = [
    { name: 'fcntl', arguments: [integer(held), integer(0), integer(0)], result: root },
    ...calls(root),
  ];
  const outcome = runCalls(all);
  closeSync(held);
  const opened = all.filter(({ result }) => result !== undefined).map(call => outcome.result(call));
  const closed = all.filter(call => call.name === 'close' && outcome.result(call) === 0).length;
  if (closed === 0)
    for (const descriptor of opened) if (descriptor !== undefined && descriptor >= 0) closeSync(descriptor);
  return outcome;
}

test('a file is copied whole, with its mode and time', () => {
  const { failure } = run(root => copyFile(source, root, 'copy', { mode: 0o755, size, modified }));
  assert.equal(failure, undefined);
  const copy = join(directory, 'copy');
  assert.equal(readFileSync(copy, 'utf8'), 'of the host\n');
  assert.equal(statSync(copy).mtimeMs, 1e12);
});

test('a file that has become shorter, as one that a full file system has cut, is an error', () => {
  const { failure } = run(root => copyFile(source, root, 'short', { mode: 0o644, size: size + 1, modified }));
  assert.equal(failure?.call.name, 'lseek');
  assert.equal(failure.errno, errnoNumber('EINVAL'));
});

test('an empty file is whole', () => {
  assert.equal(run(root => writeFile(root, 'empty', 0o644, '')).failure, undefined);
  assert.equal(statSync(join(directory, 'empty')).size, 0);
});
