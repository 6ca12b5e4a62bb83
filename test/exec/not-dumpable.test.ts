import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { embeddedNewcomer } from '../../src/backends/script/newcomer-program.js';
import { absolutePath } from '../../src/box/values.js';
import { describeNewcomer } from '../../src/exec/newcomer.js';
import { makeExecPlan, type Newcomer } from '../../src/exec/plan.js';
import { openTarget } from '../../src/exec/target.js';
import { formatSystemCall } from '../../src/linux/system-call.js';
import { systemCalls } from '../../src/plan/operations.js';
import { ownDirectory } from '../support/own-directory.js';
import { callerOf } from '../support/plan-caller.js';

/** Whoever comes into a box is not dumpable at any moment in which somebody there can see it: in what order that is done. */

const directory = ownDirectory('not-dumpable');
const target = openTarget({ pid: process.pid });
after(() => closeSync(target.directory));

/** To join what this process is itself: a program that comes in is to be executed here. */
const alike = describeNewcomer(target, {
  command: ['true'],
  env: {},
  boxEnv: { PATH: '/usr/bin:/bin' },
  cwd: absolutePath('/'),
  ignoreSeccomp: true,
  ignoreApparmor: true,
  terminal: false,
});

const NEWCOMERS: Readonly<Record<string, Newcomer>> = {
  'the same user': alike,
  'another user': {
    ...alike,
    uids: [1234, 1234, 1234],
    target: { ...target, status: { ...target.status, capabilities: none() } },
  },
};

function none() {
  const { bounding } = target.status.capabilities;
  return { inheritable: 0n, permitted: 0n, effective: 0n, ambient: 0n, bounding };
}

/** What makes a process dumpable again, or as fs.suid_dumpable says: PR_SET_DUMPABLE in prctl(2). */
const CHANGES = /^(?:setns|set(?:res|re|fs)?[ug]id|setgroups|capset)\(|^prctl\(PR_CAP_AMBIENT/;
const NOT_DUMPABLE = /^prctl\(PR_SET_DUMPABLE, (?:0|SUID_DUMP_DISABLE)[,)]/;

/** @param calls as strace(1) shows them, in order: when a process is made, nothing has changed it since. */
function assertNotDumpable(calls: readonly string[]): void {
  const relevant = calls.filter(call => /^clone3\(|^prctl\(PR_SET_DUMPABLE/.test(call) || CHANGES.test(call));
  const made = relevant.flatMap((call, index) => (call.startsWith('clone3(') ? [index] : []));
  assert.notEqual(made.length, 0, calls.join('\n'));
  for (const index of made) assert.match(relevant[index - 1] ?? 'nothing', NOT_DUMPABLE, relevant.join('\n'));
  // Nor does the last, whom the box sees, become it.
  assert.equal(relevant.length - 1, made.at(-1), relevant.join('\n'));
}

/** What the program does that a script has, when it is executed. */
function trace({ elf, words }: { readonly elf: Buffer; readonly words: readonly string[] }): readonly string[] {
  const file = join(directory, 'newcomer');
  const log = join(directory, 'strace');
  writeFileSync(file, elf, { mode: 0o755 });
  // Its descriptor 3 is that of the report.
  const { status, stderr } = spawnSync('strace', ['-f', '-qq', '-o', log, '--', file, ...words], {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
    timeout: 20_000,
  });
  assert.equal(status, 0, stderr);
  return readFileSync(log, 'utf8')
    .split('\n')
    .map(line => line.replace(/^\d+ +/, ''));
}

for (const [name, newcomer] of Object.entries(NEWCOMERS))
  describe(name, () => {
    for (const devpts of [undefined, 9])
      test(`the plan of nsgen exec${devpts === undefined ? '' : ' -t'}`, () => {
        const plan = makeExecPlan({ ...newcomer, terminal: devpts !== undefined }, devpts);
        const calls = plan.flatMap(operation => systemCalls(operation, callerOf(plan))).map(formatSystemCall);
        assert.equal(calls.filter(call => call.startsWith('clone3(')).length, 2);
        assertNotDumpable(calls);
      });

    for (const userLast of [true, false])
      test(`the program of a script that enters the user namespace ${userLast ? 'last' : 'before'}, as the script shows it`, () => {
        for (const terminal of [true, false]) {
          const own = { ...newcomer, terminal };
          const { before, inside } = embeddedNewcomer(own, makeExecPlan(own), userLast);
          assertNotDumpable([...before, 'clone3()', ...inside]);
        }
      });

    test('the program of a script, as the kernel sees it', () => {
      const { lines, prefixes } = embeddedNewcomer(newcomer, makeExecPlan(newcomer), false);
      const words = [...prefixes.map(prefix => `${prefix}true`), '/bin/sh', 'true'];
      const calls = trace({ elf: Buffer.from(lines.join(''), 'base64'), words });
      assert.ok(
        calls.some(call => call.startsWith('execve("/usr/bin/true"')),
        calls.join('\n'),
      );
      assertNotDumpable(calls);
    });
  });
