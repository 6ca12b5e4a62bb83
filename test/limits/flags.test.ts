import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { BoxError } from '../../src/box/problem.js';
import { parseArguments } from '../../src/cli/arguments.js';
import { boxFromFlags } from '../../src/cli/box-from-flags.js';
import { BOX_FLAGS } from '../../src/cli/flags.js';
import { ownDirectory } from '../support/own-directory.js';

/** Limits as flags: each is a field of the box, exactly. */

const directory = ownDirectory('limit-flags');

const boxOf = (words: string) => boxFromFlags(parseArguments([...words.split(' '), 'true'], BOX_FLAGS));

async function problemsOf(words: string): Promise<readonly string[]> {
  try {
    await boxOf(words);
    return [];
  } catch (error) {
    if (!(error instanceof BoxError)) throw error;
    return error.problems.map(({ field, message }) => `${field}: ${message}`);
  }
}

const GIVEN: readonly (readonly [flags: string, part: 'memory' | 'cpu' | 'cpuset' | 'pids', value: object])[] = [
  ['--memory 100M', 'memory', { limit: 104_857_600 }],
  ['--memory=-1', 'memory', { limit: -1 }],
  [
    '--memory 1g --memory-swap 1.5g --memory-reservation 512m',
    'memory',
    {
      limit: 2 ** 30,
      swap: 1.5 * 2 ** 30,
      reservation: 2 ** 29,
    },
  ],
  ['--pids-limit 20', 'pids', { limit: 20 }],
  ['--pids-limit=-1', 'pids', { limit: -1 }],
  ['--cpu-shares 512', 'cpu', { shares: 512 }],
  ['--cpu-quota 50000', 'cpu', { quota: 50_000 }],
  ['--cpu-quota=-1', 'cpu', { quota: -1 }],
  ['--cpuset-cpus 0-1 --cpuset-mems 0', 'cpuset', { cpus: '0-1', mems: '0' }],
];

/** In binary, 0.29 times 100000 is 28999.999999999996, and 1.1 times 1000000 is 1100000.0000000002. */
const CPUS: readonly (readonly [cpus: string, period: number | undefined, quota: number])[] = [
  ['0.2', undefined, 20_000],
  ['0.29', undefined, 29_000],
  ['0.57', undefined, 57_000],
  // docker's own example.
  ['.5', undefined, 50_000],
  ['1.1', 1_000_000, 1_100_000],
  ['1', undefined, 100_000],
  ['2.5', undefined, 250_000],
  ['0.01', undefined, 1000],
  ['0.3', 10_000, 3000],
  // What is left of a microsecond is dropped.
  ['0.333333333', undefined, 33_333],
  ['0.019999999', undefined, 1999],
  ['9999', undefined, 999_900_000],
];

const REFUSED: readonly (readonly [flags: string, problems: readonly string[]])[] = [
  ['--cpus 0', ['--cpus: 0 is 0 of 100000 microseconds: the kernel takes at least 1000']],
  ['--cpus 0.009', ['--cpus: 0.009 is 900 of 100000 microseconds: the kernel takes at least 1000']],
  ['--cpus 0.2 --cpu-quota 20000', ['--cpus: contradicts --cpu-quota']],
  ['--cpus=-1', ['--cpus: "-1" is not a number of CPUs such as 0.2 or 1.5']],
  ['--cpus 1e3', ['--cpus: "1e3" is not a number of CPUs such as 0.2 or 1.5']],
  ['--cpus .', ['--cpus: "." is not a number of CPUs such as 0.2 or 1.5']],
  ['--cpus two', ['--cpus: "two" is not a number of CPUs such as 0.2 or 1.5']],
  ['--pids-limit many', ['--pids-limit: "many" is not a whole number']],
  ['--pids-limit 0', ['resources.pids.limit: must be at least 1']],
  ['--cpu-shares 1', ['resources.cpu.shares: must be at least 2']],
  ['--cpu-period 10', ['resources.cpu.period: must be at least 1000']],
  ['--cpu-quota 10', ['resources.cpu.quota: must be at least 1000']],
  ['--cpuset-cpus 3-1', ['resources.cpu.cpus: must be a list of numbers and ranges: 0-2,4']],
  ['--memory much', ['resources.memory.limit: must be a number of bytes, or a size such as 100M or 1.5GiB']],
  ['--memory 4095', ['resources.memory.limit: must be at least 4096 bytes, or -1 for no limit']],
  ['--memory-swap 1g', ['resources.memory.swap: is memory and swap together: needs resources.memory.limit too']],
  [
    '--memory 2g --memory-swap 1g',
    ['resources.memory.swap: is memory and swap together: must be at least resources.memory.limit'],
  ],
];

describe('limits as flags', () => {
  for (const [flags, part, value] of GIVEN)
    test(flags, async () => {
      const { resources } = await boxOf(flags);
      assert.deepEqual(resources[part], value);
      const others = Object.entries(resources).filter(([name, other]) => name !== part && other !== undefined);
      assert.deepEqual(others, []);
    });

  for (const [cpus, period, quota] of CPUS)
    test(`--cpus ${cpus}${period === undefined ? '' : ` --cpu-period ${period}`} is ${quota}`, async () => {
      const { resources } = await boxOf(`--cpus ${cpus}${period === undefined ? '' : ` --cpu-period ${period}`}`);
      assert.deepEqual(resources.cpu, { quota, period: period ?? 100_000 });
    });

  for (const [flags, problems] of REFUSED)
    test(`${flags} is refused`, async () => {
      const found = await problemsOf(flags);
      for (const problem of problems)
        assert.ok(found.includes(problem), `${problem}\nis not among\n${found.join('\n')}`);
    });

  test('a flag overrides its field of a file, and no other', async () => {
    const file = join(directory, 'box.yaml');
    writeFileSync(file, 'command: [true]\nresources: {memory: {limit: 1g, swap: 2g}, pids: {limit: 9}}\n');
    const { resources } = await boxOf(`-f ${file} --memory 512m`);
    assert.deepEqual(resources.memory, { limit: 2 ** 29, swap: 2 ** 31 });
    assert.deepEqual(resources.pids, { limit: 9 });
  });
});
