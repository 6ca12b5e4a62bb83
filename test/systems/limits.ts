import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { assertNothingLeft, ownTemporaryDirectory } from '../differential/leftovers.js';
import { patience } from '../guest/patience.js';
import { cgroupOf, numberIn } from '../support/cgroups.js';
import { type Limits, run, type Started, start, WAYS } from './limited.js';

/** docs/systems/limits.md: three limits, by hand and by both backends, in the cgroups that this host has. */

const MEGABYTES = 'my $text = "x" x ($ARGV[0] << 20); print length $text, "\\n"';
const COUNT_FORKS = `
  my ($forks, @children) = 0;
  # Ends by itself where there is no limit.
  while ($forks < 100) {
    my $pid = fork;
    last unless defined $pid;
    if ($pid == 0) { sleep 1000; exit }
    push @children, $pid;
    $forks++;
  }
  print "$forks forks, ", $! + 0, "\\n";
  kill KILL => @children;
  wait for @children`;
/** Every process of it forks as fast as it can; the first ends after a while, if nothing else ends it. */
const FORK_BOMB = `
  my $first = $$;
  my $end = time + $ARGV[0];
  $| = 1; print "go\\n";
  my $made = 0;
  while (time < $end && $made < 200) { $made++ if fork }
  exit unless $$ == $first;
  sleep 1 while time < $end`;
const SPIN = '$| = 1; print "go\\n"; my $end = time + $ARGV[0]; 1 while time < $end';

const REACHED = 'memory limit 100M reached; killed by the kernel (oom)\n';
const KILLED = { 'by hand': '', ffi: `nsgen: ${REACHED}`, script: `box.sh: ${REACHED}` } as const;
const HAS_SWAP = readFileSync('/proc/swaps', 'utf8').split('\n').length > 2;
const EAGAIN = 11;
/** How far what is measured may be from the limit. */
const TOLERANCE = 0.1;
const SECONDS = 5;
/** Of the quota, in milliseconds. */
const PERIOD = 100;

export function testLimits(): void {
  let temporary: ReturnType<typeof ownTemporaryDirectory>;
  before(() => {
    temporary = ownTemporaryDirectory();
  });
  after(async () => {
    await assertNothingLeft(temporary);
    temporary.remove();
  });

  for (const way of WAYS) {
    test(`${way}: who allocates more than 100M is killed, and who does not is not`, async () => {
      // Where there is swap, what does not fit would go there.
      const limits: Limits = { memory: '100M', ...(HAS_SWAP ? { memoryAndSwap: '100M' } : {}) };
      const large = await run(way, limits, MEGABYTES, '200');
      assert.deepEqual({ ...large, stderr: '' }, { status: 137, stdout: '', stderr: '' });
      assert.equal(large.stderr, KILLED[way]);
      const small = await run(way, limits, MEGABYTES, '30');
      assert.deepEqual(small, { status: 0, stdout: `${30 << 20}\n`, stderr: '' });
      // The same program where nothing limits it: what killed it was the limit.
      const free = await run(way, { pids: 1000 }, MEGABYTES, '200');
      assert.deepEqual(free, { status: 0, stdout: `${200 << 20}\n`, stderr: '' });
    });

    test(`${way}: a process that forks gets as many processes as the limit says, and then EAGAIN`, async () => {
      const counted = await run(way, { pids: 20 }, COUNT_FORKS);
      assert.deepEqual(counted, { status: 0, stdout: `19 forks, ${EAGAIN}\n`, stderr: '' });
      const free = await run(way, { memory: '1G' }, COUNT_FORKS);
      assert.equal(free.stdout.split(',')[0], '100 forks');
    });

    test(`${way}: a fork bomb is held at its limit`, async () => {
      const limited = await start(way, { pids: 20 }, FORK_BOMB, String(60 * patience));
      const { directory } = cgroupOf(limited.pid, 'pids');
      const [current, events] = [`${directory}/pids.current`, `${directory}/pids.events`];
      let most = 0;
      // Forks that failed, by the kernel's own count.
      const failed = () => numberIn(events, 'max');
      try {
        const end = performance.now() + 30_000 * patience;
        while (performance.now() < end && !(most === 20 && failed() > 100)) {
          const now = Number(readFileSync(current, 'utf8'));
          assert.ok(now <= 20, `${now} processes`);
          most = Math.max(most, now);
          await delay(10);
        }
        assert.equal(most, 20);
        assert.ok(failed() > 100, `only ${failed()} forks failed`);
      } finally {
        await limited.end();
      }
    });
  }

  test(`all at once: a process that wants all of a cpu gets 20 percent of one for ${SECONDS} seconds`, async () => {
    const all: Started[] = [];
    try {
      // A weight this great lets nobody else keep the box below its limit: what is measured is the limit alone.
      for (const way of WAYS) all.push(await start(way, { cpus: 0.2, shares: 262_144 }, SPIN, String(600 * patience)));
      // The cpu time that was saved up before the first period has to be used up.
      await delay(300 * patience);
      const before = all.map(({ pid }) => usage(pid));
      await delay(SECONDS * 1000);
      const after = all.map(({ pid }) => usage(pid));
      for (const [index, way] of WAYS.entries()) {
        const [first, last] = [before[index], after[index]];
        assert.ok(first !== undefined && last !== undefined);
        const wall = last.at - first.at;
        const share = (last.used - first.used) / wall;
        console.log(`# ${way}: ${(share * 100).toFixed(1)} percent of ${(wall / 1000).toFixed(2)} s`);
        assert.ok(Math.abs(share - 0.2) <= 0.2 * TOLERANCE, `${way}: ${share} of a cpu`);
        // Without a limit nothing is ever throttled.
        const throttled = last.throttled - first.throttled;
        assert.ok(throttled >= (wall / PERIOD) * 0.8, `${way}: ${throttled} periods throttled`);
        const ofProcess = (last.byProcess - first.byProcess) / wall;
        assert.ok(Math.abs(ofProcess - 0.2) <= 0.2 * TOLERANCE, `${way}: ${ofProcess} of a cpu by its own account`);
      }
    } finally {
      for (const { end } of all) await end();
    }
  });
}

interface Usage {
  /** Milliseconds: of the clock, of cpu time, and of that of the one process by /proc/PID/schedstat. */
  readonly at: number;
  readonly used: number;
  readonly byProcess: number;
  /** Periods in which it was stopped. */
  readonly throttled: number;
}

/** What the cgroup itself has used; version 1 counts that in another hierarchy, where the process may be alone or not. */
function usage(pid: number): Usage {
  const { version, directory } = cgroupOf(pid, 'cpu');
  const byProcess = Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[0]) / 1e6;
  const at = performance.now();
  const throttled = numberIn(`${directory}/cpu.stat`, 'nr_throttled');
  if (version === 2) return { at, byProcess, used: numberIn(`${directory}/cpu.stat`, 'usage_usec') / 1000, throttled };
  const accounted = cgroupOf(pid, 'cpuacct').directory;
  return { at, byProcess, used: Number(readFileSync(`${accounted}/cpuacct.usage`, 'utf8')) / 1e6, throttled };
}
