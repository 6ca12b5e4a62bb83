import type { AbsolutePath } from '../../box/values.js';
import { copyFile, makeDirectory, makeSymlink, writeFile } from '../../linux/file-calls.js';
import { attach, createMount } from '../../linux/mount-calls.js';
import { openPath } from '../../linux/open-path.js';
import type { Result, SystemCall } from '../../linux/system-call.js';
import type { Entry } from '../../rootfs/tree.js';
import type { OperationKind } from '../operation.js';

/** Makes the rootfs: an empty file system in memory, into which programs of the host are copied with what they need. */
export interface CopyPrograms {
  readonly kind: 'copy-programs';
  readonly programs: readonly string[];
  /** Where names among them are looked up, in this order. */
  readonly directories: readonly string[];
  /** Where it is mounted until it is the root. */
  readonly path: AbsolutePath;
}

export const copyPrograms: OperationKind<CopyPrograms> = {
  describe: ({ programs, path }) =>
    `mount a tmpfs on ${JSON.stringify(path)}, and copy into it: ${programs.map(program => JSON.stringify(program)).join(', ')}`,

  /** What is copied has been found out before: no symbolic link is followed any more. */
  systemCalls({ path }, { rootfs, programFiles }) {
    const place: Result = { of: `open ${path}` };
    return [
      ...createMount('tmpfs', { mode: '755' }, ['MOUNT_ATTR_NOSUID', 'MOUNT_ATTR_NODEV'], rootfs),
      openPath(path, place),
      attach(rootfs, place),
      ...programFiles.flatMap(entry => copyEntry(entry, rootfs)),
    ];
  },
};

function copyEntry(entry: Entry, root: Result): readonly SystemCall[] {
  const path = entry.path.slice(1);
  switch (entry.kind) {
    case 'directory':
      return makeDirectory(root, path, entry.mode);
    case 'symlink':
      return makeSymlink(root, path, entry.target, entry.modified);
    case 'text':
      return writeFile(root, path, entry.mode, entry.text);
    case 'file':
      return copyFile(entry.path, root, path, entry);
  }
}
