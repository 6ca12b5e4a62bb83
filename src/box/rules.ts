import type { Box } from './box.js';
import { fieldName, type Problem } from './problem.js';
import type { CheckedBox } from './schema.js';
import { isRoot } from './values.js';

/**
 * What makes no sense together. `given` is the box as written, to tell a default from a wish; `box` is the same with
 * its defaults.
 */
export function ruleProblems(given: CheckedBox, box: Box): readonly Problem[] {
  return [
    ...utsProblems(box),
    ...mountProblems(given, box),
    ...propagationProblems(given, box),
    ...bindPropagationProblems(box),
    ...newFileProblems(box),
    ...otherProblems(given, box),
  ];
}

function utsProblems(box: Box): readonly Problem[] {
  if (box.namespaces.uts.kind === 'new') return [];
  const message = 'needs a uts namespace of its own (namespaces.uts: new); it would rename the host or another box';
  return (['hostname', 'domainname'] as const)
    .filter(field => box[field] !== undefined)
    .map(field => ({ field, message }));
}

function mountProblems(given: CheckedBox, box: Box): readonly Problem[] {
  if (box.namespaces.mount.kind === 'new') return [];
  const message = 'needs a mount namespace of its own (namespaces.mount: new); it would change the mounts of others';
  const problems: Problem[] = [];
  if (given.proc === true) problems.push({ field: 'proc', message });
  if (box.mounts.length > 0) problems.push({ field: 'mounts', message });
  if (given.propagation !== undefined) problems.push({ field: 'propagation', message });
  if (box.rootfs?.change === 'pivot_root') problems.push({ field: 'rootfs.change', message: `pivot_root ${message}` });
  return problems;
}

/** A mount made under a peer of the host's mount appears on the host: mount_namespaces(7), shared subtrees. */
function propagationProblems(given: CheckedBox, box: Box): readonly Problem[] {
  if (box.namespaces.mount.kind !== 'new') return [];
  if (box.propagation !== 'shared' && box.propagation !== 'unchanged') return [];
  const carried = [
    ...(box.proc ? ['a fresh /proc'] : []),
    ...(box.mounts.length > 0 ? ['mounts'] : []),
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
    problems.push({ field: 'loopback', message: 'needs a net namespace of its own (namespaces.net: new)' });
  }
  return problems;
}
