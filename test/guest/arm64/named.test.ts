import { after, before, describe, it } from 'node:test';
import { NAMED_BOXES } from '../../differential/boxes.js';
import { checkNamedBox } from '../../differential/check.js';
import { assertNothingLeft, ownTemporaryDirectory } from '../../differential/leftovers.js';
import { type Ground, prepareGround } from '../../differential/place.js';

describe('named boxes by system calls', { concurrency: 2 }, () => {
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

  for (const named of NAMED_BOXES) it(named.name, () => checkNamedBox(named, ground, ['ffi']));
});
