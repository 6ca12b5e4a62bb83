import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { changed, PATH, RUNNABLE } from '../oci/configs.js';
import { cgroupOf } from '../support/cgroups.js';
import { execute, nsgen } from '../support/cli.js';
import { makeRootfs, removeRootfs } from '../support/rootfs.js';
import { assertNothingLeft, ownTemporaryDirectory } from './leftovers.js';

/**
 * What runc and nsgen make of one bundle: processes, names, every mount but those of cgroups with its type and
 * options, what is in /dev, the environment, the working directory.
 */
const LOOK = `
ps -eo uid,pid,ppid,args
cat /proc/sys/kernel/hostname /proc/sys/kernel/domainname
while read -r _ _ _ _ point options rest; do echo "$point $options $rest"; done </proc/self/mountinfo
ls -ln /dev | while read -r kind _ uid gid rest; do echo "$kind $uid $gid $rest"; done
env
pwd
umask
cat /proc/self/timens_offsets
ip -brief link
exit 7`;

const RESOURCES = {
  ...RUNNABLE.linux.resources,
  memory: { limit: 200_000_000, reservation: 100_000_000, swap: 300_000_000, swappiness: 7 },
  cpu: { shares: 300, quota: 70_000, period: 140_000, cpus: '0', mems: '0' },
  pids: { limit: 77 },
  blockIO: { weight: 400, throttleReadBpsDevice: [{ major: 7, minor: 0, rate: 1_000_000 }] },
  devices: [...RUNNABLE.linux.resources.devices, { allow: true, type: 'b', major: 7, minor: 0, access: 'r' }],
} as const;

const LOOK_AT_LIMITS = `
cd /sys/fs/cgroup
cat memory/memory.limit_in_bytes memory/memory.soft_limit_in_bytes memory/memory.memsw.limit_in_bytes
cat memory/memory.swappiness cpu/cpu.shares cpu/cpu.cfs_quota_us cpu/cpu.cfs_period_us cpuset/cpuset.cpus
cat cpuset/cpuset.mems pids/pids.max blkio/blkio.bfq.weight blkio/blkio.throttle.read_bps_device devices/devices.list`;

const sorted = (lines: string) => lines.split('\n').sort().join('\n');

/** Of runc's mounts, what it has otherwise by its own choice and no field of config.json says. */
function comparable(text: string): readonly string[] {
  const masks = ['/proc/acpi', '/proc/asound', '/proc/keys', '/proc/timer_list', '/proc/scsi', '/sys/firmware'];
  const lines = text.split('\n').flatMap(line => {
    const [point = '', options = ''] = line.split(' ');
    // Views of the cgroups differ with the cgroup that a runtime makes.
    if (point.startsWith('/sys/fs/cgroup')) return [];
    // How a mask is mounted is left to runtimes; that it is there is not.
    if (masks.includes(point)) return [`${point} is covered`];
    if (!point.startsWith('/') || !/^r[wo](,|$)/.test(options)) return [timeless(line)];
    const type = / - (\S+) \S+ (.*)$/.exec(line);
    return [`${point} ${options} ${type?.[1]} ${type?.[2]}`.replace(/^(\/dev \S*),relatime/, '$1')];
  });
  // A devpts with a group is mounted over the one that a box's /dev has.
  return [...new Set(lines)].filter(line => !/^\/dev\/pts .*devpts rw,mode/.test(line)).sort();
}

/** Without the date of a file, and without the pid of a child: the threads of runc have used some up. */
const timeless = (line: string): string =>
  line.replace(/\b[A-Z][a-z]{2} +\d+ +[\d:]+ /, '').replace(/^( +0) +(?!1 )\d+ +1 /, '$1 child of 1: ');

describe('a bundle', { concurrency: 2 }, () => {
  const temporary = ownTemporaryDirectory();
  let rootfs: string;
  let bundles: string;
  before(() => {
    rootfs = makeRootfs(['sh', 'ps', 'cat', 'ls', 'env', 'ip', 'true'], ['proc', 'dev', 'sys', 'tmp', 'data']);
    bundles = mkdtempSync(join(tmpdir(), 'nsgen-test-bundles-'));
  });
  after(async () => {
    removeRootfs(rootfs);
    rmSync(bundles, { recursive: true });
    await assertNothingLeft(temporary);
    temporary.remove();
  });

  const PROCESS = { ...RUNNABLE.process, env: [`PATH=${PATH}`, 'HOME=/root', 'A=b c'], args: ['sh', '-c', LOOK] };
  // runc 1.1 knows neither time namespaces nor domainname, and forbids a default device that is listed.
  const WITHOUT = [['linux', 'timeOffsets'], ['domainname'], ['linux', 'devices']];
  const OF_RUNC = WITHOUT.reduce<unknown>((config, path) => changed(config, path, undefined), RUNNABLE);
  const NAMESPACES = RUNNABLE.linux.namespaces.filter(({ type }) => type !== 'time');
  const BASE = changed(changed(OF_RUNC, ['linux', 'namespaces'], NAMESPACES), ['process'], PROCESS);
  const bind = (...options: string[]) => ({ destination: '/data', type: 'none', source: 'data', options });
  const withMount = (mount: object) => changed(BASE, ['mounts', RUNNABLE.mounts.length], mount);

  const SAME: readonly (readonly [name: string, config: unknown])[] = [
    ['as runc spec writes it, with the fields taken out that are refused', BASE],
    ['with a root that can be written to', changed(BASE, ['root', 'readonly'], false)],
    ['with nothing masked', changed(changed(BASE, ['linux', 'maskedPaths'], []), ['linux', 'readonlyPaths'], [])],
    [
      'with its network shared',
      changed(
        BASE,
        ['linux', 'namespaces'],
        NAMESPACES.filter(({ type }) => type !== 'network'),
      ),
    ],
    ['with a bind', withMount(bind('rbind', 'rprivate'))],
    ['with a bind that is read-only', withMount(bind('bind', 'ro', 'nosuid', 'noexec'))],
    [
      'with a tmpfs of its own options',
      withMount({ destination: '/tmp', type: 'tmpfs', source: 'tmpfs', options: ['mode=700', 'size=1m', 'noexec'] }),
    ],
    ['in another directory', changed(BASE, ['process', 'cwd'], '/tmp')],
  ];

  for (const [index, [name, config]] of SAME.entries()) {
    it(`${name} is the same by runc and by nsgen`, async () => {
      const bundle = join(bundles, String(index));
      mkdirSync(join(bundle, 'data'), { recursive: true });
      writeFileSync(join(bundle, 'config.json'), JSON.stringify(changed(config, ['root', 'path'], rootfs)));
      const runc = await execute('runc', [
        '--root',
        join(bundle, 'state'),
        'run',
        '--bundle',
        bundle,
        `nsgen-${process.pid}-${index}`,
      ]);
      assert.equal(runc.status, 7, runc.stderr);
      const script = await nsgen(['script', '--bundle', bundle]);
      assert.match(script.stderr, /^nsgen: note: bash has no openat2: [^\n]*\n$/);
      writeFileSync(join(bundle, 'box.sh'), script.stdout);
      const columns = [
        await nsgen(['run', '--bundle', bundle]),
        await nsgen(['run', '--backend', 'script', '--bundle', bundle]),
        await execute('bash', [join(bundle, 'box.sh')]),
      ];
      for (const column of columns) {
        assert.equal(column.stderr, runc.stderr);
        assert.equal(column.status, 7);
        assert.deepEqual(comparable(column.stdout), comparable(runc.stdout));
      }
    });
  }

  it('limits are those of runc', { skip: cgroupOf('self', 'memory').version === 2 }, async () => {
    const bundle = join(bundles, 'limits');
    mkdirSync(bundle);
    const process = { ...PROCESS, args: ['sh', '-c', LOOK_AT_LIMITS] };
    const rootless = changed(changed(BASE, ['root', 'path'], rootfs), ['process'], process);
    writeFileSync(join(bundle, 'config.json'), JSON.stringify(changed(rootless, ['linux', 'resources'], RESOURCES)));
    const state = join(bundle, 'state');
    const runc = await execute('runc', ['--root', state, 'run', '--bundle', bundle, `nsgen-limits-${bundle.length}`]);
    assert.equal(runc.status, 0, runc.stderr);
    // runc lets every container make nodes of all devices, and use /dev/net/tun.
    const expected = runc.stdout.replace(/^([bc] \*:\* m|c 10:200 rwm)\n/gm, '');
    for (const backend of ['ffi', 'script']) {
      const { status, stdout, stderr } = await nsgen(['run', '--backend', backend, '--bundle', bundle]);
      assert.equal(status, 0, stderr);
      assert.equal(sorted(stdout), sorted(expected));
    }
  });

  it('as runc spec writes it is the same world by both backends', async () => {
    const bundle = join(bundles, 'compared');
    mkdirSync(bundle);
    const config = { ...RUNNABLE, root: { path: rootfs, readonly: true } };
    writeFileSync(join(bundle, 'config.json'), JSON.stringify(config));
    const { status, stdout, stderr } = await nsgen(['compare', '--bundle', bundle, '--', 'sh', '-c', 'env; pwd']);
    assert.equal(status, 0, `${stdout}${stderr}`);
  });
});
