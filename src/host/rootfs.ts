import { statSync } from 'node:fs';
import type { Box } from '../box/box.js';
import { BoxError } from '../box/problem.js';

/**
 * Asks whether the rootfs is there, before anything is done. What else may be wrong with it, the kernel says.
 *
 * @throws BoxError when there is no such directory.
 */
export function requireRootfs({ rootfs, namespaces }: Box): void {
  // In a mount namespace that is joined, the path means something else than it does here.
  if (rootfs === undefined || rootfs.from !== undefined || namespaces.mount.kind === 'joined') return;
  if (isMissing(rootfs.path)) {
    throw new BoxError([{ field: 'rootfs', message: `there is no directory ${JSON.stringify(rootfs.path)}` }]);
  }
}

function isMissing(path: string): boolean {
  try {
    return !statSync(path).isDirectory();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    return code === 'ENOENT' || code === 'ENOTDIR';
  }
}
