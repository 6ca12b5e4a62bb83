import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parseBox } from '../../src/box/box.js';
import { boxFromConfig } from '../../src/box/oci/box-from-config.js';
import { inConfig } from '../../src/box/oci/origins.js';
import { BoxError } from '../../src/box/problem.js';
import { execute } from '../support/cli.js';
import { ownDirectory } from '../support/own-directory.js';
import { changed, MINIMAL, RUNNABLE, SPEC } from './configs.js';

/** What --bundle says of a config.json: `field: message` each; empty when it is taken. */
function problemsOf(config: unknown): readonly string[] {
  const { box, problems, origins } = boxFromConfig(config, '/bundle');
  const all = [...problems];
  try {
    if (box !== undefined) parseBox(box);
  } catch (error) {
    if (!(error instanceof BoxError)) throw error;
    all.push(...error.problems.map(problem => inConfig(problem, origins)));
  }
  return all.map(({ field, message }) => `${field}: ${message}`);
}

const at = (path: string, value: unknown): unknown =>
  changed(
    MINIMAL,
    path.split('.').map(key => (/^\d+$/.test(key) ? Number(key) : key)),
    value,
  );

const NOT_DONE = 'is not carried out: take it out of config.json, or run the bundle with another runtime';
const UNKNOWN = 'is not a field of the specification that nsgen knows (what is meant for others goes into annotations)';
const RELATIVE = 'must be an absolute path (it does not start with "/")';
const VERSION = 'must be a version 1.x of the specification, such as "1.0.2"';

/** A place of config.json, what stands there, and what is said of it. */
const REFUSED: readonly (readonly [path: string, value: unknown, problems: readonly string[]])[] = [
  ['ociVersion', undefined, ['ociVersion: is missing']],
  ['ociVersion', '0.9.0', [`ociVersion: ${VERSION}`]],
  ['ociVersion', '2.0.0', [`ociVersion: ${VERSION}`]],
  ['ociVersion', '1', [`ociVersion: ${VERSION}`]],
  ['ociVersion', 1.2, ['ociVersion: must be a string; it is 1.2']],
  ['Root', { path: 'x' }, [`Root: ${UNKNOWN}`]],
  ['toString', 1, [`toString: ${UNKNOWN}`]],
  ['process.Args', ['ls'], [`process.Args: ${UNKNOWN}`]],
  ['root', undefined, ['root: is missing']],
  ['root', 'rootfs', ['root: must be a mapping; it is "rootfs"']],
  ['root.path', '', ['root.path: must not be empty']],
  ['root.path', '/', ['root.path: must not be "/": without a rootfs, the root of the host is the root']],
  ['root.path', '../../..', ['root.path: must not be "/": without a rootfs, the root of the host is the root']],
  ['root.path', 'a\0', ['root.path: must not contain a NUL byte']],
  ['root.readonly', 'yes', ['root.readonly: must be true or false; it is "yes"']],
  ['process', undefined, ['process: is missing']],
  ['process.args', undefined, ['process.args: is missing']],
  ['process.args', [], ['process.args: must name a program to run']],
  ['process.args', ['sh', 1], ['process.args[1]: must be a string; it is 1']],
  ['process.args', ['sh', '\0'], ['process.args[1]: must not contain a NUL byte']],
  ['process.args', ['sh'], [FIND('sh')]],
  ['process.cwd', undefined, ['process.cwd: is missing']],
  ['process.cwd', 'tmp', [`process.cwd: ${RELATIVE}`]],
  ['process.env', { A: 'x' }, ['process.env: must be a list; it is a mapping']],
  ['process.env', null, ['process.env: must be a list; it is null']],
  ['process.env', ['A'], ['process.env[0]: must be NAME=VALUE (it has no "=")']],
  ['process.env', ['=x'], ['process.env[0]: the name of a variable must not be empty']],
  ['process.env', ['A=1', 'B=', 'A=2'], ['process.env[2]: "A" is given more than once']],
  ['process.env', ['B=', 'A=\0'], ['process.env[1]: must not contain a NUL byte']],
  ['process.env', ['__proto__=\0'], ['process.env[0]: must not contain a NUL byte']],
  ['process.terminal', 1, ['process.terminal: must be true or false; it is 1']],
  [
    'process.terminal',
    true,
    ['process.terminal: needs a mount namespace of its own (namespaces.mount: new), for a /dev/pts of its own'],
  ],
  ['process.consoleSize', { height: 1, width: 1 }, [`process.consoleSize: ${NOT_DONE}`]],
  ['process.user.uid', 1000, ['process.user.uid: must be 0: other users are not carried out']],
  ['process.user.uid', '0', ['process.user.uid: must be 0: other users are not carried out']],
  ['process.user.gid', 5, ['process.user.gid: must be 0: other groups are not carried out']],
  ['process.user.umask', 22, ['process.user.umask: must be 18 (octal 0022): other masks are not carried out']],
  [
    'process.user.additionalGids',
    [],
    ['process.user.additionalGids: is not carried out, not even empty: the box has the groups of the caller'],
  ],
  ['process.user.username', 'root', [`process.user.username: ${NOT_DONE}`]],
  ['process.commandLine', 'cmd', [`process.commandLine: ${NOT_DONE}`]],
  ['process.capabilities', {}, [`process.capabilities: ${NOT_DONE}`]],
  ['process.capabilities.bounding', [], [`process.capabilities.bounding: ${NOT_DONE}`]],
  ['process.rlimits', [{ type: 'RLIMIT_CORE', hard: 0, soft: 0 }], [`process.rlimits: ${NOT_DONE}`]],
  ['process.noNewPrivileges', true, ['process.noNewPrivileges: must be false: it is not carried out']],
  ['process.apparmorProfile', 'strict', [`process.apparmorProfile: ${NOT_DONE}`]],
  ['process.selinuxLabel', 'system_u', [`process.selinuxLabel: ${NOT_DONE}`]],
  ['process.oomScoreAdj', 0, [`process.oomScoreAdj: ${NOT_DONE}`]],
  ['process.scheduler', { policy: 'SCHED_OTHER' }, [`process.scheduler: ${NOT_DONE}`]],
  ['process.ioPriority', { class: 'IOPRIO_CLASS_IDLE' }, [`process.ioPriority: ${NOT_DONE}`]],
  ['process.execCPUAffinity', { initial: '0' }, [`process.execCPUAffinity: ${NOT_DONE}`]],
  [
    'hostname',
    'web',
    ['hostname: needs a uts namespace of its own (namespaces.uts: new); it would rename the host or another box'],
  ],
  ['hostname', 7, ['hostname: must be a string; it is 7']],
  ['annotations', { a: 1 }, ['annotations.a: must be a string (quote numbers, true and false)']],
  ['annotations', ['a'], ['annotations: must be a mapping of names to values']],
  ['hooks', { prestart: [{ path: '/bin/true' }] }, [`hooks.prestart: ${NOT_DONE}`]],
  ['hooks', { poststop: [{}], other: 1 }, [`hooks.poststop: ${NOT_DONE}`, `hooks.other: ${NOT_DONE}`]],
  ['windows', { layerFolders: ['C:\\'] }, [`windows.layerFolders: ${NOT_DONE}`]],
  ['vm', { kernel: { path: '/vmlinuz' } }, [`vm.kernel: ${NOT_DONE}`]],
  ['linux', [], ['linux: must be a mapping; it is a list']],
  ['linux.foo', 1, [`linux.foo: ${UNKNOWN}`]],
  ['linux.namespaces', {}, ['linux.namespaces: must be a list; it is a mapping']],
  ['linux.namespaces', [{}], ['linux.namespaces[0].type: is missing']],
  ['linux.namespaces', [{ type: 'net' }], [NO_TYPE(0, 'net')]],
  ['linux.namespaces', [{ type: 'pid' }, { type: 'mnt' }], [NO_TYPE(1, 'mnt')]],
  ['linux.namespaces', [{ type: 'toString' }], [NO_TYPE(0, 'toString')]],
  [
    'linux.namespaces',
    [{ type: 'pid' }, { type: 'pid' }],
    ['linux.namespaces[1].type: "pid" is listed more than once'],
  ],
  ['linux.namespaces', [{ type: 'pid', path: 'ns' }], [`linux.namespaces[0].path: ${RELATIVE}`]],
  ['linux.namespaces', [{ type: 'pid', path: '/ns\0' }], ['linux.namespaces[0].path: must not contain a NUL byte']],
  ['linux.namespaces', [{ type: 'pid', file: '/ns' }], [`linux.namespaces[0].file: ${UNKNOWN}`]],
  [
    'linux.timeOffsets',
    { monotonic: { secs: 1 } },
    ['linux.timeOffsets: needs a time namespace of its own (namespaces.time: new)'],
  ],
  ['linux.timeOffsets', { realtime: { secs: 1 } }, [`linux.timeOffsets.realtime: ${UNKNOWN}`]],
  [
    'linux.timeOffsets',
    { boottime: { nanosecs: 1 } },
    ['linux.timeOffsets.boottime.nanosecs: must be 0: offsets are in whole seconds'],
  ],
  [
    'linux.timeOffsets',
    { boottime: { secs: 1.5 } },
    ['linux.timeOffsets.boottime.secs: must be a whole number of seconds'],
  ],
  ['linux.rootfsPropagation', 'unbindable', [/^linux\.rootfsPropagation: must be "private" or /.source]],
  ['linux.uidMappings', [{ containerID: 0, hostID: 0, size: 1 }], [`linux.uidMappings: ${NOT_DONE}`]],
  ['linux.gidMappings', [{}], [`linux.gidMappings: ${NOT_DONE}`]],
  ['linux.sysctl', { 'net.ipv4.ip_forward': '1' }, [`linux.sysctl["net.ipv4.ip_forward"]: ${NOT_DONE}`]],
  ['linux.cgroupsPath', '/x', [`linux.cgroupsPath: ${NOT_DONE}`]],
  ['linux.resources', { memory: { limit: 1 } }, ['linux.resources.memory.limit: must be at least 4096 bytes']],
  ['linux.resources', { memory: { limit: '100M' } }, ['linux.resources.memory.limit: must be a number; it is "100M"']],
  ['linux.resources', { memory: { kernel: 5 } }, ['linux.resources.memory.kernel: is not carried out: Linux has no']],
  ['linux.resources', { memory: { kernelTCP: 5 } }, [`linux.resources.memory.kernelTCP: ${NOT_DONE}`]],
  [
    'linux.resources',
    { memory: { useHierarchy: false, checkBeforeUpdate: true, swappiness: 101 } },
    [
      'linux.resources.memory.useHierarchy: must be true: a limit holds',
      'linux.resources.memory.checkBeforeUpdate: must be false: nothing is in the box',
      'linux.resources.memory.swappiness: must be at most 100',
    ],
  ],
  [
    'linux.resources',
    { memory: { swap: 5000 } },
    ['linux.resources.memory.swap: is memory and swap together: needs resources.memory.limit too'],
  ],
  [
    'linux.resources',
    { cpu: { realtimeRuntime: 1, realtimePeriod: 1 } },
    [`linux.resources.cpu.realtimeRuntime: ${NOT_DONE}`, `linux.resources.cpu.realtimePeriod: ${NOT_DONE}`],
  ],
  ['linux.resources', { cpu: { cpus: 'all' } }, ['linux.resources.cpu.cpus: must be a list of numbers and ranges']],
  ['linux.resources', { cpu: { quota: 5 } }, ['linux.resources.cpu.quota: must be at least 1000, or -1 for no limit']],
  ['linux.resources', { pids: { limit: 0 } }, ['linux.resources.pids.limit: must be at least 1, or -1 for no limit']],
  ['linux.resources', { pids: {} }, ['linux.resources.pids.limit: is missing']],
  [
    'linux.resources',
    { blockIO: { leafWeight: 10, weightDevice: [{ major: 8, minor: 0, leafWeight: 10 }] } },
    [
      `linux.resources.blockIO.leafWeight: ${NOT_DONE}`,
      `linux.resources.blockIO.weightDevice[0].leafWeight: ${NOT_DONE}`,
      'linux.resources.blockIO.weightDevice[0].weight: is missing',
    ],
  ],
  [
    'linux.resources',
    { blockIO: { throttleReadBpsDevice: [{ major: 8, minor: -1, rate: 0 }] } },
    [
      'linux.resources.blockIO.throttleReadBpsDevice[0].minor: must be at least 0',
      'linux.resources.blockIO.throttleReadBpsDevice[0].rate: must be at least 1',
    ],
  ],
  [
    'linux.resources',
    { hugepageLimits: [{ pageSize: '2M', limit: 1 }] },
    ['linux.resources.hugepageLimits\\[0\\].pageSize: must be a size of huge pages'],
  ],
  [
    'linux.resources',
    { devices: [{ allow: true, type: 'u' }, { allow: false, access: 'rr' }, { type: 'c' }] },
    ['linux.resources.devices[2].allow: is missing'],
  ],
  [
    'linux.resources',
    {
      devices: [
        { allow: true, type: 'u' },
        { allow: false, access: 'rr' },
      ],
    },
    [
      'linux.resources.devices[0].type: must be "a" or "b" or "c"; it is "u"',
      'linux.resources.devices[1].access: must be of r (read), w (write) and m (mknod)',
    ],
  ],
  [
    'linux.resources',
    { unified: { 'memory.high': 5, 'cgroup.procs': '1', 'rdma.max': 'x', '../x': 'y', 'io.max': 'a\nb' } },
    [
      'linux.resources.unified\\["memory.high"\\]: must be a string',
      'linux.resources.unified\\["cgroup.procs"\\]: is no limit',
      'linux.resources.unified\\["rdma.max"\\]: is of no controller of a box',
      'linux.resources.unified\\["../x"\\]: must be the name of a file of cgroup v2',
      'linux.resources.unified\\["io.max"\\]: must be one line',
    ],
  ],
  ['linux.resources', { network: { classID: 1 } }, [`linux.resources.network.classID: ${NOT_DONE}`]],
  ['linux.resources', { rdma: { mlx5_1: { hcaHandles: 3 } } }, [`linux.resources.rdma.mlx5_1: ${NOT_DONE}`]],
  ['linux.resources', { cpus: 1 }, [`linux.resources.cpus: ${UNKNOWN}`]],
  ['linux.netDevices', { eth0: { name: 'x' } }, [`linux.netDevices.eth0: ${NOT_DONE}`]],
  ['linux.seccomp', { defaultAction: 'SCMP_ACT_ALLOW' }, [`linux.seccomp: ${NOT_DONE}`]],
  ['linux.mountLabel', 'x', [`linux.mountLabel: ${NOT_DONE}`]],
  ['linux.intelRdt', {}, [`linux.intelRdt: ${NOT_DONE}`]],
  ['linux.memoryPolicy', { mode: 'MPOL_DEFAULT' }, [`linux.memoryPolicy: ${NOT_DONE}`]],
  ['linux.personality', { domain: 'LINUX32' }, [`linux.personality: ${NOT_DONE}`]],
  ['mounts', [{ destination: '/a', source: '/', options: ['rbind'] }], [OWN_MOUNTS()]],
  ['mounts', {}, ['mounts: must be a list; it is a mapping']],
  ['mounts', [{ type: 'tmpfs' }], ['mounts[0].destination: is missing']],
  ['mounts', [{ destination: '/a', type: 'tmpfs', dest: '/b' }], [`mounts[0].dest: ${UNKNOWN}`]],
];

function FIND(program: string): string {
  return `process.env.PATH: is needed to find "${program}": set it, or give the path of the program`;
}

function NO_TYPE(index: number, type: string): string {
  const known = 'cgroup, ipc, mount, network, pid, time, user, uts';
  return `linux.namespaces[${index}].type: "${type}" is no namespace type (${known})`;
}

function OWN_MOUNTS(): string {
  return 'mounts: needs a mount namespace of its own (namespaces.mount: new); it would change the mounts of others';
}

/** What asks for nothing, or for what is so anyway. */
const TAKEN: readonly (readonly [path: string, value: unknown])[] = [
  ['ociVersion', '1.0.0'],
  ['ociVersion', '1.2.1+dev'],
  ['ociVersion', '1.0.0-rc5-dev'],
  ['root.readonly', false],
  ['root.path', '/srv/rootfs'],
  ['process.terminal', false],
  ['process.user', { uid: 0, gid: 0, umask: 18 }],
  ['process.env', []],
  ['process.rlimits', []],
  ['process.noNewPrivileges', false],
  ['process.apparmorProfile', ''],
  ['process.selinuxLabel', ''],
  ['hostname', ''],
  ['domainname', ''],
  ['mounts', []],
  ['hooks', {}],
  ['hooks', { prestart: [], poststop: [] }],
  ['annotations', {}],
  ['linux', {}],
  ['linux.namespaces', []],
  ['linux.resources', {}],
  ['linux.resources', { memory: {}, devices: [], unified: {}, network: {}, rdma: {} }],
  ['linux.resources', { memory: { limit: 0, reservation: 0, swap: 0, useHierarchy: true, checkBeforeUpdate: false } }],
  ['linux.resources', { cpu: { shares: 0, quota: 0, period: 0, cpus: '', mems: '' }, blockIO: { weight: 0 } }],
  ['linux.resources', { blockIO: { weightDevice: [], throttleReadBpsDevice: [] }, hugepageLimits: [] }],
  ['linux.sysctl', {}],
  ['linux.uidMappings', []],
  ['linux.cgroupsPath', ''],
  ['linux.rootfsPropagation', ''],
  ['linux.timeOffsets', {}],
];

describe('config.json', () => {
  for (const [path, value, problems] of REFUSED) {
    test(`${path}: ${JSON.stringify(value)} is refused by name`, () => {
      const found = problemsOf(at(path, value));
      assert.equal(found.length, problems.length, found.join('\n'));
      for (const [index, problem] of problems.entries())
        assert.ok(found[index] === problem || new RegExp(problem).test(found[index] ?? ''), found[index]);
    });
  }

  test('what asks for nothing is taken, and changes nothing', () => {
    const plain = parseBox(boxFromConfig(MINIMAL, '/bundle').box);
    for (const [path, value] of TAKEN) {
      const config = at(path, value);
      assert.deepEqual(problemsOf(config), [], `${path}: ${JSON.stringify(value)}`);
      const box = parseBox(boxFromConfig(config, '/bundle').box);
      if (path !== 'root.path') assert.deepEqual(box, plain, `${path}: ${JSON.stringify(value)}`);
    }
  });

  for (const input of [undefined, null, 3, 'x', [], ['x']]) {
    test(`${JSON.stringify(input)} is no config.json`, () => {
      const [problem, ...others] = problemsOf(input);
      assert.match(problem ?? '', /^: must be a mapping; it is /);
      assert.deepEqual(others, []);
    });
  }

  test('everything at once: what is malformed, what is not carried out, and what makes no sense together', () => {
    const config = at('process.noNewPrivileges', true);
    const found = problemsOf(changed(changed(config, ['hostname'], 'x'), ['linux', 'seccomp'], {}));
    assert.deepEqual(
      found.map(problem => problem.slice(0, problem.indexOf(':'))),
      ['process.noNewPrivileges', 'linux.seccomp', 'hostname'],
    );
  });
});

/** What runc's own default asks for beyond a box. */
const OF_SPEC = [
  ...['bounding', 'effective', 'permitted', 'ambient'].map(name => `process.capabilities.${name}: ${NOT_DONE}`),
  `process.rlimits: ${NOT_DONE}`,
  'process.noNewPrivileges: must be false: it is not carried out',
];

describe('what runc spec writes', () => {
  test('is refused by these fields and no others', () => {
    assert.deepEqual(problemsOf(SPEC), OF_SPEC);
    assert.deepEqual(problemsOf(RUNNABLE), []);
  });

  test('so is that of the runc that is installed here', async () => {
    const directory = ownDirectory('runc-spec');
    const { status, stderr } = await execute('runc', ['spec', '--bundle', directory]);
    assert.equal(status, 0, stderr);
    const found = problemsOf(JSON.parse(readFileSync(join(directory, 'config.json'), 'utf8')));
    // Later versions ask for fewer capabilities.
    assert.deepEqual(
      found,
      OF_SPEC.filter(problem => found.includes(problem)),
    );
    assert.ok(found.length > 0);
  });

  test('becomes the /dev, the mounts in their order, the masked and read-only paths of a box', () => {
    const box = parseBox(boxFromConfig(RUNNABLE, '/bundle').box);
    assert.deepEqual(
      { proc: box.proc, dev: box.dev, readOnly: box.rootfs?.readOnly },
      { proc: false, dev: true, readOnly: true },
    );
    assert.deepEqual(
      box.mounts.map(({ destination }) => destination),
      ['/proc', '/dev/pts', '/dev/mqueue', '/sys', '/sys/fs/cgroup'],
    );
    assert.deepEqual(box.mounts[0], { type: 'proc', destination: '/proc', flags: [], parameters: {} });
    assert.deepEqual(box.maskedPaths, SPEC.linux.maskedPaths);
    assert.deepEqual(box.readonlyPaths, SPEC.linux.readonlyPaths);
  });

  test('without any of that, there is none of it', () => {
    const box = parseBox(boxFromConfig(at('linux.namespaces', [{ type: 'mount' }]), '/bundle').box);
    const { proc, dev, mounts, maskedPaths, readonlyPaths } = box;
    assert.deepEqual([proc, dev, mounts, maskedPaths, readonlyPaths], [false, false, [], [], []]);
  });
});

/** A list of mounts, in a box with the namespaces that they need, and what is said of it. */
const DEV = SPEC.mounts[1];
const PATHS = 'the devices of a box are /dev/null, /dev/zero, /dev/full, /dev/random, /dev/urandom, /dev/tty';
const MOUNTS: readonly (readonly [mounts: readonly object[], problems: readonly string[]])[] = [
  [
    [{ destination: '/a', source: 'x', type: 'bind' }],
    ['mounts[0].options: must have bind or rbind among them for a bind'],
  ],
  [[{ destination: '/a', options: ['rbind'] }], ['mounts[0].source: is missing']],
  [
    [{ destination: '/a', source: 'x', type: 'ext4', options: ['bind'] }],
    ['mounts[0].type: must be "bind" or "none" for a bind (its options say it is one)'],
  ],
  [
    [{ destination: '/a', type: 'tmpfs', source: '/dev/sda' }],
    ['mounts[0].source: is not carried out: a tmpfs has no source but its own name'],
  ],
  [
    [{ destination: 'a', type: 'tmpfs' }],
    ['mounts[0].destination: must be an absolute path (it does not start with "/")'],
  ],
  [[{ destination: '/a', type: 'tmpfs', options: ['ro', 'rw'] }], ['mounts[0].options[1]: "rw" contradicts "ro"']],
  [
    [{ destination: '/a', type: 'tmpfs', options: ['noatime'] }],
    ['mounts[0].options[0]: "noatime" is not carried out: access times are as relatime has them'],
  ],
  [
    [{ destination: '/a', type: 'tmpfs', options: ['toString', 'x=1'] }],
    [
      'mounts[0].options[0]: "toString" is not carried out for a mount of type tmpfs',
      'mounts[0].options[1]: "x=1" is not carried out for a mount of type tmpfs',
    ],
  ],
  [
    [{ destination: '/a', source: '/', options: ['rbind', 'dev'] }],
    ['mounts[0].options[1]: "dev" is not carried out: a bind has what its source has'],
  ],
  [
    [{ destination: '/a', source: '/', options: ['rbind', 'idmap'] }],
    ['mounts[0].options[1]: "idmap" is not carried out for a mount of type bind'],
  ],
  [
    [{ ...DEV, options: ['nosuid'] }],
    [
      'mounts[0].options: must be nosuid, strictatime, mode=755, size=65536k: the /dev that has the default devices in it',
    ],
  ],
  [[SPEC.mounts[2], DEV], ['mounts[1]: must come before what is mounted in /dev: it covers it']],
  [
    [{ destination: '/a', type: 'tmpfs', options: ['size=big'] }],
    ['mounts[0].options: must be a size as tmpfs(5) takes it: "16m", "1g", "50%"'],
  ],
];

describe('mounts and devices of config.json', () => {
  for (const [mounts, problems] of MOUNTS) {
    test(JSON.stringify(mounts).slice(0, 100), () => {
      const config = changed(at('linux.namespaces', [{ type: 'mount' }]), ['mounts'], mounts);
      assert.deepEqual(problemsOf(config), problems);
    });
  }

  test('a device that is not a default one, or not as it is', () => {
    const config = (device: object) =>
      changed(changed(at('linux.namespaces', [{ type: 'mount' }]), ['mounts'], [DEV]), ['linux', 'devices'], [device]);
    const own = { path: '/dev/null', type: 'c', major: 1, minor: 3 };
    assert.deepEqual(problemsOf(config(own)), []);
    for (const device of [
      { ...own, path: '/dev/fuse' },
      { ...own, minor: 5 },
      { ...own, type: 'b' },
      { ...own, path: 'toString' },
    ])
      assert.deepEqual(problemsOf(config(device)), [
        `linux.devices[0]: is not carried out: ${PATHS}, with the numbers of Linux`,
      ]);
    assert.deepEqual(problemsOf(config({ ...own, uid: 5, fileMode: 384 })), [
      'linux.devices[0].fileMode: must be 438: others are not carried out',
      'linux.devices[0].uid: must be 0: others are not carried out',
    ]);
    assert.deepEqual(problemsOf(at('linux.devices', [own])), [
      'linux.devices[0]: needs a tmpfs on /dev among the mounts',
    ]);
  });
});

describe('the box that config.json comes to', () => {
  const boxOf = (config: unknown) => {
    assert.deepEqual(problemsOf(config), []);
    return parseBox(boxFromConfig(config, '/bundle').box);
  };

  test('has what is listed, and none of the defaults of a box', () => {
    const box = boxOf(MINIMAL);
    assert.deepEqual(box.command, ['/bin/true']);
    assert.deepEqual(box.env, {});
    assert.equal(box.cwd, '/');
    assert.equal(box.rootfs?.path, '/bundle/rootfs');
    assert.equal(box.rootfs?.change, 'chroot');
    assert.equal(box.proc, false);
    assert.deepEqual(box.mounts, []);
    for (const choice of Object.values(box.namespaces)) assert.deepEqual(choice, { kind: 'shared' });
  });

  test('has the namespaces that are listed, new or by their path', () => {
    const types = ['pid', 'network', 'mount', 'ipc', 'uts', 'user', 'cgroup', 'time'];
    const all = boxOf(
      at(
        'linux.namespaces',
        types.map(type => ({ type })),
      ),
    );
    for (const choice of Object.values(all.namespaces)) assert.deepEqual(choice, { kind: 'new' });
    assert.equal(all.rootfs?.change, 'pivot_root');
    const joined = boxOf(
      at('linux.namespaces', [
        { type: 'network', path: '/run/netns/a' },
        { type: 'pid', path: '' },
      ]),
    );
    assert.deepEqual(joined.namespaces.net, { kind: 'joined', path: '/run/netns/a' });
    assert.deepEqual(joined.namespaces.pid, { kind: 'new' });
    assert.equal(joined.loopback, false);
  });

  test('has the environment of the list, in its order', () => {
    const { env } = boxOf(at('process.env', ['B=1', 'PATH=/bin', 'A==', 'HOME=', '__proto__=x']));
    assert.deepEqual(Object.entries(env), [
      ['B', '1'],
      ['PATH', '/bin'],
      ['A', '='],
      ['HOME', ''],
      ['__proto__', 'x'],
    ]);
  });

  test('has clock offsets, propagation and annotations', () => {
    const config = changed(
      at('linux', {
        namespaces: [{ type: 'time' }, { type: 'mount' }],
        timeOffsets: { monotonic: { secs: 5, nanosecs: 0 }, boottime: { secs: -1 } },
        rootfsPropagation: 'rslave',
      }),
      ['annotations'],
      JSON.parse('{"org.example": "a\\nb", "__proto__": "x"}'),
    );
    const box = boxOf(config);
    assert.deepEqual(box.timeOffsets, { monotonic: 5, boottime: -1 });
    assert.equal(box.propagation, 'slave');
    assert.deepEqual(Object.entries(box.annotations), [
      ['org.example', 'a\nb'],
      ['__proto__', 'x'],
    ]);
  });
});
