import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parseArguments } from '../../src/cli/arguments.js';
import { boxFromFlags } from '../../src/cli/box-from-flags.js';
import { BOX_FLAGS } from '../../src/cli/flags.js';
import type { Box } from '../../src/index.js';
import { RULES_OF_DEV } from '../../src/plan/device-rules.js';

/** The flags of docker, podman and nsgen's own, as fields of a box. */

const disk = readdirSync('/sys/block').sort()[0] ?? '';
const [major, minor] = readFileSync(`/sys/block/${disk}/dev`, 'utf8').split(':').map(Number);

const resourcesOf = async (...flags: readonly string[]): Promise<Box['resources']> =>
  (await boxFromFlags(parseArguments([...flags, '--', 'true'], BOX_FLAGS))).resources;

const set = async (...flags: readonly string[]): Promise<object> =>
  Object.fromEntries(Object.entries(await resourcesOf(...flags)).filter(([, value]) => value !== undefined));

const rate = (value: number) => [{ major, minor, rate: value }];

const TAKEN: readonly (readonly [flags: readonly string[], resources: object])[] = [
  [['--blkio-weight', '500'], { blockIO: { weight: 500 } }],
  [['--blkio-weight-device', `/dev/${disk}:20`], { blockIO: { weightDevice: [{ major, minor, weight: 20 }] } }],
  [['--device-read-bps', `/dev/${disk}:1mb`], { blockIO: { throttleReadBpsDevice: rate(1_048_576) } }],
  [['--device-write-bps', `/dev/${disk}:4096`], { blockIO: { throttleWriteBpsDevice: rate(4096) } }],
  [
    ['--device-read-iops', `/dev/${disk}:7`, '--device-write-iops', `/dev/../dev/${disk}:9`],
    { blockIO: { throttleReadIOPSDevice: rate(7), throttleWriteIOPSDevice: rate(9) } },
  ],
  [
    ['--device-read-bps', `/dev/${disk}:1k`, '--device-read-bps', `/dev/${disk}:2k`],
    { blockIO: { throttleReadBpsDevice: [...rate(1024), ...rate(2048)] } },
  ],
  [
    ['--hugetlb-limit', '2MB:64M', '--hugetlb-limit', '1GB:2g'],
    {
      hugepageLimits: [
        { pageSize: '2MB', limit: 67_108_864 },
        { pageSize: '1GB', limit: 2_147_483_648 },
      ],
    },
  ],
  [
    ['--device-cgroup-rule', 'b 8:* rm', '--device-cgroup-rule', 'a *:* r'],
    {
      devices: [
        { allow: false, access: 'rwm' },
        ...RULES_OF_DEV,
        { allow: true, type: 'b', major: 8, minor: -1, access: 'rm' },
        { allow: true, type: 'a', major: -1, minor: -1, access: 'r' },
      ],
    },
  ],
  [['--memory-high', '1.5g'], { unified: { 'memory.high': '1610612736' } }],
  [['--memory-high=-1'], { unified: { 'memory.high': 'max' } }],
  [
    ['--cgroup-conf', 'io.max=8:0 rbps=1', '--cgroup-conf', 'memory.low=5', '--cgroup-conf', 'memory.low=7'],
    { unified: { 'io.max': '8:0 rbps=1', 'memory.low': '7' } },
  ],
];

const REFUSED: readonly (readonly [flags: readonly string[], problems: readonly string[]])[] = [
  [['--blkio-weight', 'heavy'], ['--blkio-weight: "heavy" is not a whole number']],
  [['--blkio-weight', '5'], ['resources.blockIO.weight: must be at least 10']],
  [['--blkio-weight-device', '/dev/null:500'], ['--blkio-weight-device: "/dev/null" is not a block device']],
  [
    ['--device-read-bps', '/dev/no\nthing:1'],
    ['--device-read-bps: "/dev/no\\nthing" cannot be looked up on this host: ENOENT'],
  ],
  [
    ['--device-read-bps', `/dev/${disk}`, '--device-write-iops', `/dev/${disk}:1k`, '--device-write-bps', ':1'],
    [
      `--device-read-bps: "/dev/${disk}" is not a device and a size such as 1mb: /dev/sda:1000`,
      '--device-write-bps: ":1" is not a device and a size such as 1mb: /dev/sda:1000',
      `--device-write-iops: "/dev/${disk}:1k" is not a device and a whole number: /dev/sda:1000`,
    ],
  ],
  [['--hugetlb-limit', '64M'], ['--hugetlb-limit: "64M" is not a size of pages and a limit: 2MB:64M']],
  [
    ['--device-cgroup-rule', 'c 1:3', '--device-cgroup-rule', 'u 1:3 r'],
    ['c 1:3', 'u 1:3 r'].map(
      rule => `--device-cgroup-rule: ${JSON.stringify(rule)} is not a rule such as "c 1:3 rwm" or "b 8:* r"`,
    ),
  ],
  [['--memory-high', 'much'], ['--memory-high: "much" is not a size such as 100M, or -1 for no limit']],
  [['--cgroup-conf', 'memory.high'], ['--cgroup-conf: "memory.high" is not NAME=VALUE']],
  [
    ['--cgroup-conf', '__proto__=1'],
    ['resources.unified.__proto__: must be the name of a file of cgroup v2: memory.high'],
  ],
];

for (const [flags, resources] of TAKEN)
  test(flags.join(' '), async () => {
    assert.deepEqual(await set(...flags), resources);
  });

for (const [flags, problems] of REFUSED)
  test(`${JSON.stringify(flags.join(' '))} is refused`, async () => {
    await assert.rejects(resourcesOf(...flags), { message: problems.join('\n') });
  });
