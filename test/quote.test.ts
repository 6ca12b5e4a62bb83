import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { comment, quote, shellWord } from '../src/backends/script/quote.js';
import { anyText, howToRepeat, samples, seed } from './support/random.js';

/** What bash makes of words: the arguments they come to, as bytes. */
function readByBash(words: readonly string[], ...options: string[]): readonly string[] {
  const script = `set -f +H\nprintf '%s\\0' ${words.join(' \\\n  ')}\n`;
  const { stdout, stderr, status } = spawnSync('bash', ['--norc', ...options], {
    input: script,
    env: { PATH: process.env.PATH, LC_ALL: 'C' },
    maxBuffer: 1 << 26,
  });
  assert.equal(stderr.toString(), '');
  assert.equal(status, 0);
  return stdout.toString('utf8').split('\0').slice(0, -1);
}

const TABLE: readonly (readonly [text: string, word: string])[] = [
  ['', "''"],
  ['ps', 'ps'],
  ['-ef', '-ef'],
  ['/usr/bin:/bin', '/usr/bin:/bin'],
  ['two words', "'two words'"],
  ['a=b', "'a=b'"],
  ['~', "'~'"],
  ['*', "'*'"],
  ['if', "'if'"],
  ['$(id)', "$'$(id)'"],
  ['`id`', "$'`id`'"],
  ["it's", "$'it\\'s'"],
  ['back\\slash', "$'back\\\\slash'"],
  ['two\nlines\tand a tab', "$'two\\nlines\\tand a tab'"],
  ['\x1b[31m', "$'\\x1b[31m'"],
  // The byte after an escape must not be taken for part of it.
  ['é1', "$'\\xc3\\xa91'"],
  ['\u202e', "$'\\xe2\\x80\\xae'"],
];

describe(`quoting (${howToRepeat})`, () => {
  for (const [text, word] of TABLE) {
    test(`${JSON.stringify(text)} is written ${word}`, () => assert.equal(shellWord(text), word));
  }

  test('bash reads back exactly the argument, in any locale and in POSIX mode', () => {
    const texts = fc.sample(anyText, { seed, numRuns: samples * 50 });
    const words = texts.map(shellWord);
    assert.deepEqual(readByBash(words), texts);
    assert.deepEqual(readByBash(words, '--posix'), texts);
  });

  test('every character is read back, alone and between others', () => {
    const points = Array.from({ length: 0x3000 }, (_, index) => index + 1);
    const texts = [...points, 0xfeff, 0xfffd, 0xffff, 0x10000, 0x10ffff]
      .filter(point => point < 0xd800 || point > 0xdfff)
      .flatMap(point => [String.fromCodePoint(point), `a${String.fromCodePoint(point)}1`]);
    assert.deepEqual(readByBash(texts.map(shellWord)), texts);
  });

  test('a word is ASCII on one line, so that what is read is what is there', () => {
    fc.assert(
      fc.property(anyText, text => {
        assert.match(quote(text), /^[\x20-\x7e]+$/);
      }),
      { seed, numRuns: samples * 50 },
    );
  });

  test('a comment is ASCII on one line, and ends in no blank', () => {
    fc.assert(
      fc.property(fc.oneof(anyText, fc.string({ unit: 'binary' })), text => {
        assert.match(comment(text), /^(?:[\x20-\x7e]*[\x21-\x7e])?$/);
      }),
      { seed, numRuns: samples * 50 },
    );
    assert.equal(comment('plain text, "quoted"'), 'plain text, "quoted"');
    assert.equal(comment('a\nrm -rf /'), 'a\\u{a}rm -rf /');
  });

  test('only strings and whole numbers have a way into a script', () => {
    assert.equal(quote(1024), '1024');
    assert.equal(quote(-1), '-1');
    for (const value of [undefined, null, {}, ['a'], true, 1.5, Number.NaN, 2 ** 53, 1n, () => 'x']) {
      assert.throws(() => quote(value), TypeError, String(value));
    }
    assert.throws(() => quote('a\0b'), TypeError);
  });
});
