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

/** What is written over each frame: its namespace, and the boxes with a name in it. */
export function titlesOf(tree: readonly TreeRow[], paths: readonly (readonly Frame[])[]): ReadonlyMap<Frame, string> {
  const names = new Map<Frame, Set<string>>();
  for (const frame of paths.flat()) names.set(frame, new Set());
  for (const [at, { box }] of tree.entries()) if (box !== null) names.get(paths[at]?.at(-1) ?? '')?.add(box);
  return new Map([...names].map(([frame, boxes]) => [frame, titleOf(frame, [...boxes])]));
}

const FEW = 3;

function titleOf(frame: Frame, boxes: readonly string[]): string {
  const namespace = frame.startsWith('unknown') ? 'pid:[?], one or several' : `pid:[${frame}]`;
  const more = boxes.length > FEW ? ` and ${boxes.length - FEW} more` : '';
  return boxes.length === 0 ? namespace : `${namespace} ${boxes.slice(0, FEW).map(visible).join(', ')}${more}`;
}

export const nameOf = ({ name, state }: TreeRow): string => visible(name) + (state === 'Z' ? ' (ended)' : '');
