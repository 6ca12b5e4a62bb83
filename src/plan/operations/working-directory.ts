import type { AbsolutePath } from '../../box/values.js';
import { openOwnDirectory } from '../../linux/open-path.js';
import { type Result, resultOf, string } from '../../linux/system-call.js';
import type { OperationKind } from '../operation.js';

/** Goes to a directory of the box. After a change of root it must: the old one would still be the host's. */
export interface WorkingDirectory {
  readonly kind: 'working-directory';
  readonly path: AbsolutePath;
  readonly rootfs: AbsolutePath | undefined;
}

export const workingDirectory: OperationKind<WorkingDirectory> = {
  describe: ({ path }) => `change to the directory ${JSON.stringify(path)}`,

  systemCalls({ path, rootfs }) {
    if (rootfs === undefined) return [{ name: 'chdir', arguments: [string(path)] }];
    const directory: Result = { of: `open ${path}` };
    return [openOwnDirectory(path, directory), { name: 'fchdir', arguments: [resultOf(directory)] }];
  },
};
