import { lstatSync, readdirSync, realpathSync, type Stats, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type Layer, nestedProblems, type Overlay } from '../box/overlay.js';
import type { Problem } from '../box/problem.js';
import { isAbsolutePath } from '../box/values.js';

/** What is wrong with the directories of an overlay, as far as it shows before anything is done. */
export function directoryProblems({ lower, kept }: Overlay): readonly Problem[] {
  const problems = [...lower.flatMap(lowerProblem), ...(kept === undefined ? [] : keptProblems(kept))];
  if (problems.length > 0) return problems;
  return realProblems(kept === undefined ? lower : [...lower, kept.upper, kept.work]);
}

function lowerProblem({ field, path }: Layer): readonly Problem[] {
  const missing = look(statSync, path)?.isDirectory() === false;
  return missing ? [{ field, message: `there is no directory ${JSON.stringify(path)}` }] : [];
}

function keptProblems({ upper, work }: NonNullable<Overlay['kept']>): readonly Problem[] {
  const found = writtenProblem(upper);
  // Beside upper, it shares what is wrong with its directory.
  const problems = found.length > 0 && work.field === upper.field ? found : [...found, ...writtenProblem(work)];
  if (problems.length > 0) return problems;
  const [one, other] = [upper, work].map(({ path }) => deviceOf(path));
  if (one !== undefined && other !== undefined && one !== other) {
    const [first, second] = [upper, work].map(({ path }) => JSON.stringify(path));
    return [
      { field: work.field, message: `${second} is not on the file system of ${first}: overlayfs needs it there` },
    ];
  }
  return leftoverProblem(work);
}

/** It is made if it is missing, but not the directory that it is in. */
function writtenProblem({ field, path }: Layer): readonly Problem[] {
  const shown = JSON.stringify(path);
  const own = look(lstatSync, path);
  if (own === undefined) return [];
  if (own.isSymbolicLink()) {
    return [{ field, message: `${shown} is a symbolic link: name the directory that it leads to` }];
  }
  if (own.isDirectory()) return [];
  if (own !== MISSING) return [{ field, message: `${shown} is not a directory` }];
  const parent = dirname(path);
  if (look(statSync, parent)?.isDirectory() !== false) return [];
  return [{ field, message: `there is no directory ${JSON.stringify(parent)} to make ${shown} in` }];
}

/** The kernel empties WORK/work: it must be what an overlay has left there, which has no permissions at all. */
function leftoverProblem({ field, path }: Layer): readonly Problem[] {
  const others = namesIn(path).filter(
    name => !LEFT_BY_OVERLAYFS.includes(name) || ((look(lstatSync, join(path, name))?.mode ?? 0) & 0o777) !== 0,
  );
  if (others.length === 0) return [];
  const message = `${JSON.stringify(path)} is not empty (it has ${JSON.stringify(others[0])}): overlayfs empties its work directory`;
  return [{ field, message }];
}

const LEFT_BY_OVERLAYFS: readonly string[] = ['work', 'index'];

function namesIn(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

/** The same again with the symlinks followed. */
function realProblems(layers: readonly Layer[]): readonly Problem[] {
  const real = layers.flatMap(({ field, path }) => {
    const followed = realPath(path);
    return followed !== undefined && isAbsolutePath(followed) ? [{ field, path: followed }] : [];
  });
  const roots = real.filter(({ path }) => path === '/');
  if (roots.length > 0) return roots.map(({ field }) => ({ field, message: 'must not lead to "/"' }));
  return nestedProblems(real);
}

function realPath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    // What is made later, where it will be.
    const parent = dirname(path);
    if (look(statSync, parent)?.isDirectory() !== true) return undefined;
    return join(realpathSync(parent), basename(path));
  }
}

const deviceOf = (path: string): number | undefined =>
  [path, dirname(path)].map(place => look(statSync, place)).find(found => found?.isDirectory())?.dev;

/** What is not there is no directory either. Undefined: it cannot be said, for want of permission. */
function look(
  how: (path: string) => Stats,
  path: string,
): Pick<Stats, 'dev' | 'isDirectory' | 'isSymbolicLink' | 'mode'> | undefined {
  try {
    return how(path);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    return code === 'ENOENT' || code === 'ENOTDIR' ? MISSING : undefined;
  }
}

const MISSING = { dev: 0, mode: 0, isDirectory: () => false, isSymbolicLink: () => false } as const;
