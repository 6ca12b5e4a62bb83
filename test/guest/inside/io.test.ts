import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { nsgen } from '../../support/cli.js';

/** What is read from a disk in a second is held to its limit, and measured. */

const MEGABYTE = 1 << 20;
/** In all, and in each second. */
const [READ, RATE] = [4, 1];

let directory: string;
let disk: string;
before(() => {
  directory = mkdtempSync('/tmp/nsgen-test-io-');
  writeFileSync(join(directory, 'disk'), Buffer.alloc(READ * MEGABYTE));
  disk = execFileSync('losetup', ['--find', '--show', join(directory, 'disk')], { encoding: 'utf8' }).trim();
});
after(() => {
  execFileSync('losetup', ['--detach', disk]);
  rmSync(directory, { recursive: true });
});

for (const backend of ['ffi', 'script'] as const)
  test(`${backend}: ${READ}M at ${RATE}M a second`, async () => {
    const limit = ['--device-read-bps', `${disk}:${RATE}mb`];
    const dd = ['dd', `if=${disk}`, 'of=/dev/null', 'bs=64k', 'iflag=direct'];
    const run = await nsgen(['run', '--backend', backend, ...limit, '--', ...dd]);
    assert.equal(run.status, 0, run.stderr);
    // 4194304 bytes (4.2 MB, 4.0 MiB) copied, 4.00213 s, 1.0 MB/s
    const seconds = Number(/copied, ([\d.]+) s/.exec(run.stderr)?.[1]);
    assert.ok(seconds > 0.9 * (READ / RATE) - 0.5 && seconds < 3 * (READ / RATE), run.stderr);
  });

for (const backend of ['ffi', 'script'] as const)
  test(`${backend}: without a limit it takes less`, async () => {
    const dd = ['dd', `if=${disk}`, 'of=/dev/null', 'bs=64k', 'iflag=direct'];
    const { stderr } = await nsgen(['run', '--backend', backend, '--', ...dd]);
    assert.ok(Number(/copied, ([\d.]+) s/.exec(stderr)?.[1]) < 2, stderr);
  });
