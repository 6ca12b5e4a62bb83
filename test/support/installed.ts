import { copyFileSync, cpSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { packageRoot } from '../../src/package-root.js';

/**
 * Copies what an installed package consists of to a directory that every user can read: the checkout may be in a home
 * directory. Node too, for the same reason.
 *
 * @returns the words that run nsgen.
 */
export function installForEveryone(directory: string): readonly [node: string, nsgen: string] {
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  const copy = (path: string) =>
    cpSync(join(packageRoot, path), join(directory, path), { recursive: true, dereference: true });
  for (const path of ['package.json', 'dist', 'templates', ...dependencies()]) copy(path);
  const node = join(directory, 'node');
  copyFileSync(process.execPath, node);
  return [node, join(directory, 'dist', 'bin', 'nsgen.cjs')];
}

interface Locked {
  readonly dev?: boolean;
}

function dependencies(): readonly string[] {
  const lock: { readonly packages: Readonly<Record<string, Locked>> } = JSON.parse(
    readFileSync(join(packageRoot, 'package-lock.json'), 'utf8'),
  );
  return Object.entries(lock.packages).flatMap(([path, { dev }]) =>
    path === '' || dev === true || !isInstalled(path) ? [] : [path],
  );
}

/** Optional binaries of other architectures are not. */
function isInstalled(path: string): boolean {
  try {
    readFileSync(join(packageRoot, path, 'package.json'));
    return dirname(path) !== '';
  } catch {
    return false;
  }
}
