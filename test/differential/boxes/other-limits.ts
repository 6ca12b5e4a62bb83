import { readdirSync, readFileSync } from 'node:fs';
import type { BoxInput } from '../../../src/index.js';
import { cgroupOf } from '../../support/cgroups.js';
import { all, ends, type NamedBox, sees } from '../named-box.js';

type Resources = NonNullable<BoxInput['resources']>;

/** A disk of this host: nothing is read from it or written to it. */
const disk = readdirSync('/sys/block').sort()[0] ?? '';
const [major = 0, minor = 0] = readFileSync(`/sys/block/${disk}/dev`, 'utf8').split(':').map(Number);
const DEVICE = { major, minor };
const rate = (value: number) => [{ ...DEVICE, rate: value }];

const throttled = (file: string, key: string, value: number): RegExp =>
  new RegExp(
    `^  (blkio\\.throttle\\.${file}_device: ${major}:${minor} ${value}|io\\.max: ${major}:${minor} .*\\b${key}=${value}\\b.*)$`,
    'm',
  );

const unified = cgroupOf('self', 'hugetlb').version === 2;

/** Block devices, huge pages, and files of version 2 where the host has a controller there. */
export const OTHER_FIELDS: Readonly<Record<string, readonly [Resources, RegExp]>> = {
  'blockIO.weight': [
    { blockIO: { weight: 300 } },
    /^ {2}(blkio\.(bfq\.)?weight: 300|io\.bfq\.weight: default 300|io\.weight: default 2930)$/m,
  ],
  'blockIO.throttleReadBpsDevice': [
    { blockIO: { throttleReadBpsDevice: rate(1_048_576) } },
    throttled('read_bps', 'rbps', 1_048_576),
  ],
  'blockIO.throttleWriteBpsDevice': [
    { blockIO: { throttleWriteBpsDevice: rate(2_000_001) } },
    throttled('write_bps', 'wbps', 2_000_001),
  ],
  'blockIO.throttleReadIOPSDevice': [
    { blockIO: { throttleReadIOPSDevice: rate(123) } },
    throttled('read_iops', 'riops', 123),
  ],
  'blockIO.throttleWriteIOPSDevice': [
    { blockIO: { throttleWriteIOPSDevice: rate(77), throttleReadBpsDevice: rate(500_000) } },
    throttled('write_iops', 'wiops', 77),
  ],
  hugepageLimits: [
    { hugepageLimits: [{ pageSize: '2MB', limit: '64M' }] },
    /^ {2}hugetlb\.2MB\.(limit_in_bytes|max): 67108864$/m,
  ],
  'hugepageLimits, for reservations': [
    { hugepageLimits: [{ pageSize: '2MB', limit: 5_000_000 }] },
    // Rounded down to pages, by the kernel.
    /^ {2}hugetlb\.2MB\.rsvd\.(limit_in_bytes|max): 4194304$/m,
  ],
  ...(unified
    ? { unified: [{ unified: { 'hugetlb.2MB.max': '2097152' } }, /^ {2}hugetlb\.2MB\.max: 2097152$/m] as const }
    : {}),
};

/** Rules about devices, and the list of version 1 that comes of them; the script has no means for version 2. */
export const DEVICE_FIELDS: Readonly<Record<string, readonly [Resources, RegExp]>> = {
  'devices, none': [{ devices: [{ allow: false }] }, /^devices: .*\n(?! {2}devices\.list)/m],
  'devices, all but one': [
    { devices: [{ allow: false, type: 'c', major: 1, minor: 5, access: 'w' }] },
    /^ {2}devices\.list: a \*:\* rwm$/m,
  ],
  'devices, a few': [
    {
      devices: [
        { allow: false },
        { allow: true, type: 'c', major: 1, access: 'r' },
        { allow: true, type: 'c', major: 1, minor: 3, access: 'w' },
        { allow: true, type: 'b', minor: 4 },
      ],
    },
    /^ {2}devices\.list: b \*:4 rwm\n {2}devices\.list: c 1:\* r\n {2}devices\.list: c 1:3 rw$/m,
  ],
};

const USUAL = ['1:3', '1:5', '1:7', '1:8', '1:9', '5:0', '5:2', '136:\\*']
  .map(device => ` {2}devices\\.list: c ${device} rwm`)
  .join('\n');

const devicesBox: NamedBox = {
  name: 'limits: devices, with a /dev of its own',
  box: ({ rootfs }) => ({
    command: ['/bin/sh', '-c', 'echo x >/dev/null; read -r x </dev/null; echo $?'],
    rootfs,
    resources: { devices: [{ allow: false }] },
  }),
  expect: all(ends(0, '1\n'), sees('resources', new RegExp(`^${USUAL}$`, 'm'))),
};

export const deviceRulesInVersion1 = cgroupOf('self', 'devices').version === 1;

export const otherLimitBoxes: readonly NamedBox[] = deviceRulesInVersion1 ? [devicesBox] : [];
