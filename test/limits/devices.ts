import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { run } from '../../src/index.js';
import { deviceList } from '../../src/plan/device-rules.js';
import { patience } from '../guest/patience.js';
import { cgroupOf } from '../support/cgroups.js';
import { seed } from '../support/random.js';
import { randomNumbers } from '../support/random-numbers.js';
import { type Access, allowed, type Question, type Rule, randomRules } from './device-reference.js';

/** Devices that a box may use, as the kernel has it: opened and made inside. */

const PATHS: Readonly<Record<string, readonly [major: number, minor: number]>> = {
  '/dev/null': [1, 3],
  '/dev/zero': [1, 5],
  '/dev/full': [1, 7],
  '/dev/urandom': [1, 9],
};
const OPENINGS: readonly (readonly [mode: number, access: Access])[] = [
  [0, 'r'],
  [1, 'w'],
  [2, 'rw'],
];

/** Opens each path in each way, then makes a node of each, and prints a line of 1 and 0. With -e, perl opens /dev/null. */
const TRY = `
  my ($directory, @paths) = @ARGV;
  my @done;
  for my $path (@paths) {
    for my $mode (0, 1, 2) {
      my $ok = sysopen(my $file, $path, $mode);
      die "$path: $!" unless $ok || $!{EPERM};
      push @done, $ok ? 1 : 0;
    }
  }
  for my $path (@paths) {
    my $rdev = (stat $path)[6];
    my $node = "$directory/node";
    my $ok = syscall($ENV{MKNODAT}, -100, $node, 020600, $rdev) == 0;
    die "mknod: $!" unless $ok || $!{EPERM};
    unlink $node;
    push @done, $ok ? 1 : 0;
  }
  print "@done";`;

const MKNODAT = process.arch === 'x64' ? '259' : '33';

const questions: readonly Question[] = [
  ...Object.values(PATHS).flatMap(([major, minor]) =>
    OPENINGS.map(([, access]) => ({ type: 'c', major, minor, access }) as const),
  ),
  ...Object.values(PATHS).map(([major, minor]) => ({ type: 'c', major, minor, access: 'm' }) as const),
];

const answers = (rules: readonly Rule[]): string =>
  questions.map(question => (allowed(rules, question) ? 1 : 0)).join(' ');

const CASES: readonly (readonly [name: string, rules: readonly Rule[]])[] = [
  ['all of them', [{ allow: true }]],
  ['none', [{ allow: false }]],
  ['one', [{ allow: false }, { allow: true, type: 'c', major: 1, minor: 3 }]],
  ['all but one', [{ allow: false, type: 'c', major: 1, minor: 5 }]],
  [
    'to be read, and one to be written too',
    [
      { allow: false },
      { allow: true, type: 'c', major: 1, access: 'r' },
      { allow: true, type: 'c', major: 1, minor: 3, access: 'w' },
    ],
  ],
  [
    'of any number, and taken back',
    [{ allow: false }, { allow: true, type: 'c', major: 1, minor: 3 }, { allow: false, type: 'c' }],
  ],
  ['to be made and not opened', [{ allow: false }, { allow: true, access: 'm' }]],
];

export function testDevices(): void {
  const { version } = cgroupOf('self', 'devices');
  const backends = version === 1 ? (['ffi', 'script'] as const) : (['ffi'] as const);
  let directory: string;
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'nsgen-test-devices-'));
    writeFileSync(`${directory}/try.pl`, TRY);
  });
  after(() => rmSync(directory, { recursive: true }));

  const tried = (backend: 'ffi' | 'script', rules: readonly Rule[], user: 'new' | 'shared' = 'shared') =>
    run(
      {
        command: ['perl', '-MErrno', `${directory}/try.pl`, directory, ...Object.keys(PATHS)],
        env: { MKNODAT },
        namespaces: { user },
        resources: { devices: [...rules] },
      },
      { backend },
    );

  for (const backend of backends) {
    for (const [name, rules] of CASES)
      test(`${backend}: ${name}`, async () => {
        const { stdout, stderr, exitStatus } = await tried(backend, rules);
        assert.deepEqual([exitStatus, stderr, stdout], [0, '', answers(rules)]);
      });

    test(`${backend}: in a user namespace too`, async () => {
      const rules: readonly Rule[] = [{ allow: false }, { allow: true, type: 'c', major: 1, minor: 7, access: 'r' }];
      const { stdout, exitStatus } = await tried(backend, rules, 'new');
      // Nobody makes nodes in there.
      assert.deepEqual([exitStatus, stdout], [0, '0 0 0 0 0 0 1 0 0 0 0 0 0 0 0 0']);
    });
  }

  test(`random rules (seed ${seed})`, async () => {
    const random = randomNumbers(seed);
    for (let round = 0; round < Math.ceil(40 / patience); round += 1) {
      const rules = randomRules(random, [1, 3, 5, 7]);
      const list = deviceList(rules);
      for (const backend of backends) {
        const context = `${backend}: ${JSON.stringify(rules)}`;
        if (version === 1 && 'inexpressible' in list) {
          await assert.rejects(tried(backend, rules), /resources\.devices: version 1 of cgroups cannot allow/, context);
          continue;
        }
        const { stdout, stderr, exitStatus } = await tried(backend, rules);
        assert.deepEqual([exitStatus, stderr, stdout], [0, '', answers(rules)], context);
      }
    }
  });

  if (version === 1) return;
  test('the script refuses them, by name, before the command runs', async () => {
    await assert.rejects(tried('script', [{ allow: false }]), /resources\.devices: the script cannot load the program/);
  });
}
