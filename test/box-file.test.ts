import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { nsgen } from './support/cli.js';
import { ownDirectory } from './support/own-directory.js';
import { assertLines, type Lines } from './support/refusal.js';

/** Files that are refused. */
const REFUSED: readonly (readonly [content: string | Uint8Array, lines: Lines])[] = [
  ['', [/^cannot read the box from stdin: /]],
  ['3', ['must be a mapping; it is 3']],
  ['~', ['must be a mapping; it is null']],
  ['- true', ['must be a mapping; it is a list']],
  ['command: true', ['command: must be a list; it is true']],
  ['command: [true, 1]', ['command[0]: must be a string; it is true', 'command[1]: must be a string; it is 1']],
  ['command: [ls]\ncommand: [ps]', [/^cannot read the box from stdin: duplicated mapping key/]],
  ['command: [ls]\nenv: {A: x, A: y}', [/^cannot read the box from stdin: duplicated mapping key/]],
  [
    'command: [ls]\nenv: {A: 1, B: true, C: null, D: 2020-01-01}',
    [
      'env.A: must be a string (quote numbers, true and false)',
      'env.B: must be a string (quote numbers, true and false)',
      'env.C: must be a string (quote numbers, true and false)',
    ],
  ],
  ['<<: {command: [ls]}', ['command: is missing', '["<<"]: is not a field of a box']],
  ['command: [!!js/function "x"]', [/^cannot read the box from stdin: unknown scalar tag/]],
  ['command: !!set {ls}', [/^command: must be a list|^cannot read the box from stdin: /]],
  ['command: &a [*a]', [/^cannot read the box from stdin: |^command\[0\]: must be a string/]],
  ['command: [ls]\n---\ncommand: [ps]', [/^cannot read the box from stdin: expected a single document/]],
  ['command: [ls', [/^cannot read the box from stdin: /]],
  ['{"command": ["ls"], "command": ["ps"]}', ['command: is given more than once']],
  [
    '{"command": ["a\\"b", "{"], "env": {"A": "}", "B": "", "A": ","}, "mounts": [{}, {"type": "bind", "type": "x"}]}',
    ['env.A: is given more than once', 'mounts[1].type: is given more than once'],
  ],
  ['{"command": ["ls"], "__proto__": {"hostname": "x"}}', ['__proto__: is not a field of a box']],
  ['{"command": ["ls"], "namespaces": {"constructor": "new"}}', ['namespaces.constructor: is not a field of a box']],
  ['{"command": ["\\ud800"]}', ['command[0]: must be well-formed Unicode (it contains half of a surrogate pair)']],
  ['command: ["a\\0b"]', ['command[0]: must not contain a NUL byte']],
  [Buffer.from('command: [\xff]', 'latin1'), [/^cannot read the box from stdin: .*utf-8/i]],
];

describe('files that are refused, each problem by its field', () => {
  for (const [content, lines] of REFUSED) {
    test(`-f - with ${JSON.stringify(content.toString())}`, async () => {
      const { status, stdout, stderr } = await nsgen(['run', '-f', '-'], { input: content });
      assertLines(stderr, lines);
      assert.deepEqual({ status, stdout }, { status: 2, stdout: '' });
    });
  }

  test('a file whose name ends in .json is JSON and nothing else', async () => {
    const name = join(ownDirectory('box-file'), 'flow.json');
    writeFileSync(name, '{command: [echo, hi]}');
    const { status, stderr } = await nsgen(['run', '-f', name]);
    assertLines(stderr, [/^cannot read the box from .*flow.json: /]);
    assert.equal(status, 2);
    const flow = await nsgen(['run', '-f', '-'], { input: '{command: [echo, hi]}' });
    assert.deepEqual(flow, { status: 0, signal: null, stdout: 'hi\n', stderr: '' });
  });
});
