import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { capabilitiesIn } from '../../src/inspect/capabilities.js';
import type { Person } from '../../src/inspect/census.js';
import { family } from '../../src/inspect/family.js';
import { mountTable } from '../../src/inspect/mount-table.js';
import { cgroupsOf, commandOf, idMap, parseStatus, rlimitsOf, terminalOf } from '../../src/inspect/proc-files.js';
import { CAPABILITIES } from '../../src/linux/capabilities.js';
import { execute } from '../support/cli.js';
import { HOST } from './fixture.js';

test('a mount table, with whatever may be in its fields', () => {
  const lines = [
    '36 35 98:0 /mnt1 /mnt\\0402\\011\\012\\134 rw,noatime master:1 shared:7 - ext3 /dev/\\043root rw,errors=continue',
    '37 35 0:5 / /a\xff rw - tmpfs none ',
    '38 35 0:5 / /b rw unbindable - fuse.x -\\040- rw',
    'no line of a mount table',
    '',
  ];
  assert.deepEqual(
    mountTable(lines.join('\n')).map(({ id, root, point, options, propagation, type, source, superOptions }) => [
      id,
      root,
      point,
      options,
      propagation,
      type,
      source,
      superOptions,
    ]),
    [
      [
        36,
        '/mnt1',
        '/mnt 2\t\n\\',
        ['rw', 'noatime'],
        ['master:1', 'shared:7'],
        'ext3',
        '/dev/#root',
        'rw,errors=continue',
      ],
      [37, '/', '/a\udcff', ['rw'], [], 'tmpfs', 'none', ''],
      [38, '/', '/b', ['rw'], ['unbindable'], 'fuse.x', '- -', 'rw'],
    ],
  );
});

test('capabilities have the names that capsh gives them, and numbers where they have none', async () => {
  const { stdout } = await execute('capsh', ['--decode=000001ffffffffff']);
  const names = stdout
    .trim()
    .split('=')[1]
    ?.split(',')
    .map(name => (/^\d+$/.test(name) ? name : name.toUpperCase()));
  assert.equal(CAPABILITIES.length, 41);
  // An older libcap has no name for the latest.
  assert.deepEqual(
    names,
    CAPABILITIES.map((name, number) => (names?.[number] === String(number) ? String(number) : name)),
  );
  assert.deepEqual(capabilitiesIn('8000020000000003'), ['CAP_CHOWN', 'CAP_DAC_OVERRIDE', 41, 63]);
  assert.deepEqual(capabilitiesIn('0'), []);
});

describe('files of /proc/PID', () => {
  test('status, also of a kernel that tells less', () => {
    assert.deepEqual(
      parseStatus('Name:\tNSpid:\\n1\nUid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\nGroups:\t9 10 \nNSpid:\t12\t1\n'),
      {
        pids: [12, 1],
        ids: {
          uid: { real: 1, effective: 2, saved: 3, filesystem: 4 },
          gid: { real: 5, effective: 6, saved: 7, filesystem: 8 },
          groups: [9, 10],
        },
        capabilities: null,
        noNewPrivileges: null,
        seccomp: null,
      },
    );
    assert.deepEqual(parseStatus('NoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t3\n').seccomp, {
      mode: 'filter',
      filters: 3,
    });
    assert.deepEqual(parseStatus('Seccomp:\t7\n').seccomp, { mode: 7, filters: null });
  });

  test('uid_map', () => {
    assert.deepEqual(idMap('         0       1000          1\n         1     100000      65536\n'), [
      { inside: 0, outside: 1000, count: 1 },
      { inside: 1, outside: 100000, count: 65536 },
    ]);
    assert.deepEqual(idMap(''), []);
  });

  test('cgroup', () => {
    assert.deepEqual(cgroupsOf('4:cpu,cpuacct:/a:b\n1:name=systemd:/\n0::/x\xff (deleted)\n'), [
      { hierarchy: 4, controllers: ['cpu', 'cpuacct'], name: null, path: '/a:b' },
      { hierarchy: 1, controllers: [], name: 'systemd', path: '/' },
      { hierarchy: 0, controllers: [], name: null, path: '/x\udcff (deleted)' },
    ]);
  });

  test('cmdline', () => {
    assert.deepEqual(commandOf('a\0\0b\n\0'), ['a', '', 'b\n']);
    assert.deepEqual(commandOf('rewritten by setproctitle'), ['rewritten by setproctitle']);
    assert.equal(commandOf(''), null);
  });

  test('limits, with all that this kernel has', () => {
    const limits = rlimitsOf(readFileSync('/proc/self/limits', 'latin1'));
    assert.equal(limits.length, 16);
    assert.ok(limits.every(({ name }) => name.startsWith('RLIMIT_')));
    assert.deepEqual(
      rlimitsOf(
        'Max open files            1024                 9223372036854775808  files     \nMax wonders  1 unlimited\n',
      ),
      [
        { name: 'RLIMIT_NOFILE', soft: 1024, hard: '9223372036854775808', unit: 'files' },
        { name: 'wonders', soft: 1, hard: 'unlimited', unit: null },
      ],
    );
  });

  test('the number of a terminal', () => {
    const name = (major: number, minor: number) =>
      terminalOf((minor & 0xff) | (major << 8) | ((minor & 0xfff00) << 12));
    assert.equal(terminalOf(0), null);
    assert.deepEqual(name(136, 3), { device: '136:3', name: 'pts/3' });
    assert.deepEqual(name(136, 70000), { device: '136:70000', name: 'pts/70000' });
    assert.deepEqual(
      [name(4, 1)?.name, name(4, 64)?.name, name(5, 1)?.name, name(204, 64)?.name],
      ['tty1', 'ttyS0', 'console', null],
    );
  });
});

describe('who is in the picture', () => {
  const person = (pids: readonly number[], parent: number, namespace: number | null): Person => ({
    pid: pids[0] ?? 0,
    start: '1',
    parent,
    name: 'x',
    state: 'S',
    pids,
    inodes: { ...HOST, pid: namespace },
  });
  const people = new Map(
    [
      person([1], 0, 3),
      person([2], 0, 3),
      person([10], 1, 3),
      person([20, 1], 10, 13),
      person([21, 2], 20, 13),
      person([22, 3, 1], 21, 23),
      person([30], 1, 3),
      // Somebody has come in from outside.
      person([31, 4], 30, 13),
      person([40, 1], 1, 43),
      person([50], 30, 3),
    ].map(one => [one.pid, one]),
  );
  const pids = (target: number, everybody?: boolean) =>
    family(people, target, everybody).map(({ person: { pid }, depth }) => [pid, depth]);

  test('all of a pid namespace and within it, and all above', () => {
    const whole = [
      [1, 0],
      [10, 1],
      [20, 2],
      [21, 3],
      [22, 4],
      [30, 1],
      [31, 2],
    ];
    assert.deepEqual(pids(20), whole);
    assert.deepEqual(pids(31), whole);
    assert.deepEqual(pids(22), whole.slice(0, 5));
  });

  test('of a process of the host what descends from it', () => {
    assert.deepEqual(pids(30), [
      [1, 0],
      [30, 1],
      [31, 2],
      [50, 2],
    ]);
    assert.deepEqual(pids(2), [[2, 0]]);
  });

  test('everybody, if asked for; a loop ends', () => {
    assert.equal(pids(1, true).length, people.size);
    const loop = new Map([person([5], 6, 3), person([6], 5, 3)].map(one => [one.pid, one]));
    assert.ok(family(loop, 5).length <= 2);
  });
});
