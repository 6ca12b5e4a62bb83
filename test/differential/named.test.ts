import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { NAMED_BOXES } from './boxes.js';
import { assertSame, runColumns, start } from './columns.js';
import { type Holder, startHolder } from './holder.js';
import { assertNothingLeft, ownTemporaryDirectory } from './leftovers.js';
import type { NamedBox } from './named-box.js';
import { type Ground, prepareGround } from './place.js';

const CONCURRENCY = 3;

describe('named boxes', { concurrency: CONCURRENCY }, () => {
  let ground: Ground;
  const temporary = ownTemporaryDirectory();
  before(() => {
    ground = prepareGround();
  });
  after(async () => {
    ground.remove();
    await assertNothingLeft(temporary);
    temporary.remove();
  });

  it('are at least forty, each with a name of its own', () => {
    const names = NAMED_BOXES.map(({ name }) => name);
    assert.ok(names.length >= 40);
    assert.equal(new Set(names).size, names.length);
    assert.ok(NAMED_BOXES.filter(({ peer }) => peer !== undefined).length >= 5);
  });

  for (const named of NAMED_BOXES) {
    it(named.name, async () => {
      const holder = named.holder && (await startHolder(named.holder, named.holderAs));
      try {
        await check(named, ground, holder);
      } finally {
        await holder?.end();
      }
    });
  }
});

async function check(named: NamedBox, { rootfs, directory }: Ground, holder: Holder | undefined): Promise<void> {
  const place = { rootfs, directory, joined: (file: string) => `/proc/${holder?.pid}/ns/${file}` };
  const caller = named.caller && `GROUND='${directory}' ROOTFS='${rootfs}'\n${named.caller}`;
  const columns = await runColumns(named.box(place), {
    caller,
    directory: named.callerDirectory?.(place),
    input: named.input,
    probe: named.withoutWorld !== true,
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
  if (named.peer === undefined) return;
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
