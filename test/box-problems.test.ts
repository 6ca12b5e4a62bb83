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
const UNCOVERABLE = 'must not be "/": what is mounted on it could not be taken away again';
const VALUE = 'must be a string (quote numbers, true and false)';
const PROPAGATIONS = ['', 'r']
  .flatMap(r => ['private', 'slave', 'shared', 'unbindable'].map(name => `"${r}${name}"`))
  .join(' or ');
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
  [{ resources: [] }, ['resources: must be a mapping; it is a list']],
  [{ resources: { network: {}, rdma: {} } }, [`resources.network: ${UNKNOWN}`, `resources.rdma: ${UNKNOWN}`]],
  [
    { resources: { blockIO: { weight: 9, weightDevice: [{ major: -1, minor: 0, weight: 1001 }], leafWeight: 10 } } },
    [
      'resources.blockIO.weight: must be at least 10',
      'resources.blockIO.weightDevice[0].major: must be at least 0',
      'resources.blockIO.weightDevice[0].weight: must be at most 1000',
      `resources.blockIO.leafWeight: ${UNKNOWN}`,
    ],
  ],
  [
    {
      resources: {
        blockIO: {
          throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 0 }],
          throttleWriteBpsDevice: [{ major: 8, minor: 0, rate: 1.5 }],
          throttleReadIOPSDevice: [{ major: 4096, minor: 1_048_576, rate: 2 ** 53 }],
          throttleWriteIOPSDevice: [{ major: 8, rate: 1 }],
        },
      },
    },
    [
      'resources.blockIO.throttleReadBpsDevice[0].rate: must be at least 1',
      'resources.blockIO.throttleWriteBpsDevice[0].rate: must be a whole number',
      'resources.blockIO.throttleReadIOPSDevice[0].major: must be at most 4095',
      'resources.blockIO.throttleReadIOPSDevice[0].minor: must be at most 1048575',
      'resources.blockIO.throttleReadIOPSDevice[0].rate: must be at most 9007199254740991',
      'resources.blockIO.throttleWriteIOPSDevice[0].minor: is missing',
    ],
  ],
  [
    {
      resources: {
        hugepageLimits: [
          { pageSize: '../../memory', limit: 1 },
          { pageSize: '2MiB', limit: 1 },
          { pageSize: '2MB', limit: -1 },
          { pageSize: '2MB', limit: '1x' },
          { pageSize: '2MB' },
        ],
      },
    },
    [
      ...[0, 1].map(
        index => `resources.hugepageLimits[${index}].pageSize: must be a size of huge pages: 64KB, 2MB, 1GB`,
      ),
      'resources.hugepageLimits[2].limit: must not be negative',
      'resources.hugepageLimits[3].limit: must be a number of bytes, or a size such as 100M or 1.5GiB',
      'resources.hugepageLimits[4].limit: is missing',
    ],
  ],
  [
    { resources: { devices: [{ allow: 'yes' }, { allow: true, type: 'u' }, { allow: true, access: 'rr' }] } },
    [
      'resources.devices[0].allow: must be true or false; it is "yes"',
      'resources.devices[1].type: must be "a" or "b" or "c"; it is "u"',
      'resources.devices[2].access: must be of r (read), w (write) and m (mknod)',
    ],
  ],
  [
    {
      resources: {
        devices: [
          { allow: true, access: '' },
          { allow: true, major: -2, minor: 1.5 },
        ],
      },
    },
    [
      'resources.devices[0].access: must be of r (read), w (write) and m (mknod)',
      'resources.devices[1].major: must be at least 0',
      'resources.devices[1].minor: must be a whole number',
    ],
  ],
  [
    { resources: { devices: Array.from({ length: 257 }, () => ({ allow: false })) } },
    ['resources.devices: must be at most 256 rules'],
  ],
  [
    {
      resources: {
        unified: {
          'memory.high': 5,
          'cgroup.procs': '1',
          'cgroup.subtree_control': '+memory',
          '../memory.max': '1',
          'memory/x.y': '1',
          'rdma.max': 'x',
          memory: '1',
          'io.max': '8:0 rbps=1\n8:0 wbps=1',
          'cpu.max': '',
          'pids.max': 'x'.repeat(1025),
        },
      },
    },
    [
      'resources.unified["memory.high"]: must be a string',
      'resources.unified["cgroup.procs"]: is no limit',
      'resources.unified["cgroup.subtree_control"]: is no limit',
      ...['../memory.max', 'memory/x.y'].map(
        name => `resources.unified["${name}"]: must be the name of a file of cgroup v2: memory.high`,
      ),
      'resources.unified["rdma.max"]: is of no controller of a box: memory, cpu, cpuset, pids, io, hugetlb',
      'resources.unified.memory: must be the name of a file of cgroup v2: memory.high',
      'resources.unified["io.max"]: must be one line of at most 1024 bytes',
      'resources.unified["cpu.max"]: must not be empty',
      'resources.unified["pids.max"]: must be one line of at most 1024 bytes',
    ],
  ],
  [
    { resources: { unified: withProto('1') } },
    ['resources.unified.__proto__: must be the name of a file of cgroup v2: memory.high'],
  ],
  [{ annotations: ['a'] }, ['annotations: must be a mapping of names to values']],
  [
    { annotations: { '': 'x', a: 1, b: null, 'c\0': '', d: '\ud800' } },
    [
      'annotations[""]: the name of an annotation must not be empty',
      `annotations.a: ${VALUE}`,
      `annotations.b: ${VALUE}`,
      `annotations["c\\u0000"]: ${NUL}`,
      `annotations.d: ${HALF}`,
    ],
  ],
  [{ annotations: withProto(1) }, [`annotations.__proto__: ${VALUE}`]],
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
  [
    {
      mounts: [
        { type: 'bind', source: '/a', destination: '/x', propagation: 'rprivat', recursive: 'no', size: '1m' },
        { type: 'proc', destination: '/x', source: '/a', nosuid: 1 },
        { type: 'devpts', destination: '/x', gid: 2 ** 32 - 1, ptmxmode: 666 },
        { type: 'tmpfs', destination: '/x', nr_inodes: '0', propagation: 'private' },
      ],
    },
    [
      `mounts[0].propagation: must be ${PROPAGATIONS}; it is "rprivat"`,
      'mounts[0].recursive: must be true or false; it is "no"',
      `mounts[0].size: ${UNKNOWN}`,
      `mounts[1].source: ${UNKNOWN}`,
      'mounts[1].nosuid: must be true or false; it is 1',
      'mounts[2].gid: must be at most 4294967294',
      'mounts[2].ptmxmode: must be a string; it is 666',
      'mounts[3].nr_inodes: must be a number as tmpfs(5) takes it: "1000", "10k"',
      `mounts[3].propagation: ${UNKNOWN}`,
    ],
  ],
  [
    { mounts: [{ type: 'bind', source: '/a', destination: '/x', propagation: 'rslave' }] },
    [
      'mounts[0].propagation: receives nothing from the host while all mounts of the box are private: needs propagation: slave',
    ],
  ],
  ...(['symlinks', 'files'] as const).flatMap(field => [
    [
      {
        rootfs: '/box',
        [field]: { etc: 'x', '/': 'x', '/a/': 'x', '/a/.': 'x', '/a/../b': 'x', '': 'x', '/n\0': 'x' },
      },
      [
        `${field}.etc: ${RELATIVE}`,
        `${field}["/"]: must name a file below "/"`,
        `${field}["/a/"]: must end with the name of a file`,
        `${field}["/a/."]: must end with the name of a file`,
        `${field}["/a/../b"]: must not contain ".."`,
        `${field}[""]: ${RELATIVE}`,
        `${field}["/n\\u0000"]: ${NUL}`,
      ],
    ] as const,
    [{ rootfs: '/box', [field]: withProto('x') }, [`${field}.__proto__: ${RELATIVE}`]] as const,
    [
      { [field]: { '/a': 'x' } },
      [`${field}: needs a rootfs; without one, it would be written into the tree of the host`],
    ] as const,
  ]),
  [{ rootfs: '/box', symlinks: ['/a'] }, ['symlinks: must be a mapping of paths to what they point to']],
  [{ rootfs: '/box', files: ['/a'] }, ['files: must be a mapping of paths to their content']],
  [
    { rootfs: '/box', symlinks: { '/a': '', '/b': 'x\0', '/c': 1, '/d': `${LONG_PATH}x` } },
    [
      'symlinks["/a"]: must not be empty',
      `symlinks["/b"]: ${NUL}`,
      'symlinks["/c"]: must be a string',
      'symlinks["/d"]: must be at most 4095 bytes long (PATH_MAX)',
    ],
  ],
  [
    {
      rootfs: '/box',
      files: {
        '/a': 1,
        '/b': 'x\0',
        '/c': 'é'.repeat(32 * 1024 + 1),
        '/d': {},
        '/e': { content: 1 },
        '/f': { content: '', mode: 644 },
        '/g': { content: '', owner: 0 },
        '/h': { content: '\ud800', mode: '0644' },
      },
    },
    [
      'files["/a"]: must be a string (quote numbers, true and false) or content and mode',
      `files["/b"]: ${NUL}`,
      'files["/c"]: must be at most 65536 bytes long: bind a file of the host',
      'files["/d"].content: is missing',
      'files["/e"].content: must be a string',
      'files["/f"].mode: must be permission bits in octal, as a string: "644" or "755"',
      'files["/g"].owner: is not a field of a file',
      `files["/h"].content: ${HALF}`,
    ],
  ],
  [
    { rootfs: '/box', symlinks: { '/a/b': 'x' }, files: { '/a//./b': 'x' } },
    ['files["/a//./b"]: is a path of symlinks too'],
  ],
  [{ overlay: true }, ['overlay: needs a rootfs, or lower directories']],
  [{ overlay: {} }, ['overlay: needs a rootfs, or lower directories']],
  [{ overlay: 'yes' }, ['overlay: must be true or false or a mapping; it is "yes"']],
  [{ overlay: { lower: [] } }, ['overlay.lower: must name a directory']],
  [{ overlay: { lower: '/a' } }, ['overlay.lower: must be a list; it is "/a"']],
  [
    { overlay: { lower: Array.from({ length: 501 }, (_, index) => `/${index}`) } },
    ['overlay.lower: must be at most 500 directories'],
  ],
  [
    { overlay: { lower: ['a', '/', '//./', '/a/../b', '/a\0'], upper: 'up', work: '/..', size: '5x', uper: 1 } },
    [
      `overlay.lower[0]: ${RELATIVE}`,
      `overlay.lower[1]: ${UNCOVERABLE}`,
      `overlay.lower[2]: ${UNCOVERABLE}`,
      'overlay.lower[3]: must not contain ".."',
      `overlay.lower[4]: ${NUL}`,
      `overlay.upper: ${RELATIVE}`,
      'overlay.work: must not contain ".."',
      'overlay.size: must be a size as tmpfs(5) takes it: "16m", "1g", "50%"',
      `overlay.uper: ${UNKNOWN}`,
    ],
  ],
  [{ rootfs: '/r', overlay: { work: '/w' } }, ['overlay.work: needs overlay.upper, whose file system it must be on']],
  [
    { rootfs: '/r', overlay: { upper: '/u', size: '1m' } },
    ['overlay.size: limits what is not kept; with overlay.upper, changes are kept'],
  ],
  [
    { rootfs: { path: '/r', change: 'chroot' }, overlay: true },
    ['rootfs.change: an overlay is entered by pivot_root, not by chroot'],
  ],
  [{ rootfs: '/r', overlay: true, namespaces: { mount: 'shared' } }, [`overlay: ${OWN_MOUNTS}`]],
  [
    { rootfs: '/r/', overlay: { lower: ['/a//b', '/a/b/', '/r'], upper: '/a/b/c', work: '/a' } },
    [
      'overlay.lower[0]: is inside "/a" (overlay.work): layers must not contain each other',
      'overlay.lower[1]: is the same directory as overlay.lower[0]: each layer must be one of its own',
      'overlay.upper: is inside "/a/b" (overlay.lower[0]): layers must not contain each other',
      'rootfs: is the same directory as overlay.lower[2]: each layer must be one of its own',
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
