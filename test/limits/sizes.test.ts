import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatSize, parseSize } from '../../src/box/size.js';
import { parseBox } from '../../src/index.js';
import { problemsOf } from '../support/problems.js';

/** docs/limits.md, Sizes. */

const SIZES: readonly (readonly [text: string, bytes: number | undefined])[] = [
  ['0', 0],
  ['1', 1],
  ['4096', 4096],
  ['4096b', 4096],
  ['100M', 104_857_600],
  ['100m', 104_857_600],
  ['100MB', 104_857_600],
  ['100mb', 104_857_600],
  ['100MiB', 104_857_600],
  ['100 MiB', 104_857_600],
  ['1.5GiB', 1_610_612_736],
  ['1.5g', 1_610_612_736],
  ['512kb', 524_288],
  ['1t', 1_099_511_627_776],
  ['1p', 1_125_899_906_842_624],
  // Exactly: in binary, 0.1 of a kilobyte would be 102.4000000000000057 bytes, and 1.1 of a terabyte a byte less.
  ['0.1k', 102],
  ['1.1t', 1_209_462_790_553],
  ['0.7G', 751_619_276],
  // What is left of a byte is dropped.
  ['0.0001k', 0],
  ['1.9b', 1],
  ['2.999999999999k', 3071],
  // All that a double holds exactly, and no more.
  ['9007199254740991', Number.MAX_SAFE_INTEGER],
  ['9007199254740992', undefined],
  ['8p', undefined],
  ['7.999999999999p', 9_007_199_254_739_866],
  ['9999999999999999p', undefined],
  ...[
    '',
    ' ',
    'M',
    '.5M',
    '5.',
    '1e3',
    '0x10',
    '+1',
    '-1',
    '1,5G',
    '1_000',
    '1 000',
    '1KK',
    '1Mi',
    '1e',
    '١M',
    '1M\n',
  ].map(text => [text, undefined] as const),
];

test('sizes are exact', () => {
  for (const [text, bytes] of SIZES) assert.equal(parseSize(text), bytes, JSON.stringify(text));
});

test('a size is shown in the largest unit that leaves nothing over', () => {
  for (const [bytes, text] of [
    [0, '0'],
    [1, '1'],
    [1023, '1023'],
    [1024, '1K'],
    [104_857_600, '100M'],
    [1_610_612_736, '1536M'],
    [2 ** 50, '1P'],
  ] as const) {
    assert.equal(formatSize(bytes), text);
    assert.equal(parseSize(text), bytes);
  }
});

test('limits of memory are bytes, sizes, or -1', () => {
  const limitOf = (limit: number | string) =>
    parseBox({ command: ['true'], resources: { memory: { limit } } }).resources.memory?.limit;
  assert.deepEqual(
    ['100M', 104_857_600, '4096', 4096, -1, '-1'].map(limitOf),
    [104_857_600, 104_857_600, 4096, 4096, -1, -1],
  );
  for (const limit of ['4095', 4095, 0, '3.99k'])
    assert.deepEqual(problemsOf({ command: ['true'], resources: { memory: { limit } } }), [
      'resources.memory.limit: must be at least 4096 bytes, or -1 for no limit',
    ]);
  for (const limit of [-2, '-2', '100X', 1.5, 2 ** 53])
    assert.match(
      problemsOf({ command: ['true'], resources: { memory: { limit } } }).join(),
      /^resources\.memory\.limit: must /,
    );
});
