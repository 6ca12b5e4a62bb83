import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEVICE_FIELDS, deviceRulesInVersion1 } from '../differential/boxes/other-limits.js';
import { resourcesByWay } from '../differential/columns.js';
import { testDevices } from './devices.js';

testDevices();

if (deviceRulesInVersion1)
  for (const [field, [resources, shown]] of Object.entries(DEVICE_FIELDS))
    test(`${field} are the same by both backends, and what they say`, async () => {
      const seen = await resourcesByWay({ command: ['true'], resources }, ['ffi', 'script']);
      assert.match(seen.get('ffi') ?? '', shown);
      assert.equal(seen.get('script'), seen.get('ffi'));
    });
