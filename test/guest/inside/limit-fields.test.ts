import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FIELDS } from '../../differential/boxes/limits.js';
import { resourcesByWay } from '../../differential/columns.js';

/** The table of limits again, where version 2 of cgroups has them all; many in a box, because a guest is slow. */

const BOXES: readonly (readonly string[])[] = [
  ['memory.swap', 'memory.reservation', 'cpu.quota and cpu.period', 'cpu.cpus and cpu.mems', 'pids.limit'],
  ['memory.limit, none', 'cpu.quota, none', 'pids.limit, none'],
  ['memory.swap, no limit', 'cpu.period', 'cpu.cpus'],
  ['memory.swap, none besides memory', 'cpu.burst'],
  ['memory.limit, not of whole pages', 'cpu.shares'],
  ['memory.limit', 'cpu.idle'],
];

for (const fields of BOXES)
  test(`${fields.join('; ')}: the same by both backends, and what it says`, async () => {
    const chosen = fields.map(field => FIELDS[field] ?? assert.fail(field));
    const given = chosen.map(([resources]) => resources);
    const resources = {
      memory: Object.assign({}, ...given.map(({ memory }) => memory)),
      cpu: Object.assign({}, ...given.map(({ cpu }) => cpu)),
      ...Object.assign({}, ...given.map(({ pids }) => (pids === undefined ? {} : { pids }))),
    };
    const seen = await resourcesByWay({ command: ['true'], resources }, ['ffi', 'script']);
    for (const [, shown] of chosen) assert.match(seen.get('ffi') ?? '', shown);
    assert.equal(seen.get('script'), seen.get('ffi'));
  });
