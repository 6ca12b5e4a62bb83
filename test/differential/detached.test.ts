import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { NOT_LIMITED } from '../../src/compare/comparison.js';
import { probeCommand, SECTIONS, SIGNALS_COMMAND } from '../../src/compare/probe.js';
import { lookOn, readWorld, type World } from '../../src/compare/world.js';
import { type BoxInput, parseBox } from '../../src/index.js';
import { ownBoxes, startDetached, WAYS, type Way } from '../detached/named-boxes.js';
import { nsgen } from '../support/cli.js';

/** A box that goes on alone has the same world, whoever has started it. */

const BOXES: Readonly<Record<string, BoxInput>> = {
  'by default': { command: ['true'] },
  'in a user namespace': { command: ['true'], namespaces: { user: 'new' }, hostname: 'inside', cwd: '/' },
  'in a root of programs': {
    command: ['true'],
    rootfs: { from: ['sh', 'cat', 'ls', 'ps', 'readlink', 'stat', 'ip', 'tr', 'sed', 'id', 'env', 'od'] },
    env: { A: "b'c" },
  },
  'with clocks of its own': { command: ['true'], namespaces: { time: 'new' }, timeOffsets: { boottime: 7000 } },
};

const { parent } = ownBoxes('detached-world');

async function outputOf(way: Way, input: BoxInput, command: readonly string[]): Promise<string> {
  const file = join(parent, '.box.json');
  writeFileSync(file, JSON.stringify({ ...input, command }));
  const { status, stderr } = await startDetached(way, ['-f', file, '--name', 'probe']);
  assert.deepEqual([status, stderr.replace(/^nsgen: note: .*\n/gm, '')], [0, '']);
  await nsgen(['wait', 'probe']);
  const { stdout } = await nsgen(['logs', 'probe']);
  await nsgen(['rm', 'probe']);
  return stdout;
}

async function worldOf(way: Way, input: BoxInput): Promise<World> {
  const mark = randomBytes(16).toString('hex');
  const onlooker = lookOn(parseBox(input));
  const output = Buffer.from(await outputOf(way, input, probeCommand(mark)));
  const signals = await outputOf(way, input, SIGNALS_COMMAND);
  return readWorld(output, mark, onlooker.until(), { signals, resources: NOT_LIMITED });
}

for (const [name, input] of Object.entries(BOXES)) {
  describe(`a detached box ${name}`, () => {
    test('is the same in all ways', async () => {
      const [first, ...others] = await inTurn(WAYS, way => worldOf(way, input));
      for (const other of others)
        for (const section of SECTIONS) assert.equal(text(other, section), text(first, section), section);
    });
  });
}

/** How much it has written by then depends on the place where the log is. */
const text = (world: World | undefined, section: (typeof SECTIONS)[number]): string | undefined =>
  world?.get(section)?.replace(/^pos:.*$/gm, '');

async function inTurn<One, Other>(all: readonly One[], act: (one: One) => Promise<Other>): Promise<readonly Other[]> {
  const results: Other[] = [];
  for (const one of all) results.push(await act(one));
  return results;
}
