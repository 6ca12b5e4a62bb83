import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { limitHint } from '../../src/backends/limit-hints.js';
import { packageRoot } from '../../src/package-root.js';

const FILES = [
  ...['cpuset.cpus', 'cpuset.mems', 'cpuset.cpus.partition', 'cpu.max', 'cpu.max.burst', 'cpu.weight', 'cpu.shares'],
  ...[
    'cpu.cfs_quota_us',
    'cpu.cfs_period_us',
    'cpu.cfs_burst_us',
    'cpu.idle',
    'memory.max',
    'memory.low',
    'memory.high',
  ],
  ...[
    'memory.limit_in_bytes',
    'memory.memsw.limit_in_bytes',
    'memory.swap.max',
    'memory.swap.high',
    'memory.oom.group',
  ],
  ...['memory.swappiness', 'memory.oom_control', 'pids.max', 'hugetlb.2MB.max', 'hugetlb.1GB.rsvd.limit_in_bytes'],
  ...['blkio.weight', 'blkio.bfq.weight', 'blkio.bfq.weight_device', 'blkio.weight_device', 'io.weight'],
  ...['io.bfq.weight', 'io.max', 'io.latency', 'io.cost.qos', 'blkio.throttle.read_bps_device'],
  ...['devices.allow', 'devices.deny', 'cgroup.max.depth'],
];

test('both backends give the same reasons', () => {
  const text = readFileSync(join(packageRoot, 'templates', 'functions', 'limit_hint.ejs'), 'utf8');
  const asked = FILES.flatMap(file => (['missing', 'refused'] as const).map(what => [what, file] as const));
  const calls = asked.map(([what, file]) => `limit_hint ${what} ${file}; echo`).join('\n');
  const { stdout } = spawnSync('bash', ['-c', `${text}\n${calls}`], { encoding: 'utf8' });
  const lines = asked.map(([what, file]) => limitHint(what, file));
  assert.deepEqual(stdout.trimEnd().split('\n'), lines);
});
