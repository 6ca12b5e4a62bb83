import type { AbsolutePath } from '../../box/values.js';
import { openHostNode } from '../../linux/device-node.js';
import type { ErrnoName } from '../../linux/errno.js';
import { attach, cloneTreeOf, createMount } from '../../linux/mount-calls.js';
import { openPlace } from '../../linux/open-path.js';
import type { Result, SystemCall } from '../../linux/system-call.js';
import { type KernelPlace, lookUpIn } from '../file-system.js';
import type { OperationKind } from '../operation.js';
import { NULL_DEVICE } from './make-dev.js';

/** Covers paths: a directory by an empty one, a file by the null device. One that is missing is passed over. */
export interface MaskPaths {
  readonly kind: 'mask-paths';
  readonly paths: readonly AbsolutePath[];
  readonly rootfs: AbsolutePath | undefined;
  readonly kernelPlaces: readonly KernelPlace[];
  /** The box has a /dev of its own by then, whose null device it is; else it is the host's. */
  readonly ownDev: boolean;
}

/** `/file/below` is as missing as `/nothing`. */
export const MISSING: readonly ErrnoName[] = ['ENOENT', 'ENOTDIR'];

export const maskPaths: OperationKind<MaskPaths> = {
  describe: ({ paths }) => `mask ${paths.map(path => JSON.stringify(path)).join(', ')}`,

  /** Never by a null device that the rootfs has: what its owner put there instead would be shown (CVE-2025-31133). */
  systemCalls({ paths, ownDev, ...where }, caller) {
    return [
      ...(ownDev ? [] : openHostNode(NULL_DEVICE, caller.nullDevice)),
      ...paths.map((path): SystemCall => {
        const directory: Result = { of: `open directory ${path}` };
        const file: Result = { of: `open ${path}` };
        const empty: Result = { of: `mount of tmpfs for ${path}` };
        const device: Result = { of: `null device for ${path}` };
        const [root, rest] = lookUpIn(path, where, caller);
        return {
          ...openPlace(root, rest, true, directory),
          tolerate: MISSING,
          onSuccess: [
            ...createMount(
              'tmpfs',
              { ro: true },
              ['MOUNT_ATTR_RDONLY', 'MOUNT_ATTR_NOSUID', 'MOUNT_ATTR_NODEV', 'MOUNT_ATTR_NOEXEC'],
              empty,
            ),
            attach(empty, directory),
          ],
          onTolerated: [
            {
              ...openPlace(root, rest, false, file),
              tolerate: MISSING,
              onSuccess: [cloneTreeOf(caller.nullDevice, device), attach(device, file)],
            },
          ],
        };
      }),
    ];
  },
};
