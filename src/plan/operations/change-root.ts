import type { AbsolutePath } from '../../box/values.js';
import { resultOf, string } from '../../linux/system-call.js';
import type { OperationKind } from '../operation.js';

/** Makes the rootfs "/" for the command, and nothing more: the host's tree stays mounted around it. chroot(2) */
export interface ChangeRoot {
  readonly kind: 'change-root';
  readonly path: AbsolutePath;
}

export const changeRoot: OperationKind<ChangeRoot> = {
  describe: ({ path }) => `chroot to ${JSON.stringify(path)}`,

  systemCalls: (_operation, { rootfs }) => [
    { name: 'fchdir', arguments: [resultOf(rootfs)] },
    { name: 'chroot', arguments: [string('.')] },
  ],
};
