import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { type BoxInput, run, script } from '../../src/index.js';
import { INIT_ARCHITECTURES, initElf } from '../../src/init/elf.js';
import { initListing, OBJDUMP } from '../../src/init/listing.js';
import type { Architecture } from '../../src/linux/machine-code.js';
import { execute } from '../support/cli.js';

/** The init is the same, byte for byte, wherever it comes from. */

const BOX: BoxInput = { command: ['sha256sum', '/proc/1/exe'], init: true };
const OWN: Architecture = process.arch === 'arm64' ? 'arm64' : 'x64';
const MACHINES: Readonly<Record<Architecture, string>> = { x64: 'x86_64', arm64: 'aarch64' };

for (const backend of ['ffi', 'script'] as const) {
  test(`pid 1 of a box by ${backend} is the init that nsgen writes`, async () => {
    const { stdout } = await run(BOX, { backend });
    const digest = createHash('sha256').update(initElf(OWN)).digest('hex');
    assert.equal(stdout, `${digest}  /proc/1/exe\n`);
  });
}

describe('a script', () => {
  const asked = script(BOX);

  for (const architecture of INIT_ARCHITECTURES)
    test(`has in base64 the init for ${architecture}`, async () => {
      const source = /^write_init\(\) \{\n.*?^\}$/ms.exec(await asked)?.[0] ?? '';
      // Which processor it is for is a variable of bash that is read-only.
      const choosing = source.replace(/\$\{BASH_VERSINFO\[5\]\}/, () => '$1');
      assert.notEqual(choosing, source);
      const command = `${choosing}\nwrite_init ${MACHINES[architecture]}-pc-linux-gnu | sha256sum`;
      const { stdout, stderr } = await execute('bash', ['-euo', 'pipefail', '-c', command]);
      const digest = createHash('sha256').update(initElf(architecture)).digest('hex');
      assert.deepEqual([stdout, stderr], [`${digest}  -\n`, '']);
    });

  test('has the listing of both beside them', async () => {
    const comment = /^# Prints the init,.*?\n#\n((?:#.*\n)+)write_init\(\) \{$/ms.exec(await asked)?.[1] ?? '';
    const lines = comment.split('\n').filter(line => line.startsWith('#   '));
    assert.deepEqual(
      lines.map(line => line.slice('#   '.length)),
      INIT_ARCHITECTURES.flatMap(architecture => [
        `${MACHINES[architecture]}: ${initElf(architecture).length} bytes, ${OBJDUMP[architecture]}`,
        ...initListing(architecture),
      ]),
    );
  });
});
