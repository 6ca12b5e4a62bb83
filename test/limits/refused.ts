import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { before, test } from 'node:test';
import type { BoxInput } from '../../src/index.js';
import { run } from '../../src/index.js';
import { cgroupOf } from '../support/cgroups.js';
import { nsgen } from '../support/cli.js';
import { descendants } from '../support/leftovers.js';

type Resources = NonNullable<BoxInput['resources']>;

/** Limits that the kernel, or this host, does not have: each is an error before the command runs, and leaves nothing. */

interface Refused {
  readonly resources: Resources;
  readonly message: RegExp;
}

const NO_DISK = { major: 4000, minor: 7 };
const OF_VERSION_1 = (controller: string, file: string) =>
  new RegExp(
    `resources\\.unified\\["${file}"\\]: this host has the controller ${controller} in version 1 of cgroups, where there is no ${file}$`,
  );
const OF_UNIFIED = (file: string, value: string) =>
  new RegExp(`resources\\.unified\\["${file}"\\]: cannot write "${value}" to ${file}: .*Invalid argument`);

const versionOf = (controller: string) => cgroupOf('self', controller).version;

function cases(): Readonly<Record<string, Refused>> {
  const cpuset =
    'cpus: cannot (have "4000"|write "4000" to cpuset\\.cpus: .*): the CPUs must be among those of the cgroup';
  return {
    'a cpu that there is not': {
      resources: { cpu: { cpus: '4000' } },
      message: new RegExp(`resources\\.cpu\\.${cpuset}`),
    },
    'a cpu that there is, and one that there is not': {
      resources: { memory: { limit: '1G' }, cpu: { cpus: '0,999' } },
      message: /resources\.cpu\.cpus: cannot .*"0,999".*: the CPUs must be among those of the cgroup above$/,
    },
    'a memory node that there is not': {
      resources: { cpu: { mems: '0-63' } },
      message: /resources\.cpu\.mems: cannot .*"0-63".*: the memory nodes must be among those of the cgroup above$/,
    },
    'a disk that there is not': {
      resources: { pids: { limit: 10 }, blockIO: { throttleReadBpsDevice: [{ ...NO_DISK, rate: 4096 }] } },
      message:
        /resources\.blockIO\.throttleReadBpsDevice\[0\]: cannot write "4000:7 (rbps=)?4096" to (io\.max|blkio\.throttle\.read_bps_device): .*No such device\)?: there must be such a device/i,
    },
    'a weight of a disk that there is not': {
      resources: { blockIO: { weightDevice: [{ ...NO_DISK, weight: 100 }] } },
      message: /resources\.blockIO\.weightDevice\[0\]: cannot write "4000:7 \d+" to \S+weight\S*: .*: there must be/,
    },
    'pages of a size that there is not': {
      resources: {
        hugepageLimits: [
          { pageSize: '2MB', limit: '4M' },
          { pageSize: '3MB', limit: '3M' },
        ],
      },
      message:
        /resources\.hugepageLimits\[1\]: this host has no hugetlb\.3MB\.(max|limit_in_bytes): the kernel has no pages of this size/,
    },
    'a file that there is not': {
      resources: { unified: { 'hugetlb.2MB.nothing': '1' } },
      message:
        versionOf('hugetlb') === 1
          ? OF_VERSION_1('hugetlb', 'hugetlb.2MB.nothing')
          : /resources\.unified\["hugetlb\.2MB\.nothing"\]: this host has no hugetlb\.2MB\.nothing: /,
    },
    'a value that means nothing': {
      resources: { unified: { 'hugetlb.2MB.max': '12x' } },
      message:
        versionOf('hugetlb') === 1 ? OF_VERSION_1('hugetlb', 'hugetlb.2MB.max') : OF_UNIFIED('hugetlb.2MB.max', '12x'),
    },
    'memory.high': {
      resources: { unified: { 'memory.high': 'plenty' } },
      message: versionOf('memory') === 1 ? OF_VERSION_1('memory', 'memory.high') : OF_UNIFIED('memory.high', 'plenty'),
    },
    'a depth of cgroups': {
      resources: { unified: { 'cgroup.max.depth': '-3' } },
      message:
        versionOf('freezer') === 1
          ? OF_VERSION_1('freezer', 'cgroup.max.depth')
          : /resources\.unified\["cgroup\.max\.depth"\]: cannot write "-3" to cgroup\.max\.depth: /,
    },
    ...(versionOf('devices') === 1
      ? {
          'rules with a hole': {
            resources: {
              devices: [
                { allow: false },
                { allow: true, type: 'b' as const, major: 8 },
                { allow: false, type: 'b' as const, major: 8, minor: 3 },
              ],
            },
            message: /resources\.devices: version 1 of cgroups cannot allow b 8:\* rwm without b 8:3: /,
          },
        }
      : {}),
    ...(versionOf('memory') === 2
      ? {
          swappiness: {
            resources: { memory: { swappiness: 5 } },
            message: /resources\.memory\.swappiness: only version 1 of cgroups has it/,
          },
        }
      : {}),
  };
}

/**
 * @param left cgroups that somebody has made and left.
 * @param backends those that are started by the command line; in a guest each of them takes its time.
 */
export function testRefusals(
  left: () => readonly string[],
  backends: readonly ('ffi' | 'script')[] = ['ffi', 'script'],
): void {
  // Whatever is opened once is open before anything is counted.
  before(() => assert.rejects(run({ command: ['/nonexistent'] })));

  for (const [name, { resources, message }] of Object.entries(cases())) {
    for (const backend of backends)
      test(`${backend}: ${name}`, async () => {
        const others = left();
        const input = JSON.stringify({ command: ['sh', '-c', 'echo it ran'], resources });
        const { status, stdout, stderr } = await nsgen(['run', '--backend', backend, '-f', '-'], { input });
        assert.match(stderr, /^(nsgen|box\.sh): [^\n]*\n$/);
        assert.match(stderr.trimEnd(), message);
        assert.deepEqual([status, stdout], [125, '']);
        assert.deepEqual(
          left().filter(cgroup => !others.includes(cgroup)),
          [],
        );
      });

    test(`in this process: ${name}`, async () => {
      const others = left();
      const descriptors = readdirSync('/proc/self/fd').length;
      await assert.rejects(run({ command: ['true'], resources }), message);
      assert.deepEqual(
        left().filter(cgroup => !others.includes(cgroup)),
        [],
      );
      assert.deepEqual(descendants(), []);
      assert.equal(readdirSync('/proc/self/fd').length, descriptors);
    });
  }
}
