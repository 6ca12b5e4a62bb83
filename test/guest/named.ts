import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { NAMED_BOXES } from '../differential/boxes.js';
import { checkNamedBox } from '../differential/check.js';
import { COLUMNS, type ColumnName } from '../differential/columns.js';
import { assertNothingLeft, ownTemporaryDirectory } from '../differential/leftovers.js';
import { type Ground, prepareGround } from '../differential/place.js';

/** Boxes of the table in test/differential, those that matter in a guest: all of them would take it twenty minutes. */
export function testNamed(names: readonly string[], ways: readonly ColumnName[] = COLUMNS): void {
  describe(`named boxes by ${ways.join(', ')}`, { concurrency: 2 }, () => {
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

    for (const name of names)
      it(name, async () => {
        const named = NAMED_BOXES.find(box => box.name === name);
        assert.ok(named !== undefined, 'test/differential/boxes has no box of that name');
        await checkNamedBox(named, ground, ways);
      });
  });
}
