import { visible } from '../text.js';
import type { Compared, Comparison } from './comparison.js';

/** A comparison for people: a line for what is the same, both worlds side by side for what is not. */
export function asTable({ command, world, unseen, same }: Comparison, width: number): string {
  const parts = [...command, ...world];
  const different = parts.filter(part => !part.same).length;
  const verdict = same
    ? `the same: ${parts.length} of ${parts.length}`
    : `different: ${different} of ${parts.length}${different === 0 ? ', and the world is seen by one backend only' : ''}`;
  return [
    'the command',
    ...command.flatMap(part => partLines(part, width)),
    ...(unseen === undefined
      ? ['the world', ...world.flatMap(part => partLines(part, width))]
      : [`the world cannot be looked at from inside: ${unseen}`]),
    verdict,
    '',
  ].join('\n');
}

function partLines(part: Compared, width: number): readonly string[] {
  if (part.same) return [`  same       ${part.name}${oneLine(part.ffi)}`];
  const column = Math.max(20, Math.floor((width - 5) / 2));
  const head = cellRow('ffi', ' ', 'script', column);
  const rows = align(printableLines(part.ffi), printableLines(part.script));
  return [
    `  DIFFERENT  ${part.name}`,
    ...head,
    ...rows.flatMap(({ ffi, mark, script }) => cellRow(ffi, mark, script, column)),
  ];
}

/** A value that is one short line is shown although it is the same. */
function oneLine(text: string): string {
  const [line = '', rest = ''] = text.split('\n');
  return rest === '' && line !== '' && line.length <= 40 ? `: ${visible(line)}` : '';
}

interface Row {
  readonly ffi: string;
  readonly mark: Mark;
  readonly script: string;
}

/** As diff -y marks them: changed, on the left only, on the right only. */
type Mark = ' ' | '|' | '<' | '>';

/** Puts equal lines beside each other: the longest common subsequence, by the table of its lengths. */
export function align(left: readonly string[], right: readonly string[]): readonly Row[] {
  const lengths = left.map(() => new Array<number>(right.length + 1).fill(0));
  const length = (row: number, column: number) => lengths[row]?.[column] ?? 0;
  for (let row = left.length - 1; row >= 0; row -= 1) {
    const cells = lengths[row];
    if (cells === undefined) continue;
    for (let column = right.length - 1; column >= 0; column -= 1) {
      cells[column] =
        left[row] === right[column]
          ? length(row + 1, column + 1) + 1
          : Math.max(length(row + 1, column), length(row, column + 1));
    }
  }
  const rows: Row[] = [];
  let [row, column] = [0, 0];
  while (row < left.length || column < right.length) {
    const [ffi, script] = [left[row], right[column]];
    if (ffi !== undefined && ffi === script) rows.push({ ffi, mark: ' ', script });
    else if (ffi !== undefined && script !== undefined && length(row + 1, column + 1) === length(row, column))
      rows.push({ ffi, mark: '|', script });
    else if (script === undefined || (ffi !== undefined && length(row + 1, column) >= length(row, column + 1))) {
      rows.push({ ffi: ffi ?? '', mark: '<', script: '' });
      row += 1;
      continue;
    } else {
      rows.push({ ffi: '', mark: '>', script });
      column += 1;
      continue;
    }
    row += 1;
    column += 1;
  }
  return rows;
}

/** Nothing is cut off: a long line goes on in the next row. */
function cellRow(left: string, mark: string, right: string, column: number): readonly string[] {
  const [ffi, script] = [wrap(left, column), wrap(right, column)];
  return Array.from({ length: Math.max(ffi.length, script.length) }, (_, index) =>
    `  ${(ffi[index] ?? '').padEnd(column)} ${mark} ${script[index] ?? ''}`.trimEnd(),
  );
}

function wrap(text: string, column: number): readonly string[] {
  const characters = Array.from(text);
  const count = Math.max(1, Math.ceil(characters.length / column));
  return Array.from({ length: count }, (_, index) => characters.slice(index * column, (index + 1) * column).join(''));
}

/** What a box prints must not move the cursor of whoever compares. */
const printableLines = (text: string): readonly string[] =>
  (text.endsWith('\n') ? text.slice(0, -1) : text).split('\n').map(visible);
