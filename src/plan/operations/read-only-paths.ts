import type { AbsolutePath } from '../../box/values.js';
import { attach, cloneTreeOf, makeReadOnly } from '../../linux/mount-calls.js';
import { openPlace } from '../../linux/open-path.js';
import type { Result, SystemCall } from '../../linux/system-call.js';
import { type KernelPlace, lookUpIn } from '../file-system.js';
import type { OperationKind } from '../operation.js';
import { MISSING } from './mask-paths.js';

/** Makes paths read-only, with the mounts below them. One that is missing is passed over. */
export interface ReadOnlyPaths {
  readonly kind: 'read-only-paths';
  readonly paths: readonly AbsolutePath[];
  readonly rootfs: AbsolutePath | undefined;
  readonly kernelPlaces: readonly KernelPlace[];
}

export const readOnlyPaths: OperationKind<ReadOnlyPaths> = {
  describe: ({ paths }) => `make ${paths.map(path => JSON.stringify(path)).join(', ')} read-only`,

  /** Each is mounted on itself, and read-only before it is attached: at no moment can anything be written through it. */
  systemCalls: ({ paths, ...where }, caller) =>
    paths.map((path): SystemCall => {
      const place: Result = { of: `open ${path}` };
      const mount: Result = { of: `mounts of ${path}` };
      return {
        ...openPlace(...lookUpIn(path, where, caller), false, place),
        tolerate: MISSING,
        onSuccess: [cloneTreeOf(place, mount), makeReadOnly(mount), attach(mount, place)],
      };
    }),
};
