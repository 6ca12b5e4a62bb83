import { constants } from 'node:fs';
import { O } from './constants.js';
import { symlinkAt } from './directory-calls.js';
import { insistOnSize } from './file-calls.js';
import { openMountPoint } from './open-path.js';
import { flags, integer, octal, type Result, resultOf, type SystemCall, string } from './system-call.js';

/**
 * Files and symlinks in a rootfs that is somebody else's. What has the name already is removed, never opened: it may be
 * a symlink, a hard link to a file of the host's, or a FIFO that nobody writes to.
 */

/** The value of O_NOFOLLOW differs between architectures. */
const CREATE = { ...O, O_NOFOLLOW: constants.O_NOFOLLOW };

export function makeFile(root: Result, path: string, content: string, mode: number): readonly SystemCall[] {
  const { directory, name, calls } = clearPlace(root, path);
  const file: Result = { of: `new ${path}` };
  const length = Buffer.byteLength(content);
  return [
    ...calls,
    {
      name: 'openat',
      arguments: [
        resultOf(directory),
        string(name),
        flags(CREATE, 'O_WRONLY', 'O_CREAT', 'O_EXCL', 'O_NOFOLLOW', 'O_CLOEXEC'),
        octal(0o600),
      ],
      result: file,
    },
    { name: 'write', arguments: [resultOf(file), string(content), integer(length)] },
    insistOnSize(file, length),
    // umask(2) would have its say in the mode of openat(2).
    { name: 'fchmod', arguments: [resultOf(file), octal(mode)] },
    { name: 'close', arguments: [resultOf(file)] },
  ];
}

export function makeSymlink(root: Result, path: string, target: string): readonly SystemCall[] {
  const { directory, name, calls } = clearPlace(root, path);
  return [...calls, symlinkAt(target, directory, name)];
}

/** Makes the directories on the way, opens the last, and removes what has the name; a directory stays, and is an error. */
function clearPlace(root: Result, path: string) {
  const slash = path.lastIndexOf('/');
  const [parent, name] = [path.slice(0, slash) || '/', path.slice(slash + 1)];
  const directory: Result = { of: `directory of ${path}` };
  const calls: readonly SystemCall[] = [
    ...openMountPoint(root, parent, 'directory', directory),
    { name: 'unlinkat', arguments: [resultOf(directory), string(name), integer(0)], tolerate: ['ENOENT'] },
  ];
  return { directory, name, calls };
}
