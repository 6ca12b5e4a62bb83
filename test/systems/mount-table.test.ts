import assert from 'node:assert/strict';
import { chmodSync, rmSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { makeRootfs } from '../support/rootfs.js';
import { BACKENDS, leavingNothing, nsgenCommand, run, USERS } from './side-by-side.js';

/**
 * mount(8) keeps a table of its own, /run/mount/utab, where there is one. The mounts of a box are none of the host's,
 * and an ordinary user may not write it.
 */
const WITH_TABLE = [
  ...['unshare', '--mount', '--propagation', 'private', '--', 'bash', '-c'],
  `set -e
   mount -n -t tmpfs -o mode=755 tmpfs /run
   mkdir /run/mount
   echo 'SRC=none TARGET=/nowhere ROOT=/ OPTS=user' >/run/mount/utab
   before=$(stat -c '%i %y %s' /run/mount/utab; ls -A /run/mount)
   "$@"
   after=$(stat -c '%i %y %s' /run/mount/utab; ls -A /run/mount)
   [[ $before == "$after" ]] || printf 'before: %s\\nafter: %s\\n' "$before" "$after"`,
  'host',
];

let rootfs = '';

before(() => {
  rootfs = makeRootfs(['sh'], ['proc', 'tmp', 'mnt']);
  chmodSync(rootfs, 0o755);
});

after(() => rmSync(rootfs, { recursive: true }));

for (const user of USERS) {
  for (const backend of BACKENDS) {
    test(`${user}, ${backend}: no mount of a box comes into the host's table of mounts`, () =>
      leavingNothing(async () => {
        const flags = ['--rootfs', rootfs, '--bind', '/usr:/mnt:ro', '--tmpfs', '/tmp'];
        const command = ['sh', '-c', 'echo inside'];
        const box = nsgenCommand(user, ['run', '--backend', backend, ...flags, ...command]);
        assert.deepEqual(await run([...WITH_TABLE, ...box], ''), {
          status: 0,
          signal: null,
          stdout: 'inside\n',
          stderr: '',
        });
      }));
  }
}
