import { statSync } from 'node:fs';
import type { Box } from '../box/box.js';
import { BoxError } from '../box/problem.js';
import { directoryProblems } from './overlay.js';

/**
 * Asks whether the rootfs, or what an overlay is made of, is there, before anything is done. What else may be wrong with it, the kernel says.
 *
 * @throws BoxError when there is no such directory, or none that will do.
 */
export function requireRootfs({ rootfs, overlay, namespaces }: Box): void {
  // In a mount namespace that is joined, the path means something else than it does here.
  if (rootfs === undefined || rootfs.from !== undefined || namespaces.mount.kind === 'joined') return;
  if (overlay !== undefined) {
    const problems = directoryProblems(overlay);
    if (problems.length > 0) throw new BoxError(problems);
  } else if (isMissing(rootfs.path)) {
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
