import type { AbsolutePath } from '../../box/values.js';
import { string } from '../../linux/system-call.js';
import type { OperationKind } from '../operation.js';

/** Goes to a directory of the box. After a change of root it must: the old one would still be the host's. */
export interface WorkingDirectory {
  readonly kind: 'working-directory';
  readonly path: AbsolutePath;
}

export const workingDirectory: OperationKind<WorkingDirectory> = {
  describe: ({ path }) => `change to the directory ${JSON.stringify(path)}`,
  systemCalls: ({ path }) => [{ name: 'chdir', arguments: [string(path)] }],
};
