import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { newMark, processesWith } from './detached/named-boxes.js';
import { nsgenPath } from './support/cli.js';
import { makeRootfs, removeRootfs } from './support/rootfs.js';
import { until } from './support/until.js';

/**
 * A command whose interpreter is /proc/self/exe: the kernel follows that from whoever executes the command, and so the box
 * gets at the file of a program of the host's, which root could write to from there (CVE-2019-5736).
 */

const rootfs = makeRootfs(['nsenter']);
after(() => removeRootfs(rootfs));

const nsenter = execFileSync('/bin/bash', ['-c', 'type -P nsenter'], { encoding: 'utf8' }).trim();

test('the program that a script enters a rootfs with is not that of the host', async () => {
  // nsenter takes the name of the file for that of its program, and executes it, and so on for ever.
  const command = join(rootfs, 'usr/bin/again');
  writeFileSync(command, '#!/proc/self/exe\n');
  chmodSync(command, 0o755);
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

function argumentsOf(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0');
  } catch {
    return [];
  }
}
