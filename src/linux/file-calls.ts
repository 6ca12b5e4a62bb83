import { AT_FDCWD, AT_SYMLINK_NOFOLLOW, O, RESOLVE, SEEK_END } from './constants.js';
import { mkdirAt, symlinkAt } from './directory-calls.js';
import {
  bytes,
  flags,
  integer,
  NULL,
  octal,
  type Result,
  resultOf,
  type SystemCall,
  string,
  symbol,
  words,
} from './system-call.js';

/** Calls that make files in a directory which only this process sees. Paths are relative to it. */

/** When a file was written last, as utimensat(2) takes it. */
export interface Time {
  readonly seconds: number;
  readonly nanoseconds: number;
}

/** MAX_RW_COUNT of the kernel: what one call transfers at most. */
const MOST_BYTES = 0x7ffff000;

/** What a umask of 022 takes away from a new file. */
const MASKED = 0o022;

export function makeDirectory(root: Result, path: string, mode: number): readonly SystemCall[] {
  const make = mkdirAt(root, path, mode);
  return (mode & MASKED) === 0 ? [make] : [make, changeMode(root, path, mode)];
}

export const changeMode = (root: Result, path: string, mode: number): SystemCall => ({
  name: 'fchmodat',
  arguments: [resultOf(root), string(path), octal(mode)],
});

export const makeSymlink = (root: Result, path: string, target: string, modified: Time): readonly SystemCall[] => [
  symlinkAt(target, root, path),
  {
    name: 'utimensat',
    arguments: [resultOf(root), string(path), times(modified), symbol('AT_SYMLINK_NOFOLLOW', AT_SYMLINK_NOFOLLOW)],
  },
];

/** Copies a file of the host whose path has no symbolic link in it: one that has appeared there since is an error. */
export function copyFile(source: string, root: Result, path: string, file: CopiedFile): readonly SystemCall[] {
  const from: Result = { of: `open ${source}` };
  const to: Result = { of: `make ${path}` };
  const transfers = Math.max(1, Math.ceil(file.size / MOST_BYTES));
  return [
    openWithoutLinks(source, from),
    makeFile(root, path, file.mode, to),
    ...Array.from(
      { length: transfers },
      (): SystemCall => ({
        name: 'sendfile',
        arguments: [resultOf(to), resultOf(from), NULL, integer(MOST_BYTES)],
      }),
    ),
    insistOnSize(to, file.size),
    { name: 'utimensat', arguments: [resultOf(to), NULL, times(file.modified), integer(0)] },
    close(to),
    close(from),
  ];
}

interface CopiedFile {
  readonly mode: number;
  readonly size: number;
  readonly modified: Time;
}

export function writeFile(root: Result, path: string, mode: number, text: string): readonly SystemCall[] {
  const to: Result = { of: `make ${path}` };
  const length = Buffer.byteLength(text);
  return [
    makeFile(root, path, mode, to),
    { name: 'write', arguments: [resultOf(to), string(text), integer(length)] },
    insistOnSize(to, length),
    close(to),
  ];
}

/**
 * A full file system takes less than it was given, and calls that a success, as does a source that has become shorter.
 * Seeking back as far from the end then fails: EINVAL.
 */
export const insistOnSize = (file: Result, size: number): SystemCall => ({
  name: 'lseek',
  arguments: [resultOf(file), integer(-size), symbol('SEEK_END', SEEK_END)],
});

const makeFile = (root: Result, path: string, mode: number, result: Result): SystemCall => ({
  name: 'openat',
  arguments: [resultOf(root), string(path), flags(O, 'O_WRONLY', 'O_CREAT', 'O_EXCL', 'O_CLOEXEC'), octal(mode)],
  result,
});

function openWithoutLinks(path: string, result: Result): SystemCall {
  // struct open_how: flags, mode, resolve.
  const how = words(O.O_RDONLY + O.O_CLOEXEC, 0, RESOLVE.RESOLVE_NO_SYMLINKS);
  return {
    name: 'openat2',
    arguments: [
      symbol('AT_FDCWD', AT_FDCWD),
      string(path),
      bytes(how, '{flags=O_RDONLY|O_CLOEXEC, resolve=RESOLVE_NO_SYMLINKS}'),
      integer(how.length),
    ],
    result,
  };
}

const close = (descriptor: Result): SystemCall => ({ name: 'close', arguments: [resultOf(descriptor)] });

/** Two struct timespec: of the last access and of the last change. */
function times({ seconds, nanoseconds }: Time): SystemCall['arguments'][number] {
  const shown = `{tv_sec=${seconds}, tv_nsec=${nanoseconds}}`;
  return bytes(words(seconds, nanoseconds, seconds, nanoseconds), `[${shown}, ${shown}]`);
}
