import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { run } from '../src/index.js';
import { newMark, processesWith } from './detached/named-boxes.js';
import { nsgenPath } from './support/cli.js';
import { dynamicElf } from './support/dynamic-elf.js';
import { makeRootfs, removeRootfs } from './support/rootfs.js';
import { until } from './support/until.js';

/**
 * A command that is /proc/self/exe, or whose interpreter is /proc/self/exe: the kernel follows that from whoever executes the command, and so the box
 * gets at the file of a program of the host's, which root could write to from there (CVE-2019-5736).
 */

const rootfs = makeRootfs(['nsenter']);
after(() => removeRootfs(rootfs));

symlinkSync('/proc/self/exe', join(rootfs, 'usr/bin/link'));
writeFileSync(join(rootfs, 'usr/bin/again'), '#!/proc/self/exe\n', { mode: 0o755 });

writeFileSync(join(rootfs, 'usr/bin/elf'), dynamicElf({ interpreter: '/proc/self/exe' }), { mode: 0o755 });

const nsenter = execFileSync('/bin/bash', ['-c', 'type -P nsenter'], { encoding: 'utf8' }).trim();

test('the program that a script enters a rootfs with is not that of the host', async () => {
  // nsenter takes the name of the file for that of its program, and executes it, and so on for ever.
  const mark = newMark();
  const words = ['run', '--backend', 'script', '--rootfs', rootfs, '--unshare', 'user', '--', '/usr/bin/again', mark];
  const box = spawn(process.execPath, [nsgenPath, ...words], { stdio: 'ignore' });
  const end = once(box, 'close');
  try {
    let inside: number | undefined;
    await until(() => {
      inside = processesWith(mark).find(pid => argumentsOf(pid)[0] === '/proc/self/exe');
      return inside !== undefined;
    }, 'it runs as its own interpreter');
    const [host, own] = [statSync(nsenter), statSync(`/proc/${inside}/exe`)];
    assert.equal(own.size, host.size);
    assert.notDeepEqual([own.dev, own.ino], [host.dev, host.ino]);
  } finally {
    box.kill('SIGKILL');
    await end;
    await until(() => processesWith(mark).length === 0, 'all of it has ended');
  }
});

const LAUNCHER_AGAIN = 126;

for (const change of ['pivot_root', 'chroot'] as const)
  for (const command of ['/proc/self/exe', '/usr/bin/link', '/usr/bin/again', '/usr/bin/elf'])
    test(`nsgen run has no program of its own in the box, ${change}, ${command}`, async () => {
      const box = { command: [command, '--version'], rootfs: { path: rootfs, change } };
      const { exitStatus, stdout, stderr } = await run(box, { reject: false });
      // Node would print its version or, as here is none of its libraries, its loader a message.
      assert.deepEqual([exitStatus, stdout, stderr], [LAUNCHER_AGAIN, '', '']);
    });

function argumentsOf(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0');
  } catch {
    return [];
  }
}
