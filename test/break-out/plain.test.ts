import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { BACKEND_NAMES } from '../../src/index.js';
import { execute, type Finished, nsgen } from '../support/cli.js';
import { descendants, hostState } from '../support/leftovers.js';
import { ownDirectory } from '../support/own-directory.js';
import { allAttacks, attack, NUMBER_OF_ATTACKS, OUT, rootfs } from './attacks.js';

/** A command that wants out of its box, and of one that can be left that way: an attack that never works proves nothing. */

ownDirectory('break-out');
const state = hostState();
afterEach(() => {
  assert.deepEqual(descendants(), []);
  assert.deepEqual(hostState(), state);
});

const runBox = (flags: readonly string[], command: readonly string[]): Promise<Finished> =>
  nsgen(['run', '--rootfs', rootfs, ...flags, '--', ...command], { timeout: 20_000, killSignal: 'SIGKILL' });

const WITHOUT = {
  'with all capabilities': [],
  'without CAP_SYS_ADMIN': ['setpriv', '--bounding-set', '-sys_admin', '--inh-caps=-all', '--'],
  'without CAP_SYS_CHROOT': ['setpriv', '--bounding-set', '-sys_chroot', '--inh-caps=-all', '--'],
  'without either': ['setpriv', '--bounding-set', '-sys_admin,-sys_chroot', '--inh-caps=-all', '--'],
} as const;

for (const backend of BACKEND_NAMES) {
  describe(`no way out, ${backend}`, () => {
    for (const [namespaces, flags] of Object.entries({ root: [], 'a user namespace': ['--unshare', 'user'] })) {
      for (const [capabilities, words] of Object.entries(WITHOUT)) {
        test(`${namespaces}, ${capabilities}`, async () => {
          const box = ['--backend', backend, ...flags];
          const { status, stdout, stderr } = await runBox(box, [...words, 'bash', '-c', allAttacks]);
          assert.equal(status, 0, stderr);
          assert.equal(stdout.match(/^done$/gm)?.length, NUMBER_OF_ATTACKS, stdout + stderr);
          assert.ok(!stdout.includes(OUT), stdout);
        });
      }
    }

    test('there is one mount at the root, and nothing below it', async () => {
      const { stdout } = await runBox(['--backend', backend], ['cat', '/proc/self/mountinfo']);
      const roots = stdout.split('\n').filter(line => line.split(' ')[4] === '/');
      assert.equal(roots.length, 1, stdout);
    });

    test('a root entered by chroot alone can be left: what the attack is worth', async () => {
      const { stdout } = await runBox(['--backend', backend, '--chroot'], attack('up'));
      assert.match(stdout, new RegExp(`^${OUT} up`, 'm'));
    });
  });
}

describe('what the attacks are worth', () => {
  /** The root is laid over the host's, as switch_root(8) does it, and the host stays below. */
  const COVERED = [
    ...['--fork', '--pid', '--mount', '--propagation', 'private', 'bash', '-c'],
    `cd "$1" && mount --rbind . . && cd "$1" && mount -t proc proc proc && mount --move . / && shift &&
     exec unshare --root=. -- "$@"`,
    ...['bash', rootfs],
  ];

  test("a root that only covers the host's is uncovered", async () => {
    const { stdout, stderr } = await execute('unshare', [...COVERED, ...attack('uncover')]);
    assert.match(stdout, new RegExp(`^${OUT} setns after umount`, 'm'), stderr);
  });

  test('a link of /proc leads to the host where pids are shared with it', async () => {
    const { stdout } = await runBox(['--share', 'pid'], attack('links'));
    assert.match(stdout, new RegExp(`^${OUT} /proc /proc/${process.pid}/root$`, 'm'));
  });
});
