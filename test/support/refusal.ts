import assert from 'node:assert/strict';

/** What stands on stderr after `nsgen: `, line by line. */
export type Lines = readonly (string | RegExp)[];

export function assertLines(stderr: string, lines: Lines): void {
  const actual = stderr.split('\n');
  assert.equal(actual.pop(), '');
  assert.equal(actual.length, lines.length, stderr);
  for (const [index, line] of lines.entries()) {
    const text = actual[index] ?? '';
    if (typeof line === 'string') assert.equal(text, `nsgen: ${line}`);
    else assert.match(text.replace(/^nsgen: /, ''), line);
    assert.ok(text.startsWith('nsgen: '), text);
  }
}
