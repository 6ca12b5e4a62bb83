import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { NAMED_BOXES } from './boxes.js';
import { checkNamedBox } from './check.js';
import { assertNothingLeft, ownTemporaryDirectory } from './leftovers.js';
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
      await checkNamedBox(named, ground);
    });
  }
});
