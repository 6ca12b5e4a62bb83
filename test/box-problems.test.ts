import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { problemsOf } from './support/problems.js';

const OWN_UTS = 'needs a uts namespace of its own (namespaces.uts: new); it would rename the host or another box';
const EITHER = 'must have either a path or from, the programs to make it of';
const PROGRAM = 'must be the name of a program, or an absolute path';
const OWN_MOUNTS = 'needs a mount namespace of its own (namespaces.mount: new); it would change the mounts of others';
const RELATIVE = 'must be an absolute path (it does not start with "/")';
const NUL = 'must not contain a NUL byte';
const HALF = 'must be well-formed Unicode (it contains half of a surrogate pair)';
const UNKNOWN = 'is not a field of a box';
const CHOICE = 'must be "new", "shared", or the absolute path of a namespace to join';
const VALUE = 'must be a string (quote numbers, true and false)';
const TYPES = ['bind', 'tmpfs', 'proc', 'sysfs', 'mqueue', 'devpts', 'cgroup'].map(type => `"${type}"`).join(' or ');
const LONG_PATH = `/${'x'.repeat(4095)}`;

/** An own key that an object literal would take for the prototype. */
const withProto = (value: unknown): unknown => JSON.parse(`{"__proto__": ${JSON.stringify(value)}}`);

/** Fields to add to `command: [true]`, and the problems of the box. */
const REFUSED: readonly (readonly [fields: object, problems: readonly string[]])[] = [
  [{ command: undefined }, ['command: is missing']],
  [{ command: 'true' }, ['command: must be a list; it is "true"']],
  [{ command: [] }, ['command: must name a program to run']],
  [{ command: ['', 'x'] }, ['command: the program (the first word) must not be empty']],
  [{ command: ['a', 1, null] }, ['command[1]: must be a string; it is 1', 'command[2]: must be a string; it is null']],
  [{ command: ['a\0b', 'c', '\ud800'] }, [`command[0]: ${NUL}`, `command[2]: ${HALF}`]],
  [{ command: ['a', '\udc00\ud800'] }, [`command[1]: ${HALF}`]],
  [{ foo: 1, toString: 2, bar: 3 }, [`foo: ${UNKNOWN}`, `toString: ${UNKNOWN}`, `bar: ${UNKNOWN}`]],
  [{ constructor: 1, 'a b\n': 2 }, [`constructor: ${UNKNOWN}`, `["a b\\n"]: ${UNKNOWN}`]],
  [{ ...{}, namespaces: withProto('new') }, [`namespaces.__proto__: ${UNKNOWN}`]],
  [{ env: withProto(1) }, [`env.__proto__: ${VALUE}`]],
  [{ env: { constructor: 1, toString: null } }, [`env.constructor: ${VALUE}`, `env.toString: ${VALUE}`]],
  [{ env: ['A=b'] }, ['env: must be a mapping of names to values']],
  [{ env: new Map([['A', 'b']]) }, ['env: must be a mapping of names to values']],
  [{ env: null }, ['env: must be a mapping of names to values']],
  [
    { env: { '': 'x', 'a=b': 'x', 'n\0': 'x', v: 'a\0', h: '\ud800', '\udfff': 'x' } },
    [
      'env[""]: the name of a variable must not be empty',
      'env["a=b"]: the name of a variable must not contain "="',
      `env["n\\u0000"]: ${NUL}`,
      `env.v: ${NUL}`,
      `env.h: ${HALF}`,
      `env["\\udfff"]: ${HALF}`,
    ],
  ],
  [{ cwd: 'tmp' }, [`cwd: ${RELATIVE}`]],
  [{ cwd: '' }, [`cwd: ${RELATIVE}`]],
  [{ cwd: '~' }, [`cwd: ${RELATIVE}`]],
  [{ cwd: '/a\0' }, [`cwd: ${NUL}`]],
  [{ cwd: '/\ud83d' }, [`cwd: ${HALF}`]],
  [{ cwd: LONG_PATH }, ['cwd: must be at most 4095 bytes long (PATH_MAX)']],
  [{ cwd: `/${'é'.repeat(2048)}` }, ['cwd: must be at most 4095 bytes long (PATH_MAX)']],
  [
    { hostname: '', domainname: 'a\nb' },
    ['hostname: must not be empty', 'domainname: must not contain control characters'],
  ],
  [{ hostname: 'x'.repeat(65) }, ['hostname: must be at most 64 bytes long']],
  [{ hostname: '日'.repeat(22) }, ['hostname: must be at most 64 bytes long']],
  [{ hostname: 'a\0' }, ['hostname: must not contain control characters']],
  [
    { hostname: 'a\x7f', domainname: '\ud800' },
    ['hostname: must not contain control characters', `domainname: ${HALF}`],
  ],
  [{ hostname: 7 }, ['hostname: must be a string; it is 7']],
  [{ namespaces: 'new' }, ['namespaces: must be a mapping; it is "new"']],
  [{ namespaces: [] }, ['namespaces: must be a mapping; it is a list']],
  [{ namespaces: { mnt: 'new', network: 'new' } }, [`namespaces.mnt: ${UNKNOWN}`, `namespaces.network: ${UNKNOWN}`]],
  [{ namespaces: { pid: 'host', net: 'auto' } }, [`namespaces.pid: ${CHOICE}`, `namespaces.net: ${CHOICE}`]],
  [{ namespaces: { ipc: 'proc/1/ns/ipc' } }, [`namespaces.ipc: ${CHOICE}`]],
  [{ namespaces: { ipc: '/proc/1\0' } }, [`namespaces.ipc: ${NUL}`]],
  [{ namespaces: { user: 3 } }, ['namespaces.user: must be "auto" or "new" or "shared" or a string; it is 3']],
  [
    { timeOffsets: { monotonic: 1.5, boottime: '1' } },
    ['timeOffsets.monotonic: must be a whole number of seconds', 'timeOffsets.boottime: must be a number; it is "1"'],
  ],
  [{ timeOffsets: { monotonic: Number.NaN } }, ['timeOffsets.monotonic: must be a number; it is NaN']],
  [
    { timeOffsets: { monotonic: Number.POSITIVE_INFINITY } },
    ['timeOffsets.monotonic: must be a whole number of seconds', 'timeOffsets.monotonic: must be at most 9000000000'],
  ],
  [{ timeOffsets: { boottime: -9_000_000_001 } }, ['timeOffsets.boottime: must be at least -9000000000']],
  [{ timeOffsets: {} }, ['timeOffsets: needs a time namespace of its own (namespaces.time: new)']],
  [
    { timeOffsets: { monotonic: 1 }, namespaces: { time: '/proc/1/ns/time' } },
    ['timeOffsets: needs a time namespace of its own (namespaces.time: new)'],
  ],
  [{ propagation: 'rslave' }, ['propagation: must be "private" or "slave" or "shared" or "unchanged"; it is "rslave"']],
  [
    { propagation: 'shared' },
    [
      'propagation: "shared" would carry what the box mounts (a fresh /proc) to the host: use private or slave (or proc: false)',
    ],
  ],
  [
    { propagation: 'unchanged', proc: true },
    ['propagation: "unchanged" would carry what the box mounts (a fresh /proc) to the host: use private or slave'],
  ],
  [
    { propagation: 'shared', proc: false, rootfs: '/box', mounts: [{ type: 'tmpfs', destination: '/x' }] },
    [
      'propagation: "shared" would carry what the box mounts (mounts, a rootfs entered by pivot_root) to the host: use private or slave',
    ],
  ],
  [
    { dev: 'yes', privileged: 1 },
    ['dev: must be true or false; it is "yes"', 'privileged: must be true or false; it is 1'],
  ],
  [{ dev: true }, ['dev: needs a rootfs: without one, /dev is that of the host']],
  [
    { dev: true, maskedPaths: ['/x'], readonlyPaths: ['/y'], rootfs: '/box', namespaces: { mount: 'shared' } },
    [`dev: ${OWN_MOUNTS}`, `maskedPaths: ${OWN_MOUNTS}`, `readonlyPaths: ${OWN_MOUNTS}`],
  ],
  [{ maskedPaths: '/x' }, ['maskedPaths: must be a list; it is "/x"']],
  [
    { maskedPaths: ['x', '/a/../b', '/', '/a\0'], readonlyPaths: ['', 7] },
    [
      `maskedPaths[0]: ${RELATIVE}`,
      'maskedPaths[1]: must not contain ".."',
      'maskedPaths[2]: must not be "/": the root itself is the field rootfs',
      `maskedPaths[3]: ${NUL}`,
      `readonlyPaths[0]: ${RELATIVE}`,
      'readonlyPaths[1]: must be a string; it is 7',
    ],
  ],
  [
    { rootfs: { path: '/box', change: 'chroot', readOnly: true } },
    ['rootfs.readOnly: needs rootfs.change: pivot_root (chroot makes no mount of it)'],
  ],
  [{ rootfs: { path: '/box', readOnly: 'ro' } }, ['rootfs.readOnly: must be true or false; it is "ro"']],
  [
    { propagation: 'shared', proc: false, maskedPaths: ['/x'] },
    [
      'propagation: "shared" would carry what the box mounts (masked and read-only paths) to the host: use private or slave',
    ],
  ],
  [{ proc: 'no' }, ['proc: must be true or false; it is "no"']],
  [{ proc: null }, ['proc: must be true or false; it is null']],
  [{ loopback: 1 }, ['loopback: must be true or false; it is 1']],
  [
    { loopback: true, namespaces: { net: 'shared' } },
    ['loopback: needs a net namespace of its own (namespaces.net: new)'],
  ],
  [
    { loopback: true, namespaces: { net: '/proc/1/ns/net' } },
    ['loopback: needs a net namespace of its own (namespaces.net: new)'],
  ],
  [
    { hostname: 'a', domainname: 'b', namespaces: { uts: 'shared' } },
    [`hostname: ${OWN_UTS}`, `domainname: ${OWN_UTS}`],
  ],
  [{ hostname: 'a', namespaces: { uts: '/proc/1/ns/uts' } }, [`hostname: ${OWN_UTS}`]],
  [
    {
      ...{ namespaces: { mount: 'shared' }, proc: true, propagation: 'slave' },
      ...{ rootfs: { path: '/box', change: 'pivot_root' }, mounts: [{ type: 'tmpfs', destination: '/x' }] },
    },
    [
      `proc: ${OWN_MOUNTS}`,
      `mounts: ${OWN_MOUNTS}`,
      `propagation: ${OWN_MOUNTS}`,
      `rootfs.change: pivot_root ${OWN_MOUNTS}`,
    ],
  ],
  [{ namespaces: { mount: '/proc/1/ns/mnt' }, proc: true }, [`proc: ${OWN_MOUNTS}`]],
  [{ rootfs: 3 }, ['rootfs: must be a string or a mapping; it is 3']],
  [{ rootfs: [] }, ['rootfs: must be a string or a mapping; it is a list']],
  [{ rootfs: 'box' }, [`rootfs: ${RELATIVE}`]],
  [{ rootfs: '' }, [`rootfs: ${RELATIVE}`]],
  [{ rootfs: '/a\0b' }, [`rootfs: ${NUL}`]],
  [{ rootfs: {} }, [`rootfs: ${EITHER}`]],
  [{ rootfs: { path: '/box', from: ['ls'] } }, [`rootfs: ${EITHER}`]],
  [{ rootfs: { from: [] } }, ['rootfs.from: must name a program']],
  [{ rootfs: { from: 'ls' } }, ['rootfs.from: must be a list; it is "ls"']],
  [
    { rootfs: { from: ['ls', '', 'bin/ls', '..', 3, '/a\0b', 'a\nb'] } },
    [
      `rootfs.from[1]: ${PROGRAM}`,
      `rootfs.from[2]: ${PROGRAM}`,
      `rootfs.from[3]: ${PROGRAM}`,
      'rootfs.from[4]: must be a string; it is 3',
      `rootfs.from[5]: ${NUL}`,
      'rootfs.from[6]: must not contain a newline',
    ],
  ],
  [
    { rootfs: { from: ['ls'], change: 'chroot' } },
    ['rootfs.change: chroot would leave it mounted in a directory of the host: with from it is pivot_root'],
  ],
  [{ rootfs: { from: ['ls'] }, namespaces: { mount: 'shared' } }, [`rootfs.from: ${OWN_MOUNTS}`]],
  [{ rootfs: { from: ['ls'] }, namespaces: { mount: '/proc/self/ns/mnt' } }, [`rootfs.from: ${OWN_MOUNTS}`]],
  [
    { rootfs: { from: ['ls'] }, propagation: 'shared', proc: false },
    [
      'propagation: "shared" would carry what the box mounts (a rootfs entered by pivot_root) to the host: use private or slave',
    ],
  ],
  [
    { rootfs: { path: './box', change: 'chrot', root: 1 } },
    [
      `rootfs.path: ${RELATIVE}`,
      'rootfs.change: must be "pivot_root" or "chroot"; it is "chrot"',
      `rootfs.root: ${UNKNOWN}`,
    ],
  ],
  ...['/', '//', '/.', '/./'].map(
    rootfs => [{ rootfs }, ['rootfs: must not be "/": without a rootfs, the root of the host is the root']] as const,
  ),
  [{ mounts: { type: 'tmpfs' } }, ['mounts: must be a list; it is a mapping']],
  [
    { mounts: [null, [], { destination: '/x' }, { type: 'overlay' }, { type: 'toString' }] },
    [
      'mounts[0]: must be a mapping; it is null',
      'mounts[1].type: is missing',
      'mounts[2].type: is missing',
      `mounts[3].type: must be ${TYPES}; it is "overlay"`,
      `mounts[4].type: must be ${TYPES}; it is "toString"`,
    ],
  ],
  [{ mounts: [{ type: 'bind' }] }, ['mounts[0].source: is missing', 'mounts[0].destination: is missing']],
  [
    { mounts: [{ type: 'bind', source: 'a', destination: 'b', readonly: true, x: 1 }] },
    [
      `mounts[0].source: ${RELATIVE}`,
      `mounts[0].destination: ${RELATIVE}`,
      `mounts[0].readonly: ${UNKNOWN}`,
      `mounts[0].x: ${UNKNOWN}`,
    ],
  ],
  [
    { mounts: [{ type: 'bind', source: '/a\0', destination: '/b\ud800', readOnly: 'true' }] },
    [
      `mounts[0].source: ${NUL}`,
      `mounts[0].destination: ${HALF}`,
      'mounts[0].readOnly: must be true or false; it is "true"',
    ],
  ],
  [
    { mounts: ['/', '/..', '/a/../b', '//./'].map(destination => ({ type: 'tmpfs', destination })) },
    [
      'mounts[0].destination: must not be "/": the root itself is the field rootfs',
      'mounts[1].destination: must not contain ".."',
      'mounts[2].destination: must not contain ".."',
      'mounts[3].destination: must not be "/": the root itself is the field rootfs',
    ],
  ],
  [
    {
      mounts: [16, '16', '0', '-1', '16mb', '1m,mode=0', '50%%', '1 m', ''].map(size => ({
        type: 'tmpfs',
        destination: '/x',
        size,
      })),
    },
    [
      'mounts[0].size: must be a string; it is 16',
      ...[2, 3, 4, 5, 6, 7, 8].map(
        index => `mounts[${index}].size: must be a size as tmpfs(5) takes it: "16m", "1g", "50%"`,
      ),
    ],
  ],
  [
    {
      mounts: [755, '0o755', '888', '17777', '7', 'u+rwx', '755,size=1'].map(mode => ({
        type: 'tmpfs',
        destination: '/x',
        mode,
      })),
    },
    [
      'mounts[0].mode: must be a string; it is 755',
      ...[1, 2, 3, 4, 5, 6].map(
        index => `mounts[${index}].mode: must be permission bits in octal, as a string: "755" or "1777"`,
      ),
    ],
  ],
  // Of the fields that are sound, the rules are told in the same breath.
  [
    { hostnam: 'x', loopback: true, proc: 1, namespaces: { net: 'shared' } },
    [
      `hostnam: ${UNKNOWN}`,
      'loopback: needs a net namespace of its own (namespaces.net: new)',
      'proc: must be true or false; it is 1',
    ],
  ],
  [{ hostname: 'x', namespaces: { uts: 'shard' } }, [`namespaces.uts: ${CHOICE}`]],
];

describe('a box that is refused, each problem by its field', () => {
  for (const [fields, problems] of REFUSED) {
    test(JSON.stringify(fields).slice(0, 200), () => {
      assert.deepEqual(problemsOf({ command: ['true'], ...fields }).toSorted(), problems.toSorted());
    });
  }

  for (const [input, problem] of [
    [undefined, 'must be a mapping; it is undefined'],
    [null, 'must be a mapping; it is null'],
    ['true', 'must be a mapping; it is "true"'],
    [['true'], 'must be a mapping; it is a list'],
    [new Map(), 'must be a mapping; it is Map'],
    [{}, 'command: is missing'],
  ] as const) {
    test(String(JSON.stringify(input)), () =>
      assert.deepEqual(problemsOf(input), [problem.includes(': ') ? problem : `: ${problem}`]),
    );
  }

  test('a key __proto__ is a field like any other that is unknown', () => {
    assert.deepEqual(problemsOf(JSON.parse('{"command": ["true"], "__proto__": {"hostname": "x"}}')), [
      `__proto__: ${UNKNOWN}`,
    ]);
  });
});
