import fc from 'fast-check';
import type { BoxInput } from '../../src/index.js';
import { PROGRAMS } from './place.js';
import { type RandomLimits, randomLimits } from './random-limits.js';

/** What random boxes can be made of on this machine. */
export interface Material {
  readonly rootfs: string;
  readonly directory: string;
  /** Paths of namespaces that can be joined, by type. */
  readonly joinable: Readonly<Record<'uts' | 'ipc' | 'net' | 'cgroup' | 'time', string>>;
}

/** Every string that a kernel takes is valid; the dangerous ones are what a shell would make something of. */
const oddText = fc.oneof(
  fc.string({ unit: 'grapheme-ascii', maxLength: 12 }),
  fc.constantFrom(
    '',
    ' ',
    '-n',
    '--',
    '$(id)',
    '`id`',
    "'",
    '"',
    '\\',
    '\n',
    'a\tb',
    '*',
    '~',
    '!!',
    '%s',
    '\u0001\u001b',
    '#x',
    'a=b',
  ),
  fc.string({ unit: 'grapheme', maxLength: 8 }).filter(isWellFormed),
  fc.constant('x'.repeat(4096)),
);

const utsName = oddText
  .map(text => text.replace(/\p{Cc}/gu, ''))
  .filter(text => text !== '' && Buffer.byteLength(text) <= 64);
const variableName = oddText.map(text => text.replaceAll('=', '')).filter(text => text !== '' && text !== 'PATH');

function isWellFormed(text: string): boolean {
  return !text.includes('\0') && !/\p{Surrogate}/u.test(text);
}

const MOUNT_TYPES = ['bind', 'bind', 'tmpfs', 'tmpfs', 'proc', 'sysfs', 'mqueue', 'devpts', 'cgroup'] as const;
type MountType = (typeof MOUNT_TYPES)[number];
type MountInput = NonNullable<BoxInput['mounts']>[number];
type BindInput = Extract<MountInput, { type: 'bind' }>;
type Restrictions = Pick<BindInput, 'readOnly' | 'nosuid' | 'nodev' | 'noexec'>;

/** Of a file or symlink to be made: with a number of its own, for boxes that are made side by side share a rootfs. */
const newPath = fc
  .tuple(fc.constantFrom('/new/', '/absolute/', "/new/it's $(id)/", '/a/b/climbing/\n', '/tmp/-n '), fc.nat())
  .map(([start, number]) => `${start}${number}`);
const target = oddText.filter(text => text !== '' && text.length < 4096);

type Common = 'pid' | 'mount' | 'uts' | 'ipc' | 'net' | 'cgroup';
const newOrShared = fc.constantFrom('new' as const, 'shared' as const);

const IN_ROOTFS = [
  '/mnt',
  '/mnt/target',
  '/tmp',
  '/srv',
  '/absolute',
  '/a/b/climbing',
  '/relative',
  '/twice',
  '/work dir',
];
const IN_PROGRAMS = ['/mnt', '/tmp', '/run', '/new/directory'];
/** Some are in the rootfs, some on the host, some in /proc, some nowhere. */
const PROTECTED = [
  '/proc/interrupts',
  '/proc/sys',
  '/proc/irq',
  '/mnt',
  '/mnt/file',
  '/srv',
  '/twice',
  '/nowhere/at/all',
];
const ON_HOST = ['/mnt', '/srv', '/opt'];

/**
 * Any valid box. Impossible combinations are not filtered out of the result but never made, so that shrinking finds the
 * field that matters.
 */
export function randomBox(material: Material): fc.Arbitrary<BoxInput> {
  const shape = fc.record({
    choices: fc.record({
      pid: newOrShared,
      mount: newOrShared,
      uts: newOrShared,
      ipc: newOrShared,
      net: newOrShared,
      cgroup: newOrShared,
    }),
    joined: fc.subarray(['uts', 'ipc', 'net', 'cgroup', 'time'] as const, { maxLength: 2 }),
    user: fc.constantFrom('auto' as const, 'new' as const, 'shared' as const),
    overlay: fc.constantFrom('none' as const, 'none' as const, 'scratch' as const, 'layers' as const),
    root: fc.constantFrom('host' as const, 'pivot_root' as const, 'chroot' as const, 'programs' as const),
    time: fc.option(
      fc.record({ monotonic: fc.integer({ min: -2, max: 10 ** 6 }), boottime: fc.integer({ min: -2, max: 10 ** 6 }) }),
    ),
    joins: fc.boolean(),
    hostname: fc.option(utsName, { nil: undefined }),
    domainname: fc.option(utsName, { nil: undefined }),
    proc: fc.boolean(),
    dev: fc.option(fc.boolean(), { nil: undefined }),
    privileged: fc.option(fc.boolean(), { nil: undefined }),
    maskedPaths: fc.option(fc.subarray(PROTECTED), { nil: undefined }),
    readonlyPaths: fc.option(fc.subarray(PROTECTED), { nil: undefined }),
    readOnly: fc.boolean(),
    loopback: fc.boolean(),
    propagation: fc.constantFrom('private' as const, 'slave' as const, 'shared' as const, 'unchanged' as const),
    mounts: fc.array(
      fc.record({
        place: fc.nat(),
        type: fc.constantFrom<MountType>(...MOUNT_TYPES),
        restrictions: fc.record(
          { readOnly: fc.boolean(), nosuid: fc.boolean(), nodev: fc.boolean(), noexec: fc.boolean() },
          { requiredKeys: [] },
        ),
        recursive: fc.boolean(),
        propagation: fc.option(fc.constantFrom('private', 'rprivate', 'shared', 'rshared', 'unbindable' as const), {
          nil: undefined,
        }),
        size: fc.option(fc.constantFrom('1m', '64k', '10%'), { nil: undefined }),
        mode: fc.option(fc.constantFrom('755', '0700', '1777'), { nil: undefined }),
      }),
      { maxLength: 3 },
    ),
    symlinks: fc.array(fc.tuple(newPath, target), { maxLength: 2 }),
    files: fc.array(fc.tuple(newPath, oddText, fc.option(fc.constantFrom('600', '0755', '4711'), { nil: undefined })), {
      maxLength: 2,
    }),
    cwd: fc.boolean(),
    env: fc.dictionary(variableName, oddText, { maxKeys: 4, noNullPrototype: true }),
    words: fc.array(oddText, { maxLength: 4 }),
    limits: fc.option(randomLimits, { freq: 2, nil: {} }),
    status: fc.constantFrom(0, 1, 2, 125, 127, 255),
  });
  return shape.map(given => assemble(given, material));
}

function assemble(
  given: {
    readonly choices: Readonly<Record<Common, 'new' | 'shared'>>;
    readonly joined: readonly (keyof Material['joinable'])[];
    readonly user: 'auto' | 'new' | 'shared';
    readonly overlay: 'none' | 'scratch' | 'layers';
    readonly root: 'host' | 'pivot_root' | 'chroot' | 'programs';
    readonly time: { readonly monotonic: number; readonly boottime: number } | null;
    readonly joins: boolean;
    readonly hostname: string | undefined;
    readonly domainname: string | undefined;
    readonly proc: boolean;
    readonly dev: boolean | undefined;
    readonly privileged: boolean | undefined;
    readonly maskedPaths: readonly string[] | undefined;
    readonly readonlyPaths: readonly string[] | undefined;
    readonly readOnly: boolean;
    readonly loopback: boolean;
    readonly propagation: 'private' | 'slave' | 'shared' | 'unchanged';
    readonly mounts: readonly {
      readonly place: number;
      readonly type: MountType;
      readonly restrictions: Restrictions;
      readonly recursive: boolean;
      readonly propagation: BindInput['propagation'];
      readonly size: string | undefined;
      readonly mode: string | undefined;
    }[];
    readonly symlinks: readonly (readonly [path: string, target: string])[];
    readonly files: readonly (readonly [path: string, content: string, mode: string | undefined])[];
    readonly cwd: boolean;
    readonly env: Record<string, string>;
    readonly words: readonly string[];
    readonly limits: RandomLimits;
    readonly status: number;
  },
  { rootfs, directory, joinable }: Material,
): BoxInput {
  const joined = given.joins ? given.joined : [];
  const isJoined = (type: string) => joined.some(other => other === type);
  const namespaces: NonNullable<BoxInput['namespaces']> = { ...given.choices };
  for (const type of joined) namespaces[type] = joinable[type];
  // A user namespace of its own has no say over what belongs to the host: its proc needs pids of its own, and the
  // namespaces that it joins must be joined before.
  const pidsOfItsOwn = given.choices.pid === 'new';
  namespaces.user = given.user;
  const owned = given.user === 'new';
  const timed = given.time !== null && !isJoined('time');
  if (timed) namespaces.time = 'new';

  const ownMounts = given.choices.mount === 'new';
  const root = !ownMounts && given.root !== 'host' ? 'chroot' : given.root;
  const places = root === 'host' ? ON_HOST : root === 'programs' ? IN_PROGRAMS : IN_ROOTFS;
  const possible = (type: MountType) => !owned || isOwned(type, namespaces);
  // Of mounts in one place, the script makes the uppermost read-only; and what is unbindable it refuses to.
  const reboundLater = (given.readonlyPaths?.length ?? 0) > 0;
  const chosen = (ownMounts ? given.mounts : []).slice(0, reboundLater ? 1 : undefined);
  const mounts = chosen.map((mount, index, all): MountInput => {
    const destination = places[mount.place % places.length] ?? '/mnt';
    // Of these there is one file system for a namespace, which mount(2) puts into one place but once: EBUSY.
    const again = mount.type !== 'bind' && all.slice(0, index).some(({ type }) => type === mount.type);
    const type = possible(mount.type) && !again ? mount.type : 'tmpfs';
    const common = { destination, ...mount.restrictions };
    if (type === 'tmpfs') {
      const { size, mode } = mount;
      return { type, ...common, ...(size === undefined ? {} : { size }), ...(mode === undefined ? {} : { mode }) };
    }
    if (type !== 'bind') return { type, ...common };
    // The script restricts no bind after one that is shared.
    const late = all.slice(0, index).some(({ propagation }) => propagation?.endsWith('shared'));
    const { recursive } = mount;
    const propagation = reboundLater && mount.propagation?.endsWith('unbindable') ? undefined : mount.propagation;
    const source = `${directory}/source`;
    return { type, source, ...(late ? { destination } : common), recursive, propagation };
  });
  const proc = ownMounts && given.proc && (!owned || pidsOfItsOwn);
  const travels =
    proc ||
    mounts.length > 0 ||
    root !== 'host' ||
    given.readonlyPaths !== undefined ||
    given.maskedPaths !== undefined;
  const dev = given.dev === true && (!ownMounts || root === 'host') ? false : given.dev;
  const keeps = given.propagation === 'private' || given.propagation === 'slave';
  const ownNames = given.choices.uts === 'new' && !isJoined('uts');
  const ownNet = given.choices.net === 'new' && !isJoined('net');
  const directories = {
    host: `${directory}/odd dir\nwith a newline`,
    pivot_root: '/a/b/climbing',
    chroot: '/a/b/climbing',
    programs: '/var/tmp',
  };
  const script = 'printf "%s|" "$@"; printf "%s|" "$@" >&2; exit "$0"';
  return {
    command: ['/bin/sh', '-c', script, String(given.status), ...given.words],
    env: given.env,
    namespaces,
    ...(timed && given.time !== null ? { timeOffsets: given.time } : {}),
    ...(ownMounts ? { propagation: travels && !keeps ? 'private' : given.propagation } : {}),
    proc,
    loopback: ownNet && given.loopback,
    ...(ownNames && given.hostname !== undefined ? { hostname: given.hostname } : {}),
    ...(ownNames && given.domainname !== undefined ? { domainname: given.domainname } : {}),
    ...(root === 'host' ? {} : { rootfs: rootfsOf(root, rootfs, given.readOnly) }),
    ...(dev === undefined ? {} : { dev }),
    ...(given.privileged === undefined ? {} : { privileged: given.privileged }),
    ...(ownMounts && given.maskedPaths !== undefined ? { maskedPaths: [...given.maskedPaths] } : {}),
    ...(ownMounts && given.readonlyPaths !== undefined ? { readonlyPaths: [...given.readonlyPaths] } : {}),
    ...(root === 'pivot_root' ? overlayOf(given.overlay, directory) : {}),
    ...(mounts.length > 0 ? { mounts } : {}),
    // A file in a file system of queues is a queue of its ipc namespace: the host would keep it.
    ...(root === 'host' || (namespaces.ipc === 'shared' && mounts.some(({ type }) => type === 'mqueue'))
      ? {}
      : newEntries(given)),
    ...(given.cwd ? { cwd: directories[root] } : {}),
    // What shows the box its cgroups shows it those of the host that it has no cgroup of its own in.
    ...(mounts.some(({ type }) => type === 'cgroup') ? {} : given.limits),
  };
}

function rootfsOf(
  root: 'pivot_root' | 'chroot' | 'programs',
  path: string,
  readOnly: boolean,
): NonNullable<BoxInput['rootfs']> {
  if (root === 'programs') return { from: [...PROGRAMS], readOnly };
  return { path, change: root, readOnly: root === 'pivot_root' && readOnly };
}

function overlayOf(kind: 'none' | 'scratch' | 'layers', directory: string): Pick<BoxInput, 'overlay'> {
  if (kind === 'none') return {};
  return { overlay: kind === 'scratch' ? true : { lower: [`${directory}/odd dir\nwith a newline`], size: '4m' } };
}

/** What the box shows of a namespace, its user namespace must own: proc of pids, sysfs of the network. */
function isOwned(type: MountType, namespaces: NonNullable<BoxInput['namespaces']>): boolean {
  const shown = { proc: 'pid', sysfs: 'net', mqueue: 'ipc', cgroup: 'cgroup' } as const;
  return type === 'bind' || type === 'tmpfs' || type === 'devpts' || namespaces[shown[type]] === 'new';
}

function newEntries({
  symlinks,
  files,
}: {
  readonly symlinks: readonly (readonly [path: string, target: string])[];
  readonly files: readonly (readonly [path: string, content: string, mode: string | undefined])[];
}): Pick<BoxInput, 'symlinks' | 'files'> {
  const linked = symlinks.filter(([path]) => !files.some(([other]) => other === path));
  return {
    symlinks: Object.fromEntries(linked),
    files: Object.fromEntries(
      files.map(([path, content, mode]) => [path, mode === undefined ? content : { content, mode }]),
    ),
  };
}
