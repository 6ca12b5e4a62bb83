import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FIELDS } from '../../differential/boxes/limits.js';
import { resourcesByWay } from '../../differential/columns.js';

/** The table of limits again, where version 2 of cgroups has them all. */

for (const [field, [resources, shown]] of Object.entries(FIELDS))
  test(`${field} is the same by both backends, and what it says`, async () => {
    const seen = await resourcesByWay({ command: ['true'], resources }, ['ffi', 'script']);
    assert.match(seen.get('ffi') ?? '', shown);
    assert.equal(seen.get('script'), seen.get('ffi'));
  });
