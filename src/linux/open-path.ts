import { constants } from 'node:fs';
import { AT_FDCWD, O, RESOLVE, S_IFREG } from './constants.js';
import { mkdirAt } from './directory-calls.js';
import { bytes, flags, integer, type Result, resultOf, type SystemCall, string, symbol, words } from './system-call.js';

/** Opens a path of the host, for its place in the tree only. */
export function openPath(path: string, result: Result): SystemCall {
  return {
    name: 'openat',
    arguments: [symbol('AT_FDCWD', AT_FDCWD), string(path), flags(O, 'O_PATH', 'O_CLOEXEC')],
    result,
  };
}

/**
 * Opens a path inside a rootfs, whose symlinks are an attacker's: none of them, nor `..`, leads out of it, and nobody
 * can swap what was opened afterwards. openat2(2), Linux 5.6.
 */
export function openInRoot(root: Result, path: string, result: Result): SystemCall {
  return openat2(resultOf(root), path, ['RESOLVE_IN_ROOT'], [], result);
}

/**
 * Opens a directory of the box, after the change of root. The links of /proc/PID/fd, cwd and root lead wherever the
 * process has something open, which no rootfs decides: CVE-2024-21626.
 */
export function openOwnDirectory(path: string, result: Result): SystemCall {
  return openat2(symbol('AT_FDCWD', AT_FDCWD), path, ['RESOLVE_NO_MAGICLINKS'], ['O_DIRECTORY'], result);
}

/**
 * Opens a path that may be missing: a place in a rootfs or, without one, of the host. `asDirectory`: only if it is one;
 * else openat2 says ENOTDIR.
 */
export function openPlace(root: Result | undefined, path: string, asDirectory: boolean, result: Result): SystemCall {
  const directory = root === undefined ? symbol('AT_FDCWD', AT_FDCWD) : resultOf(root);
  return openat2(
    directory,
    path,
    root === undefined ? [] : ['RESOLVE_IN_ROOT'],
    asDirectory ? ['O_DIRECTORY'] : [],
    result,
  );
}

/** Opens an entry of a directory in which nobody else can make any: if it is a symlink, itself. */
export function openEntry(directory: Result, name: string, result: Result): SystemCall {
  return {
    name: 'openat',
    arguments: [resultOf(directory), string(name), flags(OPEN, 'O_PATH', 'O_NOFOLLOW', 'O_CLOEXEC')],
    result,
  };
}

/** Opens a directory of the host that must not be reached through a symlink of its own name. */
export function openDirectory(path: string, access: 'O_RDONLY' | 'O_PATH', result: Result): SystemCall {
  return {
    name: 'openat',
    arguments: [
      symbol('AT_FDCWD', AT_FDCWD),
      string(path),
      flags(OPEN, access, 'O_DIRECTORY', 'O_NOFOLLOW', 'O_CLOEXEC'),
    ],
    result,
  };
}

/** The values of O_DIRECTORY and O_NOFOLLOW differ between architectures. */
const OPEN = { ...O, O_DIRECTORY: constants.O_DIRECTORY, O_NOFOLLOW: constants.O_NOFOLLOW };

function openat2(
  directory: SystemCall['arguments'][number],
  path: string,
  resolve: readonly (keyof typeof RESOLVE)[],
  further: readonly 'O_DIRECTORY'[],
  result: Result,
): SystemCall {
  const open = ['O_PATH', 'O_CLOEXEC', ...further] as const;
  // struct open_how: flags, mode, resolve.
  const how = words(
    open.reduce((sum, name) => sum + OPEN[name], 0),
    0,
    resolve.reduce((sum, name) => sum + RESOLVE[name], 0),
  );
  const shown = `{flags=${open.join('|')}, resolve=${resolve.join('|') || '0'}}`;
  return { name: 'openat2', arguments: [directory, string(path), bytes(how, shown), integer(how.length)], result };
}

/** What a missing mount point is made as; `like`: a directory or a file, as the mount that goes there is. */
export type MountPointKind = 'directory' | 'file' | { readonly like: Result };

/**
 * Opens the place where something is mounted.
 *
 * @param root the rootfs, in which a missing place is made; undefined: a path of the host, where nothing is.
 */
export function openMountPoint(
  root: Result | undefined,
  path: string,
  kind: MountPointKind,
  result: Result,
): readonly SystemCall[] {
  if (root === undefined) return [openPath(path, result)];
  const probe = openInRoot(root, path, { of: `open ${path}` });
  return [
    { ...probe, tolerate: ['ENOENT'], onTolerated: makeInRoot(root, path, kind) },
    openInRoot(root, path, result),
  ];
}

/**
 * Makes a path, part by part, each relative to the part before it: what is made is made inside the rootfs, whoever
 * changes it meanwhile (CVE-2024-45310). A symlink that leads nowhere is not followed.
 */
export function makeInRoot(root: Result, path: string, kind: MountPointKind): readonly SystemCall[] {
  const parts = path.split('/').filter(part => part !== '' && part !== '.');
  return parts.flatMap((part, index) => {
    const parent = `/${parts.slice(0, index).join('/')}`;
    const directory: Result = { of: `open ${parent}` };
    const last = index === parts.length - 1;
    return [openInRoot(root, parent, directory), ...makeEntry(directory, part, last ? kind : 'directory')];
  });
}

function makeEntry(directory: Result, name: string, kind: MountPointKind): readonly SystemCall[] {
  if (kind === 'directory') {
    return [{ ...mkdirAt(directory, name, 0o755), tolerate: ['EEXIST'] }];
  }
  if (kind === 'file') {
    const type = symbol('S_IFREG|0644', S_IFREG + 0o644);
    return [
      { name: 'mknodat', arguments: [resultOf(directory), string(name), type, integer(0)], tolerate: ['EEXIST'] },
    ];
  }
  // A mount's own root: a directory has an entry "." and a file has none.
  const asDirectory = flags(OPEN, 'O_PATH', 'O_DIRECTORY', 'O_CLOEXEC');
  return [
    {
      name: 'openat',
      arguments: [resultOf(kind.like), string('.'), asDirectory],
      tolerate: ['ENOTDIR'],
      onSuccess: makeEntry(directory, name, 'directory'),
      onTolerated: makeEntry(directory, name, 'file'),
    },
  ];
}
