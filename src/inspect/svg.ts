import { visible } from '../text.js';
import { largest, widthOf } from './columns.js';
import { type Frame, framesOf, nameOf, titlesOf } from './frames.js';
import { type Inspection, NAMESPACE_TYPES, type NamespaceType, type TreeRow } from './inspection.js';

/**
 * A figure: pid namespaces within one another as frames, in them a frame for each set of other namespaces, and in these
 * the processes. The same inspection gives the same bytes.
 */
export function svg(inspection: Inspection): string {
  const host = hostArea(inspection);
  const { width, height } = sizeOf(host);
  const size = { width: width + 2 * MARGIN, height: height + 2 * MARGIN };
  const { pid, name } = inspection.process;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<svg xmlns="http://www.w3.org/2000/svg" width="${size.width}" height="${size.height}" viewBox="0 0 ${size.width} ${size.height}" role="img" xml:space="preserve">`,
    `<title>${escaped(`Process ${pid} (${visible(name)}) and the namespaces around it`)}</title>`,
    `<style>text{font-family:'DejaVu Sans Mono',Menlo,Consolas,monospace;font-size:12px;fill:#1d2433;white-space:pre}.title{font-weight:bold}.note{fill:#5b6475}.target{font-weight:bold;fill:#a3230b}rect{stroke:#5b6475}.page{fill:#ffffff;stroke:none}.pid{fill:#eef3fb}.inner{fill:#dbe6f7}</style>`,
    `<rect class="page" width="${size.width}" height="${size.height}"/>`,
    ...drawn(host, MARGIN, MARGIN),
    '</svg>',
    '',
  ].join('\n');
}

/** A frame, what is written in it, and the frames in it. */
interface Area {
  readonly look: 'pid' | 'inner';
  readonly title: string;
  readonly notes: readonly string[];
  readonly rows: readonly { readonly text: string; readonly target: boolean }[];
  readonly areas: readonly Area[];
}

const MARGIN = 12;
const LINE = 17;
/** Of a character: the widest monospace fonts have 0.61 of their height. */
const CHARACTER = 7.4;
/** Areas stand side by side as far as this, in pixels. */
const WIDEST = 1000;

function hostArea(inspection: Inspection): Area {
  const { tree, viewpoint, others } = inspection;
  const paths = framesOf(tree);
  const placed = tree.map((row, at) => ({ row, path: paths[at] ?? [] }));
  const area = pidArea(inspection, placed, titlesOf(tree, paths), []);
  const rest = others === 0 ? [] : [`${others} more ${others === 1 ? 'process is' : 'processes are'} not shown`];
  const number = viewpoint.pidNamespace === null ? '?' : String(viewpoint.pidNamespace);
  return {
    ...area,
    title: `${viewpoint.initial ? 'host' : 'seen from'}: pid:[${number}]`,
    notes: [...area.notes, ...rest],
  };
}

interface Placed {
  readonly row: TreeRow;
  readonly path: readonly Frame[];
}

function pidArea(
  inspection: Inspection,
  placed: readonly Placed[],
  titles: ReadonlyMap<Frame, string>,
  path: readonly Frame[],
): Area {
  const level = path.length;
  const own = placed.filter(one => one.path.length === level);
  const inner = [...new Set(placed.flatMap(one => (one.path[level] === undefined ? [] : [one.path[level]])))];
  const groups = groupsOf(inspection, own);
  const only = groups.length === 1 ? groups[0] : undefined;
  return {
    look: 'pid',
    title: titles.get(path.at(-1) ?? '') ?? '',
    notes: only?.notes ?? [],
    rows: only?.rows ?? [],
    areas: [
      ...(only === undefined ? groups : []),
      ...inner.map(frame =>
        pidArea(
          inspection,
          placed.filter(one => one.path[level] === frame),
          titles,
          [...path, frame],
        ),
      ),
    ],
  };
}

/** The processes of a pid namespace, by their other namespaces. */
function groupsOf(inspection: Inspection, own: readonly Placed[]): readonly Area[] {
  const groups = new Map<string, TreeRow[]>();
  for (const { row } of own) {
    const key = OTHER_TYPES.map(type => row.namespaces[type]).join(' ');
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [row]);
    else group.push(row);
  }
  return [...groups.values()].map(rows => ({
    look: 'inner' as const,
    title: [...new Set(rows.flatMap(({ box }) => (box === null ? [] : [`box ${visible(box)}`])))].join(', '),
    notes: notesOf(inspection, rows),
    rows: rows.map(row => ({ text: rowText(row), target: row.pid === inspection.process.pid })),
    areas: [],
  }));
}

const OTHER_TYPES = NAMESPACE_TYPES.filter(type => type !== 'pid');

/** @param rows those of one set of namespaces. */
function notesOf({ viewpoint, tree }: Inspection, rows: readonly TreeRow[]): readonly string[] {
  const [row] = rows;
  if (row === undefined) return [];
  const unknown = OTHER_TYPES.filter(type => row.namespaces[type] === null);
  const shared = OTHER_TYPES.filter(
    type => !unknown.includes(type) && row.namespaces[type] === viewpoint.namespaces[type],
  );
  const own = OTHER_TYPES.filter(type => !unknown.includes(type) && !shared.includes(type));
  const within = new Set(rows);
  const others = tree.filter(other => !within.has(other));
  const line = (type: NamespaceType): string => {
    const inode = row.namespaces[type];
    const also = others.filter(other => other.namespaces[type] === inode).map(({ pid }) => pid);
    const more = also.length > FEW ? ` and ${also.length - FEW} more` : '';
    return `  ${type}:[${inode}]${also.length === 0 ? '' : `, with ${also.slice(0, FEW).join(', ')}${more}`}`;
  };
  return [
    ...(own.length === 0 ? [] : ['not of the host:', ...own.map(line)]),
    ...(shared.length === 0 ? [] : [`of the host: ${shared.join(' ')}`]),
    ...(unknown.length === 0 ? [] : [`not readable, or left: ${unknown.join(' ')}`]),
  ];
}

const FEW = 3;

/** `812 = 1  sleep`: the host's number, and those inside. */
const rowText = (row: TreeRow): string => `${(row.pids ?? [row.pid]).join(' = ')}  ${nameOf(row)}`;

interface Size {
  readonly width: number;
  readonly height: number;
}

interface Laid extends Size {
  /** Where each area is in the one around it. */
  readonly places: readonly { readonly area: Area; readonly x: number; readonly y: number }[];
}

const linesOf = ({ title, notes, rows }: Area): readonly string[] => [
  ...(title === '' ? [] : [title]),
  ...notes,
  ...rows.map(({ text }) => text),
];

const sizeOf = (area: Area): Size => laid(area);

/** Areas from left to right, in as many lines as they need. */
function laid(area: Area): Laid {
  const lines = linesOf(area);
  let width = Math.ceil(largest(lines.map(widthOf)) * CHARACTER);
  let x = MARGIN;
  let y = MARGIN + lines.length * LINE + (lines.length > 0 && area.areas.length > 0 ? MARGIN / 2 : 0);
  let tallest = 0;
  const places = area.areas.map(inner => {
    const size = sizeOf(inner);
    if (x > MARGIN && x + size.width > WIDEST) {
      x = MARGIN;
      y += tallest + MARGIN;
      tallest = 0;
    }
    const place = { area: inner, x, y };
    width = Math.max(width, x - MARGIN + size.width);
    x += size.width + MARGIN;
    tallest = Math.max(tallest, size.height);
    return place;
  });
  return { places, width: width + 2 * MARGIN, height: y + tallest + MARGIN };
}

function drawn(area: Area, x: number, y: number): readonly string[] {
  const { width, height, places } = laid(area);
  const kinds = [
    ...(area.title === '' ? [] : ['title']),
    ...area.notes.map(() => 'note'),
    ...area.rows.map(({ target }) => (target ? 'target' : '')),
  ];
  return [
    `<rect class="${area.look}" x="${x}" y="${y}" width="${width}" height="${height}" rx="4"/>`,
    ...linesOf(area).map((line, at) => {
      const kind = kinds[at] ?? '';
      const look = kind === '' ? '' : ` class="${kind}"`;
      return `<text${look} x="${x + MARGIN}" y="${y + MARGIN + at * LINE + 11}">${escaped(line)}</text>`;
    }),
    ...places.flatMap(place => drawn(place.area, x + place.x, y + place.y)),
  ];
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

/** Of text that is visible: nothing else in it is not allowed in XML. */
const escaped = (text: string): string => text.replace(/[&<>"']/g, character => ENTITIES[character] ?? character);
