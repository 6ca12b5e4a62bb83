import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { contest } from './bench/contest.js';
import { compilePrograms, type LauncherBox, startLauncher, time } from './bench/programs.js';
import { atMost, markdown, timesFaster } from './bench/report.js';
import { ratios, summary } from './bench/statistics.js';
import { execute, nsgen } from './support/cli.js';

/** The pieces of the bench, not how fast anything is: the C program is only a measure if it starts the same box. */

const programs = compilePrograms();
after(() => programs.remove());

const BOXES: readonly { readonly box: LauncherBox; readonly flags: readonly string[] }[] = [
  { box: 'named', flags: ['--share', 'net,cgroup'] },
  { box: 'default', flags: [] },
];

for (const { box, flags } of BOXES) {
  describe(`launcher.c, ${box} box`, () => {
    for (const command of [
      ['/bin/ps', '-eo', 'pid,ppid,user,stat,comm,args'],
      ['/bin/cat', '/proc/self/status'],
      ['/bin/sh', '-c', 'ulimit -Sn; ulimit -Hn; umask; env | sort; ls -l /proc/self/fd | cut -d" " -f1,9; exit 7'],
    ]) {
      test(`the world of nsgen: ${command.join(' ')}`, async () => {
        const inC = await execute(programs.launcher, [box, ...command]);
        const inNsgen = await nsgen(['run', ...flags, '--', ...command]);
        assert.equal(inC.stderr, '');
        assert.notEqual(inC.stdout, '');
        assert.deepEqual(
          { ...inC, stdout: comparable(inC.stdout) },
          { ...inNsgen, stdout: comparable(inNsgen.stdout) },
        );
      });
    }

    test('the calls of the plan, in its order', async () => {
      const { stdout } = await nsgen(['plan', '--json', ...flags, '--', '/bin/true']);
      const plan: readonly { readonly systemCalls: readonly string[] }[] = JSON.parse(stdout);
      const planned = plan.flatMap(({ systemCalls }) => systemCalls).map(nameOf);
      const trace = await execute('strace', ['-f', '-qq', programs.launcher, box, '/bin/true']);
      const calls = trace.stderr.split('\n').filter(line => !/resumed|^strace:/.test(line));
      const first = calls.findIndex(line => nameOf(line) === 'clone3');
      // Its maker, which is stopped until the execve, makes no calls in between.
      const last = calls.findIndex((line, index) => index > first && nameOf(line) === 'execve');
      assert.ok(first > 0 && last > first, trace.stderr);
      assert.deepEqual(calls.slice(first, last + 1).map(nameOf), planned);
    });

    test('the loop times as many boxes as it is asked for', async () => {
      const launcher = startLauncher(programs.launcher, box, ['/bin/true']);
      const taken = await contest([{ name: 'C', run: launcher.run }], { rounds: 3, batch: 2 });
      await launcher.stop();
      const times = taken.get('C') ?? [];
      assert.equal(times.length, 3);
      assert.ok(times.every(value => value > 0));
    });
  });
}

/** Memory in use, switches of context and the signals pending for the whole user differ from run to run. */
const comparable = (output: string): string =>
  output.replace(/^(Vm|Rss|Hugetlb|SigQ|.*ctxt_switches|Cpus|Mems).*\n/gm, '');

const nameOf = (line: string): string => /^(?:\[pid +\d+\] )?(\w+)\(/.exec(line)?.[1] ?? line;

test('the stopwatch runs the command, and refuses one that fails', async () => {
  const { wall, cpu } = await time(programs.stopwatch, ['/bin/sh', '-c', 'exit 0']);
  assert.ok(wall > 0 && cpu > 0);
  await assert.rejects(time(programs.stopwatch, ['/bin/sh', '-c', 'exit 3']), /status 3/);
  await assert.rejects(time(programs.stopwatch, ['/nonexistent']), /status 127/);
});

test('medians and quartiles, ratios round by round', () => {
  assert.deepEqual(summary([5, 1, 3, 2, 4]), { median: 3, low: 2, high: 4, count: 5 });
  assert.throws(() => summary([]), RangeError);
  assert.deepEqual(ratios([2, 9], [1, 3]), [2, 3]);
  assert.throws(() => ratios([1], [1, 2]), RangeError);
});

test('the table says which target is missed', () => {
  const own = { name: 'own', milliseconds: [2, 2, 2] };
  const against = (target: ReturnType<typeof atMost>) => ({ name: 'other', milliseconds: [4, 4, 4], target });
  const rows = [atMost(0.5), atMost(0.4), timesFaster(2), timesFaster(3)].map(target => ({
    ...own,
    against: against(target),
  }));
  const page = markdown([{ title: 'title', text: 'text', rows }], [], []);
  const lines = page.split('\n').filter(line => line.startsWith('| own'));
  assert.deepEqual(
    lines.map(line => line.includes('**missed**')),
    [false, true, false, true],
  );
  assert.deepEqual(
    lines.map(line => / met +\|$/.test(line)),
    [true, false, true, false],
  );
});
