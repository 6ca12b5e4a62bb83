import type { Box } from './box.js';
import type { Problem } from './problem.js';
import { type AbsolutePath, absolutePath } from './values.js';

/** An init is pid 1, and what it executes it must be able to reach. */
export function initProblems({ init, namespaces, rootfs }: Box): readonly Problem[] {
  if (init === undefined) return [];
  const field = 'init';
  if (namespaces.pid.kind === 'pod') return [{ field, message: 'the pod has one: no box of it is pid 1' }];
  if (namespaces.pid.kind !== 'new')
    return [{ field, message: 'needs a pid namespace of its own (namespaces.pid: new), to be pid 1 of' }];
  if (init === true || rootfs === undefined || namespaces.mount.kind === 'new') return [];
  const message = 'needs a mount namespace of its own to show the program in the rootfs (or init: true)';
  return [{ field, message }];
}

/** Where the program of the host that is the init has to be shown in the box; undefined: it is there already. */
export function initMountPoint({ init, rootfs, dev }: Pick<Box, 'init' | 'rootfs' | 'dev'>): AbsolutePath | undefined {
  if (init === undefined || init === true || rootfs === undefined || rootfs.from !== undefined) return undefined;
  const name = init.slice(init.lastIndexOf('/') + 1);
  // Nothing is left behind in a /dev of the box's own.
  return absolutePath(`${dev ? '/dev/init' : '/sbin'}/${name}`);
}
