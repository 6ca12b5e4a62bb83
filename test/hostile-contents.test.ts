import assert from 'node:assert/strict';
import { chmodSync, chownSync, existsSync, lstatSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, describe, test } from 'node:test';
import { BACKEND_NAMES, type BackendName } from '../src/index.js';
import { type Finished, nsgen } from './support/cli.js';
import { descendants, hostState } from './support/leftovers.js';
import { makeRootfs, removeRootfs } from './support/rootfs.js';

/**
 * A rootfs whose programs, configuration and /proc are an attacker's, and belong to one: nothing of it is run or believed
 * before the command is (CVE-2019-14271, CVE-2023-28642).
 */

const OWNER = 65534;
const rootfs = makeRootfs(['bash', 'cat', 'stat'], ['proc', 'dev', 'tmp', 'etc', 'traps', 'data']);
after(() => removeRootfs(rootfs));
const inRootfs = (path: string) => join(rootfs, path);

/** Whatever a launcher might start; those that the commands below need are kept in their place. */
const TOOLS = (
  'cp env find flock getent hostname id ip ldd ldconfig ln ls mkdir mknod mount mountpoint nsenter pivot_root readlink rm ' +
  'setpriv sh sysctl timeout touch umount unshare'
).split(' ');
const TRAP = '#!/bin/bash\necho "$0" >>/traps/sprung\n';
for (const name of TOOLS) writeFileSync(inRootfs(`usr/bin/${name}`), TRAP, { mode: 0o755 });

/** What the files of a /proc say that nobody has mounted. */
const LIES = {
  'self/mountinfo': '1 0 0:1 / / rw - lie lie rw\n',
  'self/attr/exec': '',
  'self/exe': 'a lie\n',
  'sys/kernel/hostname': 'a lie\n',
  'sys/kernel/ns_last_pid': 'a lie\n',
  interrupts: 'a lie\n',
};
for (const [name, text] of Object.entries(LIES)) {
  mkdirSync(join(inRootfs('proc'), name, '..'), { recursive: true });
  writeFileSync(join(inRootfs('proc'), name), text);
}
for (const [name, text] of Object.entries({
  'etc/passwd': 'root:x:7:7::/traps:/traps/x\n',
  'etc/nsswitch.conf': 'passwd: trap\nhosts: trap\n',
  'etc/bash.bashrc': 'echo bashrc >>/traps/sprung\n',
  'etc/fstab': 'tmpfs /traps tmpfs defaults 0 0\n',
}))
  writeFileSync(inRootfs(name), text);

const filesBelow = (directory: string): readonly string[] =>
  readdirSync(directory, { recursive: true, encoding: 'utf8' }).map(name => join(directory, name));
for (const path of [rootfs, ...filesBelow(rootfs)])
  if (!lstatSync(path).isSymbolicLink()) chownSync(path, OWNER, OWNER);

// Root of a user namespace is nobody special to this owner.
chmodSync(rootfs, 0o755);
chmodSync(inRootfs('traps'), 0o777);

const lies = filesBelow(inRootfs('proc'))
  .map(path => [path, lstatSync(path).size, lstatSync(path).mtimeMs].join(' '))
  .sort();
const state = hostState();
afterEach(() => {
  assert.deepEqual(descendants(), []);
  assert.deepEqual(hostState(), state);
  rmSync(inRootfs('traps/sprung'), { force: true });
});

/** A bash whose stdin is a socket, as it is here, reads its rc files: the command would, not what starts it. */
const runBox = (backend: BackendName, flags: readonly string[], script: string): Promise<Finished> =>
  nsgen(['run', '--backend', backend, '--rootfs', rootfs, ...flags, '--', 'bash', '--norc', '-c', script], {
    timeout: 20_000,
    killSignal: 'SIGKILL',
  });

for (const backend of BACKEND_NAMES) {
  describe(`a rootfs of an attacker's programs, ${backend}`, () => {
    for (const change of [[], ['--overlay'], ['--chroot']]) {
      for (const user of [[], ['--unshare', 'user']]) {
        test(`none is run before the command, and no file is believed: ${[...change, ...user].join(' ')}`, async () => {
          const flags = [
            ...change,
            ...user,
            '--hostname',
            'box',
            '--tmpfs',
            '/data',
            '--mask',
            '/etc/fstab',
            '-w',
            '/tmp',
          ];
          const script =
            'echo "$$ $PWD $(</proc/sys/kernel/hostname)"; stat -f -c %T /proc /data; cat /etc/fstab; if [[ -e /traps/sprung ]]; then cat /traps/sprung; fi';
          const { status, stdout, stderr } = await runBox(backend, flags, script);
          assert.deepEqual([status, stdout, stderr], [0, '1 /tmp box\nproc\ntmpfs\n', '']);
          assert.ok(!existsSync(inRootfs('traps/sprung')));
        });
      }
    }

    test('what lies in /proc of the rootfs is covered, and stays as it is', async () => {
      const { status, stdout, stderr } = await runBox(backend, [], 'cat /proc/self/comm /proc/interrupts');
      assert.deepEqual([status, stdout, stderr], [0, 'cat\n', '']);
      const now = filesBelow(inRootfs('proc')).map(path =>
        [path, lstatSync(path).size, lstatSync(path).mtimeMs].join(' '),
      );
      assert.deepEqual(now.sort(), lies);
    });

    test('what is made in a rootfs of somebody else belongs to root', async () => {
      const flags = ['--bind', '/etc/hostname:/data/made/file', '--symlink', 'x:/data/made/link'];
      try {
        const { status, stdout, stderr } = await runBox(
          backend,
          flags,
          'stat -c %u:%g /data /data/made /data/made/link',
        );
        assert.deepEqual([status, stdout, stderr], [0, `${OWNER}:${OWNER}\n0:0\n0:0\n`, '']);
      } finally {
        rmSync(inRootfs('data/made'), { recursive: true, force: true });
      }
    });

    test('the traps work', async () => {
      await runBox(backend, [], 'mount; env');
      assert.ok(existsSync(inRootfs('traps/sprung')));
    });
  });
}
