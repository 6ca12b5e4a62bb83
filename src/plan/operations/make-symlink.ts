import type { AbsolutePath } from '../../box/values.js';
import { makeSymlink as makeSymlinkCalls } from '../../linux/make-entry.js';
import type { OperationKind } from '../operation.js';

/** Makes a symbolic link in the rootfs, in place of what has its name. */
export interface MakeSymlink {
  readonly kind: 'make-symlink';
  readonly path: AbsolutePath;
  readonly target: string;
}

export const makeSymlink: OperationKind<MakeSymlink> = {
  describe: ({ path, target }) => `make ${JSON.stringify(path)} of the rootfs a symlink to ${JSON.stringify(target)}`,

  systemCalls: ({ path, target }, { rootfs }) => makeSymlinkCalls(rootfs, path, target),
};
