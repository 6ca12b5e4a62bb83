import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The directory of package.json, wherever the build has put this file. */
export const packageRoot = findPackageRoot(import.meta.dirname);

function findPackageRoot(directory: string): string {
  if (existsSync(join(directory, 'package.json'))) return directory;
  const parent = dirname(directory);
  if (parent === directory) throw new Error('nsgen is not installed whole: no package.json above its code');
  return findPackageRoot(parent);
}
