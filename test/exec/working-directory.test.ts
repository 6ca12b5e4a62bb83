import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, describe, test } from 'node:test';
import { BACKEND_NAMES, start } from '../../src/index.js';
import { nsgenPath } from '../support/cli.js';
import { descendants, hostState } from '../support/leftovers.js';
import { ownDirectory } from '../support/own-directory.js';
import { makeRootfs, removeRootfs } from '../support/rootfs.js';

/** Whoever joins a box is given a working directory there, also where the box has laid a link to what a process has open. */

const secret = join(ownDirectory('exec-directory'), 'secret');
mkdirSync(secret);
writeFileSync(join(secret, 'marker'), 'of the host\n');
const rootfs = makeRootfs(['bash', 'ls', 'ln', 'sleep'], ['proc', 'dev', 'inside']);
after(() => removeRootfs(rootfs));

const state = hostState();
afterEach(() => {
  assert.deepEqual(descendants(), []);
  assert.deepEqual(hostState(), state);
});

const PLACES = ['fd/0', 'fd/9', 'fd/10', 'fd/19'].map(name => `/proc/self/${name}`);

for (const backend of BACKEND_NAMES)
  describe(`nsgen exec -w, ${backend}`, () => {
    test('descriptors of a directory of the host, themselves and by a symlink in the box, lead nowhere', async () => {
      const links = PLACES.map((place, index) => `ln -s ${place} /way-out-${index}`).join('; ');
      const box = await start(
        { command: ['bash', '-c', `${links}; echo ready; exec sleep infinity`], rootfs: { path: rootfs } },
        { stdout: 'pipe' },
      );
      await new Promise(resolve => box.stdout?.once('data', resolve));
      /** With descriptors 0 and 9 of the host's directory: inherited, and open in nsgen as well. */
      const lookIn = (cwd: string) => {
        const words = ['exec', '--backend', backend, '-w', cwd, String(box.pid), '--', 'ls', '.'];
        const command = ['cd "$1" && shift && exec <. 9<. "$@"', 'bash', secret, process.execPath, nsgenPath, ...words];
        return spawnSync('bash', ['-c', ...command], { encoding: 'utf8', timeout: 20_000 });
      };
      try {
        assert.deepEqual([lookIn('/inside').status, lookIn('/inside').stdout], [0, '']);
        for (const cwd of [...PLACES, ...PLACES.map((_, index) => `/inside/../way-out-${index}`)]) {
          const { status, stdout, stderr } = lookIn(cwd);
          assert.deepEqual([status, stdout], [125, ''], `${cwd}: ${stdout}${stderr}`);
        }
      } finally {
        box.kill('SIGKILL');
        await box.ended;
      }
    });
  });
