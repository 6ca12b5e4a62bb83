import { largest, padded, widthOf } from './columns.js';
import { type Frame, framesOf, nameOf, titlesOf } from './frames.js';
import type { Inspection, TreeRow } from './inspection.js';

/** The tree of processes as the host counts, and beside it each pid namespace as a frame, with the numbers in it. */

export interface Strokes {
  readonly across: string;
  readonly down: string;
  readonly corners: readonly [topLeft: string, topRight: string, bottomLeft: string, bottomRight: string];
  readonly child: string;
  readonly lastChild: string;
  readonly pass: string;
}

export const LINES: Strokes = {
  across: '─',
  down: '│',
  corners: ['┌', '┐', '└', '┘'],
  child: '├─ ',
  lastChild: '└─ ',
  pass: '│  ',
};

export const ASCII: Strokes = {
  across: '-',
  down: '|',
  corners: ['+', '+', '+', '+'],
  child: '|- ',
  lastChild: '`- ',
  pass: '|  ',
};

/** @returns its lines. */
export function picture(inspection: Inspection, strokes: Strokes): readonly string[] {
  const { tree } = inspection;
  const branches = branchesOf(tree, strokes);
  const left = hostSide(inspection, branches);
  const gap = largest(left.map(widthOf));
  const beside = (one: string, other: string) => `${padded(one, gap)}  ${other}`.trimEnd();
  const paths = framesOf(tree);
  const right = contents(tree);
  const frames = new Frames(strokes, tree, paths, right);
  const lines: string[] = [];
  for (const [at, row] of tree.entries()) {
    const path = paths[at] ?? [];
    for (const edge of frames.goTo(path)) lines.push(beside(branches.get(row.pid)?.before ?? '', edge));
    lines.push(beside(left[at] ?? '', path.length === 0 ? '' : frames.line(row.pids ?? [], right[at] ?? '')));
  }
  for (const edge of frames.goTo([])) lines.push(beside('', edge));
  return lines;
}

/** Each name as it stands in its frame, set in by how many of those above it are in there. */
function contents(tree: readonly TreeRow[]): readonly string[] {
  const depths = depthsInside(tree);
  return tree.map(row => `${'  '.repeat(Math.min(depths.get(row.pid) ?? 0, DEEPEST))}${nameOf(row)}`);
}

/** What the frames of each level need, so that those beside one another are equally wide. */
function frameWidths(
  paths: readonly (readonly Frame[])[],
  right: readonly string[],
  numbers: readonly number[],
  titles: ReadonlyMap<Frame, string>,
): readonly number[] {
  const widths: number[] = [];
  for (let level = largest(paths.map(path => path.length)); level > 0; level -= 1) {
    const number = (numbers[level] ?? 0) + 1;
    const within = widths[level];
    const inner = within === undefined ? 0 : number + within + 4;
    const own = right.flatMap((text, at) => (paths[at]?.length === level ? [number + widthOf(text)] : []));
    const heads = new Set(paths.flatMap(path => path[level - 1] ?? []));
    widths[level - 1] = largest([inner, ...own, ...[...heads].map(frame => widthOf(titles.get(frame) ?? '') + 4)]);
  }
  return widths;
}

/** Of the numbers of each level. */
function numberWidths(tree: readonly TreeRow[]): readonly number[] {
  const widths: number[] = [];
  for (const { pids } of tree)
    for (const [level, pid] of (pids ?? []).entries()) widths[level] = Math.max(widths[level] ?? 0, String(pid).length);
  return widths;
}

/** Further generations are not set in further: a tree can be thousands deep. */
const DEEPEST = 24;

/** How many of those above a process are in its own pid namespace. */
function depthsInside(tree: readonly TreeRow[]): ReadonlyMap<number, number> {
  const rows = new Map(tree.map(row => [row.pid, row]));
  const depths = new Map<number, number>();
  for (const { pid, parent, namespaces, pids } of tree) {
    const above = rows.get(parent);
    const same = above !== undefined && above.namespaces.pid === namespaces.pid && above.pids?.length === pids?.length;
    depths.set(pid, same ? (depths.get(parent) ?? 0) + 1 : 0);
  }
  return depths;
}

/** What stands in front of a process, and in a line before it. */
interface Branch {
  readonly own: string;
  readonly before: string;
}

/** The left half: pid, branches, name; an arrow at the process that was asked for. */
function hostSide({ tree, process }: Inspection, branches: ReadonlyMap<number, Branch>): readonly string[] {
  const width = pidWidth(tree);
  return tree.map(row => {
    const mark = row.pid === process.pid ? '>' : ' ';
    return `${mark} ${padded(String(row.pid), width, 'left')} ${branches.get(row.pid)?.own ?? ''}${nameOf(row)}`;
  });
}

const pidWidth = (tree: readonly TreeRow[]): number => largest(tree.map(({ pid }) => String(pid).length));

function branchesOf(tree: readonly TreeRow[], { child, lastChild, pass }: Strokes): ReadonlyMap<number, Branch> {
  const lastOf = new Map(tree.map(({ pid, parent }) => [parent, pid]));
  const branches = new Map<number, Branch>();
  // What stands below a process, in front of its children, and how deep that is.
  const below = new Map<number, { readonly text: string; readonly depth: number }>();
  const margin = ' '.repeat(pidWidth(tree) + 3);
  for (const { pid, parent } of tree) {
    const above = below.get(parent);
    if (above === undefined) below.set(pid, { text: '', depth: 0 });
    else {
      const last = lastOf.get(parent) === pid;
      branches.set(pid, { own: above.text + (last ? lastChild : child), before: margin + above.text + pass });
      const text = above.depth >= DEEPEST ? above.text : above.text + (last ? '   ' : pass);
      below.set(pid, { text, depth: above.depth + 1 });
    }
  }
  return branches;
}

/** The right half: frames within frames, of which some are open. */
class Frames {
  readonly #strokes: Strokes;
  readonly #numbers: readonly number[];
  readonly #titles: ReadonlyMap<Frame, string>;
  /** Of what is in a frame, by its level. */
  readonly #widths: readonly number[];
  #open: readonly Frame[] = [];

  /** @param right what will stand in them, row by row. */
  constructor(
    strokes: Strokes,
    tree: readonly TreeRow[],
    paths: readonly (readonly Frame[])[],
    right: readonly string[],
  ) {
    this.#strokes = strokes;
    this.#numbers = numberWidths(tree);
    this.#titles = titlesOf(tree, paths);
    this.#widths = frameWidths(paths, right, this.#numbers, this.#titles);
  }

  /** @returns the edges that have to be drawn before what is in these frames. */
  goTo(path: readonly Frame[]): readonly string[] {
    const { across, corners } = this.#strokes;
    const edges: string[] = [];
    const common = this.#open.findIndex((frame, level) => frame !== path[level]);
    const stay = common < 0 ? this.#open.length : common;
    for (let level = this.#open.length; level > stay; level -= 1) {
      const edge = `${corners[2]}${across.repeat((this.#widths[level - 1] ?? 0) + 2)}${corners[3]}`;
      edges.push(this.#within(level - 1, [], edge));
    }
    for (let level = stay; level < path.length; level += 1) {
      const title = ` ${this.#titles.get(path[level] ?? '') ?? ''} `;
      const rest = across.repeat(Math.max(0, (this.#widths[level] ?? 0) + 1 - widthOf(title)));
      edges.push(this.#within(level, [], `${corners[0]}${across}${title}${rest}${corners[1]}`));
    }
    this.#open = path;
    return edges;
  }

  /** @param pids its numbers, the host's first. */
  line(pids: readonly number[], text: string): string {
    const level = this.#open.length;
    const number = padded(String(pids[level] ?? '?'), this.#numbers[level] ?? 0, 'left');
    const { down } = this.#strokes;
    const own = `${down} ${padded(`${number} ${text}`, this.#widths[level - 1] ?? 0)} ${down}`;
    return this.#within(level - 1, pids, own);
  }

  /** Puts into each of the first frames what is in the one within it, with the number that it has there. */
  #within(levels: number, pids: readonly number[], content: string): string {
    let text = content;
    const { down } = this.#strokes;
    for (let level = levels; level > 0; level -= 1) {
      const number = padded(String(pids[level] ?? ''), this.#numbers[level] ?? 0, 'left');
      text = `${down} ${padded(`${number} ${text}`, this.#widths[level - 1] ?? 0)} ${down}`;
    }
    return text;
  }
}
