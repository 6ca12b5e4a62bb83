import { normalize } from 'node:path';
import type { Box } from './box.js';
import type { Problem } from './problem.js';
import type { CheckedBox } from './schema.js';
import { type AbsolutePath, absolutePath } from './values.js';

/** A directory that an overlay is made of, with the field that named it. */
export interface Layer {
  readonly field: string;
  readonly path: AbsolutePath;
}

export interface Overlay {
  /** The topmost first; the rootfs among them. */
  readonly lower: readonly Layer[];
  /** Undefined: a scratch directory in memory. */
  readonly kept: { readonly upper: Layer; readonly work: Layer } | undefined;
  readonly size: string | undefined;
}

export function overlayOf(given: CheckedBox['overlay'], rootfs: AbsolutePath | undefined): Overlay | undefined {
  if (given === undefined || given === false) return undefined;
  const { lower = [], upper, work, size } = given === true ? {} : given;
  const above = lower.map((path, index) => layer(`overlay.lower[${index}]`, path));
  return {
    lower: rootfs === undefined ? above : [...above, layer('rootfs', rootfs)],
    kept:
      upper === undefined
        ? undefined
        : {
            upper: layer('overlay.upper', upper),
            // Beside upper, because both must be on one file system.
            work: work === undefined ? layer('overlay.upper', `${plain(upper)}.work`) : layer('overlay.work', work),
          },
    size,
  };
}

const layer = (field: string, path: string): Layer => ({ field, path: absolutePath(plain(path)) });

/** Without a slash at its end, which would have a symlink followed. */
const plain = (path: string): string => normalize(path).replace(/\/+$/, '');

export function overlayProblems(given: CheckedBox, { overlay, rootfs, namespaces }: Box): readonly Problem[] {
  if (overlay === undefined) return [];
  const wish = typeof given.overlay === 'object' ? given.overlay : {};
  const problems: Problem[] = [];
  if (rootfs === undefined) problems.push({ field: 'overlay', message: 'needs a rootfs, or lower directories' });
  if (wish.work !== undefined && wish.upper === undefined) {
    problems.push({ field: 'overlay.work', message: 'needs overlay.upper, whose file system it must be on' });
  }
  if (wish.size !== undefined && wish.upper !== undefined) {
    problems.push({ field: 'overlay.size', message: 'limits what is not kept; with overlay.upper, changes are kept' });
  }
  if (rootfs?.change === 'chroot' && namespaces.mount.kind === 'new') {
    problems.push({ field: 'rootfs.change', message: 'an overlay is entered by pivot_root, not by chroot' });
  }
  if (rootfs?.from !== undefined) {
    problems.push({ field: 'overlay', message: 'lies over directories; a rootfs of programs is made anew each time' });
    return problems;
  }
  const { lower, kept } = overlay;
  return [...problems, ...nestedProblems([...lower, ...(kept === undefined ? [] : [kept.upper, kept.work])])];
}

/** overlayfs(5): what one layer changes of another has no defined result, and the kernel refuses only some of it. */
export function nestedProblems(layers: readonly Layer[]): readonly Problem[] {
  const problems = layers.flatMap(({ field, path }, index) => {
    const other = layers.find((layer, place) => place !== index && isWithin(path, layer.path, place < index));
    if (other === undefined) return [];
    const message =
      path === other.path
        ? `is the same directory as ${other.field}: each layer must be one of its own`
        : `is inside ${JSON.stringify(other.path)} (${other.field}): layers must not contain each other`;
    return [{ field, message }];
  });
  // A work directory that nobody has named goes by the name of upper, and says the same.
  const same = (one: Problem, other: Problem) => one.field === other.field && one.message === other.message;
  return problems.filter((problem, index) => problems.findIndex(other => same(problem, other)) === index);
}

/** The same directory twice is the problem of the later one. */
const isWithin = (path: string, other: string, earlier: boolean): boolean =>
  path === other ? earlier : path.startsWith(other.endsWith('/') ? other : `${other}/`);
