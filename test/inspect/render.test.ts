import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Inspection, TreeRow } from '../../src/inspect/inspection.js';
import { ASCII, LINES, picture } from '../../src/inspect/picture.js';
import { summary } from '../../src/inspect/summary.js';
import { svg } from '../../src/inspect/svg.js';
import { textOf, visible, visibleJson } from '../../src/text.js';
import { HOST, INSPECTION } from './fixture.js';
import { all, type Element, parseXml } from './xml.js';

const SUMMARY = String.raw`process       712 sh
box           web of pod shop
command       sh -c 'it'\''s\x0a' '\xff'
executable    /bin/dash
directory     not readable (EACCES)
root          /, of /dev/sda1[/srv/web] (ext4)
state         S sleeping
pid           712 here, 2 inside
parent        711
session       711, process group 2
terminal      pts/3 (136:3)
no new privs  yes
seccomp       filter, 2 filters
label         web (enforce)
seen from     the first pid namespace of the system; 1 process may not be read

NAMESPACES
TYPE  INODE                  WHOSE         SHARED WITH       BOXES
user  1                      host          6 processes       db, web
mnt   12                     own           process 711, 801  web
pid   13                     own, nsgen's  nobody
net   not readable (EACCES)
host: the same as nsgen's own (those of pid 1 may not be read)

PROCESSES
    1 init
   70 ├─ bash
      │  │                              ┌─ pid:[13] web ───────────────┐
  711 │  └─ nsgen-init                  │  1 nsgen-init                │
> 712 │     ├─ sh                       │  2   sh                      │
      │     │  │                        │    ┌─ pid:[23] web ───┐      │
  720 │     │  └─ sleep                 │ 10 │ 1 sleep          │      │
      │     │                           │    └──────────────────┘      │
  713 │     └─ evil\x1b<&>\xff (ended)  │  6   evil\x1b<&>\xff (ended) │
      │                                 └──────────────────────────────┘
  800 └─ nsgen
         │                              ┌─ pid:[13] web ───────────────┐
  801    └─ ps                          │ 11 ps                        │
                                        └──────────────────────────────┘
93 more processes: --all shows them

IDS
     REAL  EFFECTIVE  SAVED  FS  MAP (INSIDE OUTSIDE COUNT)
uid  0     1          2      3   0 1000 1; 1 100000 65536
gid  4     5          6      7   not readable (EPERM)
groups 10 20

CAPABILITIES
inheritable  none
permitted    CAP_KILL 63
effective    CAP_KILL
bounding     none
ambient      none

CGROUPS
HIERARCHY     CGROUP
cpu,cpuacct   /a\x1b
name=systemd  /user
version 2     /

LIMITS
NAME           SOFT  HARD       UNIT
RLIMIT_NOFILE  1024  unlimited  files

MOUNTS
ON  SOURCE               TYPE  OPTIONS    PROPAGATION
/   /dev/sda1[/srv/web]  ext4  rw,nosuid  shared:1 master:2
`;

test('an inspection as text, to the letter', () => {
  assert.equal(summary(INSPECTION, LINES), SUMMARY);
});

const ASCII_OF: Readonly<Record<string, string>> = {
  '├': '|',
  '│': '|',
  '─': '-',
  '┌': '+',
  '┐': '+',
  '└': '+',
  '┘': '+',
};

test('a tree for a terminal that has only ASCII', () => {
  const [, tree = ''] = SUMMARY.split(/PROCESSES\n|93 more/);
  const expected = tree.replaceAll('└─ ', '`- ').replace(/[├│─┌┐└┘]/g, character => ASCII_OF[character] ?? '');
  assert.equal(`${picture(INSPECTION, ASCII).join('\n')}\n`, expected);
  assert.doesNotMatch(expected, /[^\p{ASCII}]/u);
});

const withTree = (tree: readonly TreeRow[]): Inspection => ({ ...INSPECTION, tree, others: 0 });

test('a tree of thousands of generations takes no more room than its rows', () => {
  const tree = Array.from({ length: 5000 }, (_, index): TreeRow => {
    const pid = index + 1;
    return { pid, parent: index, name: 'x', state: 'S', pids: [pid], namespaces: HOST, box: null };
  });
  const lines = picture(withTree(tree), LINES);
  assert.equal(lines.length, 5000);
  assert.ok(lines.every(line => line.length < 100));
  assert.ok(svg(withTree(tree)).length < 1_000_000);
});

test('a namespace between two that nobody tells of is shown as unknown', () => {
  const rows: readonly TreeRow[] = [
    { pid: 1, parent: 0, name: 'init', state: 'S', pids: [1], namespaces: HOST, box: null },
    { pid: 5, parent: 1, name: 'deep', state: 'S', pids: [5, 4, 3], namespaces: { ...HOST, pid: 33 }, box: null },
    { pid: 6, parent: 1, name: 'hidden', state: 'S', pids: [6, 2], namespaces: { ...HOST, pid: null }, box: null },
  ];
  assert.deepEqual(picture(withTree(rows), ASCII), [
    '  1 init',
    '    |          +- pid:[?], one or several ---+',
    '    |          |   +- pid:[33] ---+          |',
    '  5 |- deep    | 4 | 3 deep       |          |',
    '    |          |   +--------------+          |',
    '  6 `- hidden  | 2 hidden                    |',
    '               +-----------------------------+',
  ]);
});

describe('the figure', () => {
  const figure = parseXml(svg(INSPECTION));
  const numbers = ({ attributes }: Element) => ({
    x: Number(attributes.x ?? 0),
    y: Number(attributes.y ?? 0),
    width: Number(attributes.width ?? 0),
    height: Number(attributes.height ?? 0),
  });
  const rectangles = all(figure)
    .filter(({ name }) => name === 'rect')
    .map(numbers);
  const texts = all(figure).filter(({ name }) => name === 'text');

  test('is XML, and the same each time', () => {
    assert.equal(figure.name, 'svg');
    assert.equal(svg(INSPECTION), svg(structuredClone(INSPECTION)));
  });

  test('has each process once, with all its numbers, and the one that was asked for stands out', () => {
    for (const { pids, name } of INSPECTION.tree)
      assert.equal(
        texts.filter(({ text }) => text.startsWith(`${pids?.join(' = ')}  ${visible(name)}`)).length,
        1,
        name,
      );
    assert.deepEqual(
      texts.filter(({ attributes }) => attributes.class === 'target').map(({ text }) => text),
      ['712 = 2  sh'],
    );
  });

  test('has every frame in the one around it, or beside it', () => {
    const inside = (one: (typeof rectangles)[number], other: (typeof rectangles)[number]) =>
      one.x >= other.x &&
      one.y >= other.y &&
      one.x + one.width <= other.x + other.width &&
      one.y + one.height <= other.y + other.height;
    const apart = (one: (typeof rectangles)[number], other: (typeof rectangles)[number]) =>
      one.x + one.width <= other.x ||
      other.x + other.width <= one.x ||
      one.y + one.height <= other.y ||
      other.y + other.height <= one.y;
    assert.equal(rectangles.length, 6);
    for (const one of rectangles)
      for (const other of rectangles) assert.ok(inside(one, other) || inside(other, one) || apart(one, other));
  });

  test('has every text within a frame, and none over another', () => {
    const lines = texts.map(element => ({ ...numbers(element), text: element.text }));
    for (const { x, y, text } of lines) {
      const end = x + [...text].length * 7.3;
      const around = rectangles.slice(1).filter(one => x > one.x && y < one.y + one.height && y > one.y);
      assert.ok(
        around.some(one => end < one.x + one.width),
        text,
      );
    }
    const places = lines.map(({ x, y }) => `${x} ${y}`);
    assert.equal(new Set(places).size, places.length);
  });
});

describe('text of others', () => {
  test('keeps the bytes that are no UTF-8 apart', () => {
    assert.equal(textOf(Buffer.from('plain ünï 漢')), 'plain ünï 漢');
    assert.equal(textOf(Buffer.from([0x61, 0xff, 0xc3, 0xbc, 0xc3, 0xe6, 0xbc])), 'a\udcffü\udcc3\udce6\udcbc');
    // A surrogate in UTF-8 is none, and neither is what has more bytes than it needs.
    assert.equal(textOf(Buffer.from([0xed, 0xa0, 0x80, 0xc0, 0xaf])), '\udced\udca0\udc80\udcc0\udcaf');
    assert.equal(visible('a\udcffü\ud800'), 'a\\xffü\\u{d800}');
  });

  test('is escaped in JSON, and comes out of it again', () => {
    const text = '\x1b\x9b\x7f\u202e\u2028\ufeff\udcff\u{e0001} \u0000é漢';
    const json = visibleJson(JSON.stringify([text], undefined, 2));
    assert.doesNotMatch(json, /[^\P{C}\n]|\p{Zl}|\p{Zp}/u);
    assert.deepEqual(JSON.parse(json), [text]);
  });
});
