import type { AbsolutePath } from '../../box/values.js';
import { makeFile as makeFileCalls } from '../../linux/make-entry.js';
import type { OperationKind } from '../operation.js';

/** Writes a small file into the rootfs, in place of what has its name. */
export interface MakeFile {
  readonly kind: 'make-file';
  readonly path: AbsolutePath;
  readonly content: string;
  /** Octal. */
  readonly mode: string;
}

export const makeFile: OperationKind<MakeFile> = {
  describe: ({ path, content, mode }) =>
    `write ${Buffer.byteLength(content)} bytes to ${JSON.stringify(path)} of the rootfs, mode ${mode}`,

  systemCalls: ({ path, content, mode }, { rootfs }) => makeFileCalls(rootfs, path, content, Number.parseInt(mode, 8)),
};
