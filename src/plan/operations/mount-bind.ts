import type { AbsolutePath } from '../../box/values.js';
import { attach, cloneTree, makeReadOnly } from '../../linux/mount-calls.js';
import { openMountPoint } from '../../linux/open-path.js';
import type { Result } from '../../linux/system-call.js';
import type { OperationKind } from '../operation.js';

/** Shows a directory or file of the host at another place, with the mounts below it. */
export interface MountBind {
  readonly kind: 'mount-bind';
  readonly source: AbsolutePath;
  readonly destination: AbsolutePath;
  readonly readOnly: boolean;
  readonly rootfs: AbsolutePath | undefined;
}

export const mountBind: OperationKind<MountBind> = {
  describe: ({ source, destination, readOnly }) =>
    `bind ${JSON.stringify(source)} on ${JSON.stringify(destination)}${readOnly ? ', read-only' : ''}`,

  /** Read-only before it is attached: at no moment can anything be written through it. */
  systemCalls({ source, destination, readOnly, rootfs }, caller) {
    const mount: Result = { of: `mounts of ${source}` };
    const place: Result = { of: `open ${destination}` };
    return [
      cloneTree(source, mount),
      ...(readOnly ? [makeReadOnly(mount)] : []),
      ...openMountPoint(rootfs && caller.rootfs, destination, { like: mount }, place),
      attach(mount, place),
    ];
  },
};
