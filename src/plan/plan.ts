import type { Box, NamespaceChoice, Rootfs } from '../box/box.js';
import { initMountPoint } from '../box/init-rules.js';
import { fillMount, type Mount } from '../box/mounts.js';
import type { Overlay } from '../box/overlay.js';
import { isTerminalMount, terminalMount } from '../box/terminal-rules.js';
import { type AbsolutePath, absolutePath, NAMESPACE_TYPES, type NamespaceType } from '../box/values.js';
import { CONTROLLERS, type Controller } from './cgroup.js';
import { KERNEL_MOUNTS, type KernelPlace } from './file-system.js';
import type { UserNamespace } from './operation.js';
import type { Execute } from './operations/execute.js';
import { controllerOf } from './operations/limit-unified.js';
import type { MakeCgroup } from './operations/make-cgroup.js';
import type { Life } from './operations/record-life.js';
import type { Operation } from './operations.js';

/** What is to be done for a box, in order. Both backends carry out the same plan; nothing else decides anything. */
export type Plan = readonly Operation[];

/** select(2) cannot hold descriptors from 1024 on: the soft limit that Linux distributions start programs with. */
const SOFT_DESCRIPTOR_LIMIT = 1024;
const FILE_MODE_MASK = 0o022;
const OWN_PROC = fillMount({ type: 'proc', destination: absolutePath('/proc') });

/**
 * The order is the kernel's: ids before anything that needs rights, propagation before the first mount, /proc while
 * mounting it is still allowed, names and network while the host's tools are still in reach (the script needs them),
 * the change of root last, and nothing after it that opens a path of the host. Descriptors of the host are closed before
 * the box's own directory is looked up.
 */
export function makePlan(box: Box, { detached = false, foreground = false }: PlanOptions = {}): Plan {
  const life = foreground ? 'until-command' : detached;
  return [
    ...launcherOperation(box),
    ...namespaceOperations(box, life),
    ...mountOperations(box),
    ...rootOperations(box, life),
    ...processOperations(box, life),
  ];
}

export interface PlanOptions {
  /** The box has a name, and goes on without whoever starts it. It must have nsgen's own init. */
  readonly detached?: boolean;
  /** The box has a name, and whoever starts it waits for its end, and writes that down. */
  readonly foreground?: boolean;
}

/** For a command that is neither a file of the host nor of nsgen. */
function launcherOperation(box: Box): Plan {
  const { command, env, rootfs, init, namespaces } = box;
  const by = rootfs?.change ?? (namespaces.mount.kind === 'joined' ? 'setns' : undefined);
  if (by === undefined || init === true) return [];
  return [{ kind: 'open-launcher', by, command, env, init: initInside(box) }];
}

/** Where it is in the box. */
const initInside = (box: Box): Execute['init'] =>
  box.init === undefined || box.init === true ? box.init : (initMountPoint(box) ?? box.init);

function namespaceOperations(box: Box, life: Life): Plan {
  const { user, time } = box.namespaces;
  const joined = NAMESPACE_TYPES.flatMap(type => joinedNamespace(type, box.namespaces[type]));
  const pod = NAMESPACE_TYPES.filter(type => box.namespaces[type].kind === 'pod');
  const joins = joined.length + pod.length > 0;
  const cgroups = cgroupOperations(box);
  const apart: readonly NamespaceType[] = cgroups.length > 0 ? ['user', 'time', 'cgroup'] : ['user', 'time'];
  const created = NAMESPACE_TYPES.filter(type => !apart.includes(type) && box.namespaces[type].kind === 'new');
  const userNamespace = userNamespaceOf(user);
  return [
    ...cgroups,
    ...(joins ? [{ kind: 'join-namespaces', namespaces: joined, pod } as const] : []),
    { kind: 'create-namespaces', types: created, user: userNamespace, joined: joins },
    ...(life === false ? [] : [{ kind: 'record-life' } as const]),
    ...(cgroups.length > 0 ? [{ kind: 'join-cgroup', namespace: box.namespaces.cgroup.kind === 'new' } as const] : []),
    ...(life === true ? [] : [{ kind: 'parent-death-signal' } as const]),
    { kind: 'new-session' },
    { kind: 'file-mode-mask', mask: FILE_MODE_MASK },
    ...(userNamespace === 'none' ? [] : [{ kind: 'map-ids', user: userNamespace } as const]),
    ...(time.kind === 'new' ? [{ kind: 'offset-clocks', ...box.timeOffsets } as const] : []),
  ];
}

/** What a cgroup is for: each limit, and what is counted or done with all of the box. */
function cgroupOperations(box: Box): Plan {
  const { resources, accounting, freezer, cgroupParent, dev } = box;
  const { memory, cpu, cpuset, pids, blockIO, hugepageLimits, devices, unified } = resources;
  const byFile = new Set(Object.keys(unified ?? {}).map(controllerOf));
  const wanted: Readonly<Record<Controller, boolean>> = {
    memory: memory !== undefined || accounting,
    cpu: cpu !== undefined || accounting,
    cpuset: cpuset !== undefined,
    pids: pids !== undefined || accounting,
    io: blockIO !== undefined || accounting,
    hugetlb: hugepageLimits !== undefined,
    devices: devices !== undefined,
    freezer,
    cpuacct: accounting,
  };
  const controllers = CONTROLLERS.filter(controller => wanted[controller] || byFile.has(controller));
  const everywhere = ownCgroupsEverywhere(box);
  if (controllers.length === 0 && everywhere === undefined) return [];
  // A session of systemd has no io controller, unless somebody has asked for it.
  const optional: readonly Controller[] = accounting && resources.blockIO === undefined ? ['io'] : [];
  const parent = cgroupParent && (plain(cgroupParent) || '/');
  return [
    { kind: 'make-cgroup', controllers, optional, everywhere, parent },
    ...(memory === undefined ? [] : [{ kind: 'limit-memory', ...memory } as const]),
    ...(cpu === undefined ? [] : [{ kind: 'limit-cpu', ...cpu } as const]),
    ...(cpuset === undefined ? [] : [{ kind: 'limit-cpuset', ...cpuset } as const]),
    ...(pids === undefined ? [] : [{ kind: 'limit-pids', ...pids } as const]),
    ...(blockIO === undefined ? [] : [{ kind: 'limit-io', ...blockIO } as const]),
    ...(hugepageLimits === undefined ? [] : [{ kind: 'limit-hugetlb', limits: hugepageLimits } as const]),
    ...(devices === undefined ? [] : [{ kind: 'limit-devices', rules: devices, ownDev: dev } as const]),
    ...(unified === undefined ? [] : [{ kind: 'limit-unified', files: unified } as const]),
  ];
}

/**
 * What is mounted in a cgroup namespace that others are in shows theirs. In a user namespace the kernel lets nobody write
 * to a release_agent.
 */
function ownCgroupsEverywhere({ mounts, namespaces }: Box): MakeCgroup['everywhere'] {
  if (namespaces.cgroup.kind !== 'new' || mounts.every(({ type }) => type !== 'cgroup')) return undefined;
  return namespaces.user.kind === 'new' || namespaces.user.kind === 'joined' ? 'mounted' : 'all';
}

function joinedNamespace(type: NamespaceType, choice: NamespaceChoice) {
  return choice.kind === 'joined' ? [{ type, path: choice.path }] : [];
}

function userNamespaceOf(choice: NamespaceChoice): UserNamespace {
  switch (choice.kind) {
    case 'new':
    case 'unprivileged':
      return choice.kind;
    case 'shared':
    case 'joined':
    case 'pod':
      return 'none';
  }
}

function mountOperations(box: Box): Plan {
  const { rootfs, propagation } = box;
  const own = box.namespaces.mount.kind === 'new';
  return [
    ...(own ? [{ kind: 'mount-propagation', propagation } as const] : []),
    ...(rootfs === undefined ? terminalOperation(box) : [beginningOfRoot(rootfs, box)]),
    ...(box.proc ? [mountOperation(OWN_PROC, box)] : []),
    ...(box.dev && rootfs ? [devOperation(box, rootfs.path)] : []),
    ...box.mounts.filter(mount => !(box.terminal && isTerminalMount(mount))).map(mount => mountOperation(mount, box)),
    ...initMount(box),
    ...(rootfs === undefined ? [] : terminalOperation(box)),
    ...box.symlinks.map(symlink => ({ kind: 'make-symlink', ...symlink }) as const),
    ...box.files.map(file => ({ kind: 'make-file', ...file }) as const),
  ];
}

function devOperation({ maskedPaths, terminal }: Box, rootfs: AbsolutePath): Operation {
  const keepsNull = maskedPaths.length > 0;
  return { kind: 'make-dev', rootfs, mask: FILE_MODE_MASK, keepsNull, terminals: !terminal };
}

/** In the tree of the host it comes first, as script(1) needs it; in a rootfs after all that might be mounted over it. */
const terminalOperation = (box: Box): Plan =>
  box.terminal ? [{ kind: 'open-terminal', rootfs: box.rootfs?.path, ...terminalMount(box) }] : [];

/**
 * After all mounts, because what they show is covered too; and after the names, which the script writes to /proc/sys.
 * What is masked comes second, as in runc: a mask is read-only already, and bash would reach nothing below it.
 */
function protectOperations(box: Box): Plan {
  const { rootfs, dev, maskedPaths, readonlyPaths } = box;
  const where = { rootfs: rootfs?.path, kernelPlaces: kernelPlacesOf(box) };
  return [
    ...(readonlyPaths.length > 0 ? [{ kind: 'read-only-paths', paths: readonlyPaths, ...where } as const] : []),
    ...(maskedPaths.length > 0 ? [{ kind: 'mask-paths', paths: maskedPaths, ...where, ownDev: dev } as const] : []),
    ...(rootfs?.readOnly ? [{ kind: 'read-only-root', path: rootfs.path } as const] : []),
  ];
}

function beginningOfRoot({ from, ...rootfs }: Rootfs, { env, overlay, namespaces, init }: Box): Operation {
  if (overlay !== undefined) return overlayOperation(overlay, namespaces.user);
  if (from === undefined) return { kind: 'open-rootfs', ...rootfs };
  const programs = init === undefined || init === true || from.includes(init) ? from : [...from, init];
  return { kind: 'copy-programs', programs, directories: searchPath(env), path: rootfs.path };
}

function overlayOperation({ lower, kept, size }: Overlay, user: NamespaceChoice): Operation {
  return {
    kind: 'mount-overlay',
    lower: lower.map(layer => layer.path),
    kept: kept && { upper: kept.upper.path, work: kept.work.path },
    size,
    user: user.kind === 'joined' || user.kind === 'pod' ? user.kind : userNamespaceOf(user),
  };
}

/** What is relative in PATH depends on where a program is started, and so means nothing here. */
const searchPath = (env: Box['env']): readonly string[] =>
  (env.PATH ?? '').split(':').filter(directory => directory.startsWith('/'));

/** Where a proc or sysfs in a rootfs is the one that is seen at the end: no other mount is there, or around it. */
function kernelPlacesOf({ rootfs, proc, mounts }: Box): readonly KernelPlace[] {
  if (rootfs === undefined) return [];
  const all = proc ? [OWN_PROC, ...mounts] : mounts;
  return KERNEL_PLACES.filter(place => {
    const [only, ...others] = all.filter(({ destination }) => `${place}/`.startsWith(`${plain(destination)}/`));
    return (
      only !== undefined && others.length === 0 && only.type === KERNEL_MOUNTS[place].type && only.destination === place
    );
  });
}

/** As the kernel reads it: `//proc/.` is /proc. */
const plain = (path: string) =>
  path
    .split('/')
    .flatMap(part => (part === '' || part === '.' ? [] : [`/${part}`]))
    .join('');

const KERNEL_PLACES = ['/proc', '/sys'] as const satisfies readonly KernelPlace[];

function mountOperation(mount: Mount, box: Box): Operation {
  const rootfs = box.rootfs?.path;
  if (mount.type === 'bind') {
    const { type, ...fields } = mount;
    return { kind: `mount-${type}`, ...fields, rootfs };
  }
  const { type, ...fields } = mount;
  const kernelPlace = kernelPlacesOf(box).find(place => place === mount.destination);
  return { kind: `mount-${type}`, ...fields, rootfs, ...(kernelPlace && { kernelPlace }) };
}

function rootOperations(box: Box, life: Life): Plan {
  const { hostname, domainname, loopback, rootfs } = box;
  return [
    ...(hostname === undefined ? [] : [{ kind: 'set-hostname', hostname } as const]),
    ...(domainname === undefined ? [] : [{ kind: 'set-domainname', domainname } as const]),
    ...(loopback ? [{ kind: 'loopback-up' } as const] : []),
    ...protectOperations(box),
    ...(rootfs === undefined ? [] : [changeOfRoot(rootfs)]),
    { kind: 'standard-streams', terminal: box.terminal },
    ...(box.terminal ? [{ kind: 'take-terminal' } as const] : []),
    { kind: 'close-descriptors', life, launcher: launcherOperation(box).length > 0 },
    ...(box.init === true ? [{ kind: 'open-init' } as const] : []),
  ];
}

function changeOfRoot({ path, change }: Rootfs): Operation {
  return change === 'pivot_root' ? { kind: 'pivot-root', path } : { kind: 'change-root', path };
}

/** A program of the host is shown in the rootfs, as docker does; a root of programs has a copy of it. */
function initMount(box: Box): Plan {
  const destination = initMountPoint(box);
  if (destination === undefined || box.init === undefined || box.init === true) return [];
  return [mountOperation(fillMount({ type: 'bind', source: box.init, destination, readOnly: true }), box)];
}

function processOperations(box: Box, life: Life): Plan {
  const { command, env, rootfs, cwd } = box;
  return [
    ...(cwd === undefined ? [] : [{ kind: 'working-directory', path: cwd, rootfs: rootfs?.path } as const]),
    { kind: 'descriptor-limit', soft: SOFT_DESCRIPTOR_LIMIT },
    { kind: 'reset-signals' },
    {
      kind: 'execute',
      command,
      env,
      init: initInside(box),
      life,
      launcher: launcherOperation(box).length > 0,
    },
  ];
}
