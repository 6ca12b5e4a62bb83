import type { Box } from './box.js';
import { initProblems } from './init-rules.js';
import { overlayProblems } from './overlay.js';
import { fieldName, type Problem } from './problem.js';
import { resourceProblems } from './resources.js';
import type { CheckedBox } from './schema.js';
import { terminalProblems } from './terminal-rules.js';
import { isRoot } from './values.js';

/**
 * What makes no sense together. `given` is the box as written, to tell a default from a wish; `box` is the same with
 * its defaults.
 */
export function ruleProblems(given: CheckedBox, box: Box): readonly Problem[] {
  return [
    ...utsProblems(box),
    ...mountProblems(given, box),
    ...rootProblems(given, box),
    ...rootfsProblems(given, box),
    ...propagationProblems(given, box),
    ...bindPropagationProblems(box),
    ...idMapProblems(given, box),
    ...newFileProblems(box),
    ...overlayProblems(given, box),
    ...resourceProblems(box),
    ...initProblems(box),
    ...terminalProblems(box),
    ...otherProblems(given, box),
  ];
}

function utsProblems(box: Box): readonly Problem[] {
  if (box.namespaces.uts.kind === 'new') return [];
  const message =
    box.namespaces.uts.kind === 'pod'
      ? 'is the same for all boxes of the pod, which shares uts: give it to the pod'
      : 'needs a uts namespace of its own (namespaces.uts: new); it would rename the host or another box';
  return (['hostname', 'domainname'] as const)
    .filter(field => box[field] !== undefined)
    .map(field => ({ field, message }));
}

function mountProblems(given: CheckedBox, box: Box): readonly Problem[] {
  if (box.namespaces.mount.kind === 'new') return [];
  const message = 'needs a mount namespace of its own (namespaces.mount: new); it would change the mounts of others';
  const problems: Problem[] = [];
  if (given.proc === true) problems.push({ field: 'proc', message });
  if (box.overlay !== undefined) problems.push({ field: 'overlay', message });
  if (box.mounts.length > 0) problems.push({ field: 'mounts', message });
  for (const field of ['dev', 'maskedPaths', 'readonlyPaths'] as const)
    if (isAskedFor(given[field])) problems.push({ field, message });
  if (given.propagation !== undefined) problems.push({ field: 'propagation', message });
  if (box.rootfs?.from !== undefined) problems.push({ field: 'rootfs.from', message });
  else if (box.rootfs?.change === 'pivot_root')
    problems.push({ field: 'rootfs.change', message: `pivot_root ${message}` });
  return problems;
}

const isAskedFor = (value: boolean | readonly string[] | undefined): boolean =>
  typeof value === 'object' ? value.length > 0 : value === true;

function rootProblems(given: CheckedBox, { rootfs }: Box): readonly Problem[] {
  const problems: Problem[] = [];
  if (given.dev === true && rootfs === undefined)
    problems.push({ field: 'dev', message: 'needs a rootfs: without one, /dev is that of the host' });
  if (rootfs?.readOnly && rootfs.change === 'chroot')
    problems.push({
      field: 'rootfs.readOnly',
      message: 'needs rootfs.change: pivot_root (chroot makes no mount of it)',
    });
  return problems;
}

function rootfsProblems({ rootfs: given }: CheckedBox, { rootfs }: Box): readonly Problem[] {
  if (typeof given === 'object' && (given.path === undefined) === (given.from === undefined))
    return [{ field: 'rootfs', message: 'must have either a path or from, the programs to make it of' }];
  if (rootfs?.from === undefined || rootfs.change === 'pivot_root') return [];
  const message = 'chroot would leave it mounted in a directory of the host: with from it is pivot_root';
  return [{ field: 'rootfs.change', message }];
}

/** A mount made under a peer of the host's mount appears on the host: mount_namespaces(7), shared subtrees. */
function propagationProblems(given: CheckedBox, box: Box): readonly Problem[] {
  if (box.namespaces.mount.kind !== 'new') return [];
  if (box.propagation !== 'shared' && box.propagation !== 'unchanged') return [];
  const carried = [
    ...(box.proc ? ['a fresh /proc'] : []),
    ...(box.mounts.length > 0 ? ['mounts'] : []),
    ...(box.terminal ? ['a terminal'] : []),
    ...(box.maskedPaths.length + box.readonlyPaths.length > 0 && box.rootfs?.change !== 'pivot_root'
      ? ['masked and read-only paths']
      : []),
    ...(box.dev && box.rootfs?.change === 'chroot' ? ['a fresh /dev'] : []),
    ...(box.rootfs?.change === 'pivot_root' ? ['a rootfs entered by pivot_root'] : []),
  ];
  if (carried.length === 0) return [];
  const wayOut = given.proc === undefined && carried.length === 1 ? ' (or proc: false)' : '';
  const message = `"${box.propagation}" would carry what the box mounts (${carried.join(', ')}) to the host: use private or slave${wayOut}`;
  return [{ field: 'propagation', message }];
}

/** A mount that is private has no master to receive from: mount(2) would take MS_SLAVE, and do nothing. */
function bindPropagationProblems(box: Box): readonly Problem[] {
  if (box.propagation !== 'private') return [];
  return box.mounts.flatMap((mount, index) =>
    mount.type === 'bind' && /^r?slave$/.test(mount.propagation ?? '')
      ? [
          {
            field: `mounts[${index}].propagation`,
            message: 'receives nothing from the host while all mounts of the box are private: needs propagation: slave',
          },
        ]
      : [],
  );
}

function idMapProblems(given: CheckedBox, box: Box): readonly Problem[] {
  return (given.mounts ?? []).flatMap((mount, index) => {
    if (mount.type !== 'bind') return [];
    const { uidMappings, gidMappings } = mount;
    if (uidMappings === undefined && gidMappings === undefined) return [];
    const [has, lacks] = uidMappings ? ['uidMappings', 'gidMappings'] : ['gidMappings', 'uidMappings'];
    const field = `mounts[${index}].${has}`;
    if (uidMappings === undefined || gidMappings === undefined) return [{ field, message: `needs ${lacks} too` }];
    if (box.namespaces.user.kind !== 'new' && box.namespaces.user.kind !== 'joined') return [];
    const message = 'needs rights over the file system of the source: not in a user namespace of its own';
    return [{ field, message }];
  });
}

function newFileProblems(box: Box): readonly Problem[] {
  const problems: Problem[] = [];
  for (const field of ['symlinks', 'files'] as const) {
    if (box[field].length > 0 && box.rootfs === undefined) {
      problems.push({ field, message: 'needs a rootfs; without one, it would be written into the tree of the host' });
    }
  }
  for (const [path, name] of box.files.map(file => [file.path, lexical(file.path)] as const)) {
    if (!box.symlinks.some(link => lexical(link.path) === name)) continue;
    problems.push({ field: fieldName(['files', path]), message: 'is a path of symlinks too' });
  }
  return problems;
}

/** A path as written, without what means nothing. */
const lexical = (path: string): string =>
  path
    .split('/')
    .filter(part => part !== '' && part !== '.')
    .join('/');

function otherProblems(given: CheckedBox, box: Box): readonly Problem[] {
  const problems: Problem[] = [];
  if (box.rootfs !== undefined && isRoot(box.rootfs.path)) {
    problems.push({ field: 'rootfs', message: 'must not be "/": without a rootfs, the root of the host is the root' });
  }
  // Without a PATH, execvp(3) and bash have one of their own each.
  if (box.env.PATH === undefined && box.command[0]?.includes('/') === false) {
    const message = `is needed to find ${JSON.stringify(box.command[0])}: set it, or give the path of the program`;
    problems.push({ field: 'env.PATH', message });
  }
  if (given.timeOffsets !== undefined && box.namespaces.time.kind !== 'new') {
    problems.push({ field: 'timeOffsets', message: 'needs a time namespace of its own (namespaces.time: new)' });
  }
  if (given.loopback === true && box.namespaces.net.kind !== 'new') {
    const own = 'needs a net namespace of its own (namespaces.net: new)';
    const message = box.namespaces.net.kind === 'pod' ? "is the pod's, which shares net" : own;
    problems.push({ field: 'loopback', message });
  }
  return problems;
}
