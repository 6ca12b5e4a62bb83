import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, describe, test } from 'node:test';
import { BACKEND_NAMES, type BackendName } from '../src/index.js';
import { execute, type Finished, nsgenPath } from './support/cli.js';
import { descendants, hostState } from './support/leftovers.js';
import { ownDirectory } from './support/own-directory.js';
import { makeRootfs, removeRootfs } from './support/rootfs.js';

/**
 * The links in /proc/PID/fd, cwd and root lead to what a process has open, out of any root: a working directory that is
 * one of them, or leads to one, starts the command on the host (CVE-2024-21626).
 */

const directory = ownDirectory('working-directory');
const secret = join(directory, 'secret');
mkdirSync(secret);
writeFileSync(join(secret, 'marker'), 'of the host\n');
const rootfs = makeRootfs(['bash', 'ls'], ['proc', 'dev', 'inside']);
after(() => removeRootfs(rootfs));

const state = hostState();
afterEach(() => {
  assert.deepEqual(descendants(), []);
  assert.deepEqual(hostState(), state);
});

/** With descriptors 0 and 9 of the host's directory: inherited, and open in nsgen as well. */
function runIn(backend: BackendName, change: readonly string[], cwd: string): Promise<Finished> {
  const words = ['run', '--backend', backend, '--rootfs', rootfs, ...change, '-w', cwd, '--', 'bash', '-c', 'ls .'];
  const open = 'cd "$1" && shift && exec <. 9<. "$@"';
  return execute('bash', ['-c', open, 'bash', secret, process.execPath, nsgenPath, ...words], { timeout: 20_000 });
}

const PLACES = [
  '/proc/self/fd/0',
  '/proc/self/fd/9',
  '/proc/self/fd/10',
  '/proc/self/fd/19',
  '/proc/self/cwd',
  '/proc/1/cwd',
  '/proc/thread-self/fd/0',
  '/proc/self/fd/0/../secret',
  `/proc/1/root${secret}`,
];

for (const backend of BACKEND_NAMES) {
  for (const [change, flags] of Object.entries({ pivot_root: [], chroot: ['--chroot'] })) {
    describe(`a working directory on the host, ${backend}, ${change}`, () => {
      for (const place of PLACES) {
        test(`${place}, itself and by a symlink of the rootfs`, async () => {
          const link = join(rootfs, 'way-out');
          symlinkSync(place, link);
          try {
            const ways = [place, '/way-out', '/inside/../way-out/.'].map(async cwd => {
              const { status, stdout, stderr } = await runIn(backend, flags, cwd);
              assert.ok(!stdout.includes('marker'), `${cwd}: ${stdout}`);
              assert.equal(status, 125, `${cwd}: ${stdout}${stderr}`);
            });
            await Promise.all(ways);
          } finally {
            rmSync(link);
          }
        });
      }

      test('the directory that the caller is in is not the one of the box', async () => {
        const { status, stdout } = await runIn(backend, flags, '/inside');
        assert.deepEqual([status, stdout], [0, '']);
      });
    });
  }
}

test('the script says what bash cannot close, in its header and to whoever generates it', () => {
  const generate = (...flags: readonly string[]) =>
    spawnSync(process.execPath, [nsgenPath, 'script', ...flags, '--', 'ls'], { encoding: 'utf8' });
  const { status, stdout, stderr } = generate('--rootfs', rootfs);
  assert.equal(status, 0);
  assert.match(stderr, /^nsgen: note: bash has no openat2: .*\n$/);
  assert.ok(stdout.includes(`# Note: ${stderr.slice('nsgen: note: '.length)}`));
  for (const flags of [[], ['--with', 'ls']]) {
    const none = generate(...flags);
    assert.deepEqual([none.status, none.stderr], [0, '']);
    assert.ok(!none.stdout.includes('# Note'));
  }
  assert.match(generate('--with', 'ls', '--bind', `${directory}:/mnt`).stderr, /^nsgen: note: /);
});
