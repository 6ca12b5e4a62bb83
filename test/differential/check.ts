import assert from 'node:assert/strict';
import { assertSame, COLUMNS, type ColumnName, runColumns, start } from './columns.js';
import { type Holder, startHolder } from './holder.js';
import type { NamedBox } from './named-box.js';
import type { Ground } from './place.js';

/** Starts a box of the table in these ways, and holds it to what the table says; in all ways, also to its peer. */
export async function checkNamedBox(
  named: NamedBox,
  ground: Ground,
  ways = COLUMNS as readonly ColumnName[],
): Promise<void> {
  const holder = named.holder && (await startHolder(named.holder, named.holderAs));
  try {
    await check(named, ground, holder, ways);
  } finally {
    await holder?.end();
  }
}

async function check(
  named: NamedBox,
  { rootfs, directory }: Ground,
  holder: Holder | undefined,
  ways: readonly ColumnName[],
): Promise<void> {
  const place = { rootfs, directory, joined: (file: string) => `/proc/${holder?.pid}/ns/${file}` };
  const caller = named.caller && `GROUND='${directory}' ROOTFS='${rootfs}'\n${named.caller}`;
  const columns = await runColumns(named.box(place), {
    caller,
    directory: named.callerDirectory?.(place),
    input: named.input,
    probe: named.withoutWorld !== true,
    ways,
  });
  const { run, sight } = assertSame(columns, { fails: named.fails === true });
  named.expect({ run, world: sight?.world ?? new Map() });
  if (named.fails) {
    for (const [name, column] of columns)
      assert.match(
        column.run.stderr.toString('utf8'),
        name === 'ffi' ? /^nsgen: [^\n]+\n$/ : /^[^\n]+\n/,
        `${name} must say why`,
      );
  }
  if (named.peer === undefined || ways.length < COLUMNS.length) return;
  const peer = await start(named.peer(place), {});
  assert.equal(peer.exitStatus, 0, peer.stderr.toString('utf8'));
  assert.equal(processes(run.stdout), processes(peer.stdout));
}

/** `ps -ef` without the columns that are times: UID PID PPID C STIME TTY TIME CMD. */
function processes(output: Buffer): string {
  const rows = output.toString('utf8').trimEnd().split('\n');
  return rows
    .map(row => row.replace(/^(\S+ +\S+ +\S+) +\S+ +\S+ +(\S+) +\S+ (.*)$/, '$1 $2 $3').replace(/ +/g, ' '))
    .join('\n');
}
