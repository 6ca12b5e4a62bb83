import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { Ajv } from 'ajv';
import { parseBox } from '../src/box/box.js';
import { BoxError } from '../src/box/problem.js';
import { isPodInput, readBoxFile } from '../src/box/read.js';
import { parsePod } from '../src/pod/pod.js';
import { exampleFile, exampleNames, generatedDirectory } from './generate.js';

const schema = JSON.parse(readFileSync(join(generatedDirectory, 'box.schema.json'), 'utf8'));
const compile = (description: object) =>
  new Ajv({ allErrors: true, strict: true, strictRequired: false }).compile(description);
const validate = compile(schema);
const validatePod = compile(JSON.parse(readFileSync(join(generatedDirectory, 'pod.schema.json'), 'utf8')));

const command = ['true'];

/** Boxes that an editor marks already, each with the place that it marks. */
const MARKED: readonly (readonly [box: unknown, place: string])[] = [
  [{}, ''],
  [[], ''],
  ['true', ''],
  [{ command: [] }, '/command'],
  [{ command: 'true' }, '/command'],
  [{ command: [1] }, '/command/0'],
  [{ command, hostnam: 'x' }, ''],
  [{ command, toString: 'x' }, ''],
  [{ command, env: { A: 1 } }, '/env/A'],
  [{ command, env: ['A=1'] }, '/env'],
  [{ command, cwd: 'tmp' }, '/cwd'],
  [{ command, hostname: '' }, '/hostname'],
  [{ command, hostname: 'x'.repeat(65) }, '/hostname'],
  [{ command, domainname: 3 }, '/domainname'],
  [{ command, namespaces: { net: 'own' } }, '/namespaces/net'],
  [{ command, namespaces: { net: 'auto' } }, '/namespaces/net'],
  [{ command, namespaces: { mnt: 'new' } }, '/namespaces'],
  [{ command, namespaces: [] }, '/namespaces'],
  [{ command, timeOffsets: { monotonic: 0.5 } }, '/timeOffsets/monotonic'],
  [{ command, timeOffsets: { boottime: 1e10 } }, '/timeOffsets/boottime'],
  [{ command, propagation: 'rprivate' }, '/propagation'],
  [{ command, proc: 'yes' }, '/proc'],
  [{ command, loopback: 1 }, '/loopback'],
  [{ command, rootfs: 'box' }, '/rootfs'],
  [{ command, rootfs: { change: 'chroot' } }, '/rootfs'],
  [{ command, rootfs: { path: '/box', from: ['ls'] } }, '/rootfs'],
  [{ command, rootfs: { from: [] } }, '/rootfs/from'],
  [{ command, rootfs: { path: '/box', change: 'switch_root' } }, '/rootfs/change'],
  [{ command, mounts: {} }, '/mounts'],
  [{ command, mounts: [{ type: 'overlay', destination: '/x' }] }, '/mounts/0/type'],
  [{ command, mounts: [{ type: 'proc', destination: '/x', size: '1m' }] }, '/mounts/0'],
  [{ command, mounts: [{ type: 'sysfs', destination: 'x' }] }, '/mounts/0/destination'],
  [{ command, mounts: [{ type: 'devpts', destination: '/x', gid: -1 }] }, '/mounts/0/gid'],
  [{ command, mounts: [{ type: 'tmpfs', destination: '/x', nr_inodes: '1%' }] }, '/mounts/0/nr_inodes'],
  [{ command, mounts: [{ type: 'bind', source: '/a', destination: '/x', propagation: 'r' }] }, '/mounts/0/propagation'],
  [{ command, rootfs: '/box', symlinks: { '/x': 1 } }, '/symlinks/~1x'],
  [{ command, rootfs: '/box', files: { '/x': 1 } }, '/files/~1x'],
  [{ command, rootfs: '/box', files: { '/x': { mode: '644' } } }, '/files/~1x'],
  [{ command, rootfs: '/box', files: { '/x': { content: '', owner: 1 } } }, '/files/~1x'],
  [{ command, mounts: [{ type: 'bind', destination: '/x' }] }, '/mounts/0'],
  [{ command, mounts: [{ type: 'bind', source: 'a', destination: '/x' }] }, '/mounts/0/source'],
  [{ command, mounts: [{ type: 'bind', source: '/a', destination: '/x', size: '1m' }] }, '/mounts/0'],
  [{ command, mounts: [{ type: 'tmpfs', destination: '/x', size: '1 MB' }] }, '/mounts/0/size'],
  [{ command, mounts: [{ type: 'tmpfs', destination: '/x', mode: 755 }] }, '/mounts/0/mode'],
];

describe('the published JSON Schema', () => {
  for (const name of exampleNames()) {
    test(`takes the example ${name}, as nsgen does`, async () => {
      const input = await readBoxFile(exampleFile(name));
      const [validates, parse] = isPodInput(input) ? [validatePod, parsePod] : [validate, parseBox];
      assert.equal(validates(input), true, JSON.stringify(validates.errors));
      assert.doesNotThrow(() => parse(input));
    });
  }

  for (const [box, place] of MARKED) {
    test(`marks ${JSON.stringify(box)}, which nsgen refuses`, () => {
      assert.equal(validate(box), false);
      const places = validate.errors?.map(({ instancePath }) => instancePath) ?? [];
      assert.ok(places.includes(place), `${place} is not among ${places.join(' ')}`);
      assert.throws(() => parseBox(box), BoxError);
    });
  }

  test('tells what each field is for', () => {
    const fields: Record<string, { description?: string }> = schema.properties;
    assert.notEqual(Object.keys(fields).length, 0);
    for (const [name, { description = '' }] of Object.entries(fields)) assert.notEqual(description, '', name);
  });
});
