import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Freezer } from '../../src/host/cgroup/freezer.js';
import { parseReadings, readCgroups } from '../../src/host/cgroup/readings.js';
import { cpuAfter, killedForMemory, parseStats, type Stats } from '../../src/host/cgroup/stats.js';

/** As Linux 6.18 has written them for a box in hierarchies of version 1. */
const LEGACY = new Map([
  ['memory.usage_in_bytes', '323584\n'],
  ['memory.max_usage_in_bytes', '786432\n'],
  ['memory.limit_in_bytes', '9223372036854771712\n'],
  ['memory.oom_control', 'oom_kill_disable 0\nunder_oom 0\noom_kill 2\n'],
  ['memory.failcnt', '7\n'],
  ['cpu.stat', 'nr_periods 21\nnr_throttled 19\nthrottled_time 1520345678\nnr_bursts 0\nburst_time 0\n'],
  ['cpuacct.usage', '10000500\n'],
  ['cpuacct.usage_user', '9000000\n'],
  ['cpuacct.usage_sys', '3000000\n'],
  ['pids.current', '1\n'],
  ['pids.peak', '2\n'],
  ['pids.max', 'max\n'],
  [
    'blkio.throttle.io_service_bytes_recursive',
    '254:0 Read 4096\n254:0 Write 8192\n254:0 Sync 4096\n254:0 Async 8192\n254:0 Discard 0\n254:0 Total 12288\n' +
      '8:16 Read 512\n8:16 Write 0\n8:16 Sync 512\n8:16 Async 0\n8:16 Discard 0\n8:16 Total 512\nTotal 12800\n',
  ],
  [
    'blkio.throttle.io_serviced_recursive',
    '254:0 Read 1\n254:0 Write 2\n254:0 Sync 1\n254:0 Async 2\n254:0 Discard 0\n254:0 Total 3\n' +
      '8:16 Read 1\n8:16 Write 0\n8:16 Sync 1\n8:16 Async 0\n8:16 Discard 0\n8:16 Total 1\nTotal 4\n',
  ],
]);

/** As Linux 6.1 has written them in one of version 2. */
const UNIFIED = new Map([
  ['memory.current', '1048576\n'],
  ['memory.peak', '54525952\n'],
  ['memory.max', '104857600\n'],
  ['memory.events', 'low 0\nhigh 0\nmax 12\noom 1\noom_kill 1\noom_group_kill 0\n'],
  [
    'cpu.stat',
    'usage_usec 512345\nuser_usec 500000\nsystem_usec 12345\nnr_periods 5\nnr_throttled 4\nthrottled_usec 320000\nnr_bursts 0\nburst_usec 0\n',
  ],
  ['pids.current', '3\n'],
  ['pids.max', '20\n'],
  [
    'io.stat',
    '254:0 rbytes=4096 wbytes=8192 rios=1 wios=2 dbytes=0 dios=0\n7:0 8:16 rbytes=512 wbytes=0 rios=1 wios=0 dbytes=0 dios=0\n',
  ],
]);

const NOTHING: Stats = {
  wallTime: undefined,
  memory: { current: undefined, peak: undefined, limit: undefined },
  oomKills: undefined,
  cpu: { user: undefined, system: undefined, total: undefined },
  throttled: { periods: undefined, time: undefined },
  io: { readBytes: undefined, writtenBytes: undefined, reads: undefined, writes: undefined },
  pids: { current: undefined, peak: undefined, limit: undefined },
};

test('files of version 1', () => {
  assert.deepEqual(parseStats(LEGACY, 1_000_000), {
    wallTime: 1_000_000,
    memory: { current: 323_584, peak: 786_432, limit: 'max' },
    oomKills: 2,
    cpu: { user: 7500, system: 2500, total: 10_000 },
    throttled: { periods: 19, time: 1_520_345 },
    io: { readBytes: 4608, writtenBytes: 8192, reads: 2, writes: 2 },
    pids: { current: 1, peak: 2, limit: 'max' },
  });
  assert.equal(killedForMemory(LEGACY), true);
});

test('files of version 2', () => {
  assert.deepEqual(parseStats(UNIFIED, undefined), {
    wallTime: undefined,
    memory: { current: 1_048_576, peak: 54_525_952, limit: 104_857_600 },
    oomKills: 1,
    cpu: { user: 500_000, system: 12_345, total: 512_345 },
    throttled: { periods: 4, time: 320_000 },
    io: { readBytes: 4608, writtenBytes: 8192, reads: 2, writes: 2 },
    pids: { current: 3, peak: undefined, limit: 20 },
  });
  assert.equal(killedForMemory(UNIFIED), true);
});

test('no input or output yet is 0, no file for it is unknown', () => {
  assert.deepEqual(parseStats(new Map([['io.stat', '']]), undefined).io, {
    readBytes: 0,
    writtenBytes: 0,
    reads: 0,
    writes: 0,
  });
  assert.deepEqual(parseStats(new Map([['blkio.throttle.io_serviced_recursive', 'Total 0\n']]), undefined).io, {
    readBytes: undefined,
    writtenBytes: undefined,
    reads: 0,
    writes: 0,
  });
});

test('what no tick of the clock has met is user time, as in version 2', () => {
  const readings = new Map([...LEGACY, ['cpuacct.usage_user', '0\n'], ['cpuacct.usage_sys', '0\n']]);
  assert.deepEqual(parseStats(readings, undefined).cpu, { user: 10_000, system: 0, total: 10_000 });
});

type Cpu = Stats['cpu'];

function times(user: number, system: number): Cpu {
  return { user, system, total: user + system };
}

const LATER: readonly (readonly [what: string, before: Cpu | undefined, now: Cpu, after: Cpu])[] = [
  ['the first look', undefined, times(5, 0), times(5, 0)],
  ['both are more', times(5, 1), times(6, 2), times(6, 2)],
  ['a tick of system after a look without any', times(5, 0), times(0, 8), times(5, 3)],
  ['a tick of user', times(0, 8), times(6, 6), times(4, 8)],
  ['the same total', times(5, 0), times(0, 5), times(5, 0)],
];

for (const [what, before, now, after] of LATER)
  test(`neither user nor system time becomes less: ${what}`, () => {
    assert.deepEqual(cpuAfter(before, now), after);
  });

test('where parts are not counted, there are none later either', () => {
  const uncounted = { user: undefined, system: undefined, total: 7 };
  assert.deepEqual(cpuAfter(times(5, 1), uncounted), uncounted);
});

test('of a hybrid host, cpu.stat may be of both versions', () => {
  const readings = new Map([
    ['cpu.stat', 'nr_periods 1\nnr_throttled 1\nthrottled_time 2000\nusage_usec 30\nuser_usec 20\nsystem_usec 10\n'],
  ]);
  const { cpu, throttled } = parseStats(readings, undefined);
  assert.deepEqual(
    { cpu, throttled },
    { cpu: { user: 20, system: 10, total: 30 }, throttled: { periods: 1, time: 2 } },
  );
});

test('what cannot be understood is unknown, never 0', () => {
  assert.deepEqual(parseStats(new Map(), undefined), NOTHING);
  for (const garbage of ['', '\n', '-1\n', 'x\n', '1.5\n', '1 2\n', 'oom_kill\n', 'oom_kill x\nusage_usec y\n']) {
    const readings = new Map([...LEGACY.keys(), ...UNIFIED.keys()].map(file => [file, garbage]));
    // Of input and output, an empty file says that there was none.
    const io = garbage === '' ? { readBytes: 0, writtenBytes: 0, reads: 0, writes: 0 } : NOTHING.io;
    assert.deepEqual(parseStats(readings, undefined), { ...NOTHING, io }, JSON.stringify(garbage));
    assert.equal(killedForMemory(readings), false);
  }
});

test('killed at a limit of memory and swap together, which Linux 6.18 counts nowhere', () => {
  const none = new Map([...LEGACY, ['memory.failcnt', '0\n'], ['memory.memsw.failcnt', '0\n']]);
  const full = [...none, ['memory.limit_in_bytes', '20971520\n'], ['memory.max_usage_in_bytes', '20971520\n']] as const;
  assert.equal(killedForMemory(new Map(full)), true);
  assert.equal(killedForMemory(new Map([...full, ['memory.max_usage_in_bytes', '20967424\n']])), false);
});

test('killed, but not at a limit of the box: the host had no more', () => {
  assert.equal(killedForMemory(new Map([...LEGACY, ['memory.failcnt', '0\n']])), false);
  assert.equal(killedForMemory(new Map([['memory.events', 'max 0\noom 0\noom_kill 1\n']])), false);
});

test('what a script has written down is what it has read', () => {
  const dump = (readings: ReadonlyMap<string, string>) =>
    [...readings].flatMap(([file, content]) =>
      content === ''
        ? [`${file}\n`]
        : content
            .trimEnd()
            .split('\n')
            .map(line => `${file} ${line}\n`),
    );
  for (const readings of [LEGACY, UNIFIED, new Map([['io.stat', '']])])
    assert.deepEqual(parseReadings(dump(readings).join('')), new Map(readings));
  assert.deepEqual(parseReadings(''), new Map());
  assert.deepEqual(parseReadings('\n$%&\n../x 1\n'), new Map());
});

test('directories are read file by file; of those that have gone, nothing', () => {
  const top = mkdtempSync(join(tmpdir(), 'nsgen-stats-'));
  try {
    for (const name of ['unified', 'cpu']) mkdirSync(join(top, name));
    for (const [file, content] of UNIFIED) writeFileSync(join(top, 'unified', file), content);
    writeFileSync(join(top, 'cpu', 'cpu.stat'), LEGACY.get('cpu.stat') ?? '');
    const unified = { version: 2, controllers: ['memory', 'cpu', 'cpuacct'], directory: join(top, 'unified') } as const;
    const files = ['memory.current', 'memory.peak', 'memory.max', 'memory.events', 'cpu.stat'];
    assert.deepEqual(readCgroups([unified]), new Map(files.map(file => [file, UNIFIED.get(file)])));
    const cpu = { version: 1, controllers: ['cpu'], directory: join(top, 'cpu') } as const;
    assert.equal(readCgroups([unified, cpu])?.get('cpu.stat'), `${UNIFIED.get('cpu.stat')}${LEGACY.get('cpu.stat')}`);
    rmSync(join(top, 'cpu'), { recursive: true });
    assert.equal(readCgroups([unified, cpu]), undefined);
  } finally {
    rmSync(top, { recursive: true });
  }
});

test('a cgroup that comes, file by file, while it is to be frozen', async () => {
  const top = mkdtempSync(join(tmpdir(), 'nsgen-stats-'));
  try {
    const directory = join(top, 'freezer');
    const freezer = new Freezer({ version: 1, controllers: ['freezer'], directory });
    const frozen = freezer.freeze(() => false);
    mkdirSync(directory);
    // Asked for again while the directory is there without its file.
    await assert.rejects(
      freezer.freeze(() => true),
      /the box has ended/,
    );
    writeFileSync(join(directory, 'freezer.state'), 'THAWED\n');
    await frozen;
    assert.equal(readFileSync(join(directory, 'freezer.state'), 'utf8'), 'FROZEN\n');
  } finally {
    rmSync(top, { recursive: true });
  }
});
