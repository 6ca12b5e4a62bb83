import { visible } from '../text.js';
import { namespacePath } from './family.js';
import type { TreeRow } from './inspection.js';

/** A pid namespace as a frame around processes: it is named: a pid namespace's number, or the level of one that is not known. */
export type Frame = string;

/** Those that each process is in, from outside inwards. */
export function framesOf(tree: readonly TreeRow[]): readonly (readonly Frame[])[] {
  const around = aroundOf(tree);
  return tree.map(({ pids, namespaces }) =>
    namespacePath({ pids, inodes: namespaces }, around).map((inode, level) =>
      inode === null ? `unknown ${level + 1}` : String(inode),
    ),
  );
}

/** As namespacesAround has it, from the rows alone. */
function aroundOf(tree: readonly TreeRow[]): ReadonlyMap<number, number> {
  const rows = new Map(tree.map(row => [row.pid, row]));
  return new Map(
    tree.flatMap(({ pids, parent, namespaces }) => {
      const outer = rows.get(parent);
      const known = outer?.pids?.length === (pids?.length ?? 0) - 1 && pids?.at(-1) === 1;
      return known && outer.namespaces.pid !== null && namespaces.pid !== null
        ? [[namespaces.pid, outer.namespaces.pid] as const]
        : [];
    }),
  );
}

/** The boxes with a name in each frame. */
export function boxesOfFrames(
  tree: readonly TreeRow[],
  paths: readonly (readonly Frame[])[],
): ReadonlyMap<Frame, ReadonlySet<string>> {
  const names = new Map<Frame, Set<string>>();
  for (const [at, { box }] of tree.entries()) {
    const frame = paths[at]?.at(-1);
    if (frame !== undefined && box !== null) names.set(frame, (names.get(frame) ?? new Set()).add(box));
  }
  return names;
}

export function titleOf(frame: Frame | undefined, names: ReadonlyMap<Frame, ReadonlySet<string>>): string {
  const boxes = [...(names.get(frame ?? '') ?? [])];
  const title = frame?.startsWith('unknown') ? 'pid:[?], one or several' : `pid:[${frame}]`;
  return boxes.length === 0 ? title : `${title} ${boxes.map(visible).join(', ')}`;
}

export const nameOf = ({ name, state }: TreeRow): string => visible(name) + (state === 'Z' ? ' (ended)' : '');
