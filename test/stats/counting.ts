import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { BACKEND_NAMES, BoxError, run, type Stats, start } from '../../src/index.js';
import { descendants } from '../support/leftovers.js';
import { pidsOf } from '../systems/live-box.js';
import { cgroupsOfMaker, directoryOf } from './own-cgroups.js';

/** What a box is said to have used: on this host, and in a guest whose cgroups are of version 2. */

const MEBIBYTE = 2 ** 20;

/** Half a second of cpu time, 50 MiB of memory, five processes at one time, 1 MiB written past the page cache. */
const BUSY = `
import mmap, os, signal, sys, time
memory = bytearray(50 * 2**20)
for at in range(0, len(memory), 4096): memory[at] = 1
children = []
for _ in range(4):
    child = os.fork()
    if child == 0: signal.pause()
    children.append(child)
for child in children:
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
out = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_DIRECT)
block = mmap.mmap(-1, 2**20)
block.write(b'x' * 2**20)
assert os.write(out, block) == 2**20
while time.process_time() < 0.5: pass
`;

/** @param target where a write past the page cache reaches a block device: a file, or a device. */
export function testCounting(target: string): void {
  for (const backend of BACKEND_NAMES)
    describe(`statistics, ${backend}`, () => {
      test('what a box has used in all', async () => {
        const began = performance.now();
        const { stats } = await run(
          { command: ['python3', '-c', BUSY, target], accounting: true, resources: { pids: { limit: 50 } } },
          { backend },
        );
        const elapsed = (performance.now() - began) * 1000;
        assert.ok(stats !== undefined);
        const { wallTime, memory, cpu, throttled, io, pids, oomKills } = stats;
        between(wallTime, 500_000, elapsed);
        between(memory.peak, 50 * MEBIBYTE, 150 * MEBIBYTE);
        assert.equal(memory.limit, 'max');
        between(cpu.total, 490_000, elapsed * 2);
        assert.ok(Math.abs((cpu.user ?? 0) + (cpu.system ?? 0) - (cpu.total ?? 0)) <= 1, JSON.stringify(cpu));
        assert.deepEqual(throttled, { periods: 0, time: 0 });
        between(io.writtenBytes, MEBIBYTE, 10 * MEBIBYTE);
        between(io.writes, 1, 10_000);
        between(io.readBytes, 0, 1000 * MEBIBYTE);
        between(io.reads, 0, 1_000_000);
        assert.deepEqual({ ...pids, peak: 0 }, { current: 0, peak: 0, limit: 50 });
        // Linux 6.1 does not say.
        if (pids.peak !== undefined) assert.equal(pids.peak, 5);
        assert.equal(oomKills, 0);
      });

      test('a limit of cpu time is seen to throttle', async () => {
        const command = ['bash', '-c', 'end=$((SECONDS + 2)); while ((SECONDS < end)); do :; done'];
        const resources = { cpu: { quota: 20_000, period: 100_000 } };
        const { stats } = await run({ command, accounting: true, resources }, { backend });
        between(stats?.throttled.periods, 1, 10_000);
        between(stats?.throttled.time, 10_000, 60_000_000);
      });

      test('while a box runs, its statistics are what the files of its cgroups say', async () => {
        const box = await start(
          {
            command: ['sh', '-c', 'echo ready; read line; :'],
            accounting: true,
            resources: { memory: { limit: '64M' } },
          },
          { backend, stdin: 'pipe', stdout: 'pipe' },
        );
        await new Promise(resolve => box.stdout?.once('data', resolve));
        await delay(100);
        const inside = (pid: number) => pidsOf(pid).length > pidsOf(process.pid).length;
        const pid = backend === 'ffi' ? box.pid : (descendants(box.pid).find(inside) ?? 0);
        const before = fromOutside(pid);
        const samples = box.stats({ interval: 10 });
        const { value } = await samples.next();
        const after = fromOutside(pid);
        await samples.return?.();
        box.stdin?.end();
        const { stats } = await box.ended;
        assert.ok(value !== undefined && stats !== undefined);
        assert.equal(value.pids.current, before.pids);
        between(value.memory.peak, before.memory, after.memory);
        between(value.cpu.total, before.cpu - 1, after.cpu);
        assert.equal(value.memory.limit, 64 * MEBIBYTE);
        assert.ok(notLess(stats, value), JSON.stringify({ value, stats }));
        assert.equal(stats.pids.current, 0);
      });

      test('again and again until the end, and then what it was in all', async () => {
        const command = ['bash', '-c', 'for ((i = 0; i < 30; i++)); do sleep 0.02; done'];
        const box = await start({ command, accounting: true }, { backend });
        const all: Stats[] = [];
        for await (const stats of box.stats({ interval: 20 })) all.push(stats);
        assert.ok(all.length > 2, String(all.length));
        assert.ok(all.every((stats, index) => notLess(stats, all[index - 1])));
        assert.deepEqual(all.at(-1), (await box.ended).stats);
        for await (const stats of box.stats()) assert.deepEqual(stats, all.at(-1));
        assert.deepEqual(cgroupsOfMaker(box.pid), []);
      });

      test('nobody need wait for the end of it, and no timer is left', async () => {
        const box = await start({ command: ['cat'], accounting: true }, { backend, stdin: 'pipe' });
        const timers = () => process.getActiveResourcesInfo().filter(name => name === 'Timeout').length;
        const before = timers();
        for await (const stats of box.stats({ interval: 1 })) if (stats.wallTime !== undefined) break;
        const samples = box.stats({ interval: 1_000_000_000 });
        await samples.next();
        const pending = samples.next();
        await delay(10);
        assert.deepEqual(await samples.return?.(), { value: undefined, done: true });
        assert.deepEqual(await pending, { value: undefined, done: true });
        assert.deepEqual(await samples.next(), { value: undefined, done: true });
        assert.ok(timers() <= before);
        const last = box.stats({ interval: 1_000_000_000 });
        await last.next();
        box.stdin?.end();
        const { stats } = await box.ended;
        assert.deepEqual(await last.next(), { value: stats, done: false });
        assert.deepEqual(await last.next(), { value: undefined, done: true });
      });

      test('what makes no sense is refused', async () => {
        const box = await start({ command: ['true'], resources: { pids: { limit: 5 } } }, { backend });
        assert.throws(() => box.stats(), BoxError);
        const counted = await start({ command: ['true'], accounting: true }, { backend });
        for (const interval of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31])
          assert.throws(() => counted.stats({ interval }), RangeError);
        assert.equal((await box.ended).stats, undefined);
        await counted.ended;
      });
    });
}

function between(value: number | undefined, least: number, most: number): void {
  assert.ok(value !== undefined && value >= least && value <= most, `${value} is not from ${least} to ${most}`);
}

/** Of what only grows. */
const notLess = ({ cpu, memory, wallTime }: Stats, before: Stats | undefined): boolean =>
  before === undefined ||
  ((cpu.total ?? 0) >= (before.cpu.total ?? 0) &&
    (memory.peak ?? 0) >= (before.memory.peak ?? 0) &&
    (wallTime ?? 0) >= (before.wallTime ?? 0));

/** Peak of memory in bytes, cpu time in microseconds, number of processes. */
function fromOutside(pid: number) {
  const number = (...files: readonly string[]) => {
    for (const file of files) {
      try {
        const content = readFileSync(`${directoryOf(pid, file)}/${file}`, 'utf8');
        return Number(/^(?:usage_usec )?(\d+)$/m.exec(content)?.[1]);
      } catch {}
    }
    throw new Error(`no ${files}`);
  };
  const legacy = () => number('cpuacct.usage') / 1000;
  let cpu: number;
  try {
    cpu = legacy();
  } catch {
    cpu = number('cpu.stat');
  }
  return { memory: number('memory.max_usage_in_bytes', 'memory.peak'), cpu, pids: number('pids.current') };
}
