import { AT_FDCWD, O, RESOLVE } from './constants.js';
import { bytes, flags, integer, type Result, resultOf, type SystemCall, string, symbol, words } from './system-call.js';

/** struct open_how of openat2(2): flags, mode, resolve. */
function openHow(resolve: readonly (keyof typeof RESOLVE)[]): Uint8Array {
  return words(
    O.O_PATH + O.O_CLOEXEC,
    0,
    resolve.reduce((sum, name) => sum + RESOLVE[name], 0),
  );
}

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
  const how = openHow(['RESOLVE_IN_ROOT']);
  const shown = '{flags=O_PATH|O_CLOEXEC, resolve=RESOLVE_IN_ROOT}';
  return { name: 'openat2', arguments: [resultOf(root), string(path), bytes(how, shown), integer(how.length)], result };
}
