import assert from 'node:assert/strict';
import { chmodSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { execute, type Finished } from '../support/cli.js';
import { installForEveryone } from '../support/installed.js';
import { descendants, hostState } from '../support/leftovers.js';
import { ownDirectory } from '../support/own-directory.js';
import { inBox, startBox } from './running-box.js';

/** A script that joins a box executes a program of its own, also where /tmp is mounted with noexec. */

const directory = ownDirectory('noexec');
chmodSync(directory, 0o755);
const installed = installForEveryone(join(directory, 'nsgen'));
const ORDINARY = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--'];

const state = hostState();
afterEach(() => {
  assert.deepEqual(descendants(), []);
  assert.deepEqual(hostState(), state);
  const left = ['/run', '/dev/shm', '/var/tmp'].flatMap(place => readdirSync(place));
  assert.deepEqual(
    left.filter(name => name.startsWith('nsgen-exec-')),
    [],
  );
});

/** On a host that differs in its mounts: in a mount namespace of its own. */
const runWith = (mounts: string, script: string, words: readonly string[] = []): Promise<Finished> =>
  execute('unshare', ['--mount', 'bash', '-ec', `${mounts}\nexec "$@"`, 'bash', ...words, 'bash', '-s'], {
    input: script,
  });

const noexec = (...places: readonly string[]) =>
  places.map(place => `mount -t tmpfs -o noexec,mode=1777 tmpfs ${place}`).join('\n');

async function scriptFor(pid: string, words: readonly string[]): Promise<string> {
  const [program = '', ...rest] = words;
  const { status, stdout, stderr } = await execute(
    program,
    [...rest, 'script', 'exec', pid, '--', 'sh', '-c', 'echo done'],
    { cwd: '/' },
  );
  assert.equal(status, 0, stderr);
  return stdout;
}

/** What it says when it has found no place. */
const NOWHERE = /^exec\.sh: cannot execute a program of its own, in none of: (.*)\n$/;

test('root goes on to other directories, and is told of all when there is none', () =>
  inBox(startBox([]), async pid => {
    const script = await scriptFor(pid, installed);
    for (const place of ['/run', '/dev/shm', '/var/tmp']) {
      const others = ['/tmp', '/run', '/dev/shm', '/var/tmp'].filter(other => other !== place);
      const free = `mount -t tmpfs -o mode=1777 tmpfs ${place}`;
      // Nothing is left there, and nothing where it cannot be executed.
      const look = `"$@"; find /tmp /run /dev/shm /var/tmp -name 'nsgen*'`;
      const words = ['bash', '-ec', look, 'bash'];
      const { status, stdout, stderr } = await runWith(`${noexec(...others)}\n${free}`, script, words);
      assert.deepEqual([status, stdout, stderr], [0, 'done\n', ''], place);
    }
    const { status, stderr } = await runWith(noexec('/tmp', '/run', '/dev/shm', '/var/tmp'), script);
    assert.equal(status, 125);
    assert.deepEqual(NOWHERE.exec(stderr)?.[1]?.split(', '), [
      '/tmp (noexec?)',
      '/run (noexec?)',
      '/run/user/0 (cannot make a directory)',
      '/dev/shm (noexec?)',
      '/var/tmp (noexec?)',
    ]);
  }));

test('an ordinary user goes on to XDG_RUNTIME_DIR, if that is theirs', () =>
  inBox(startBox([], undefined, [...ORDINARY, ...installed]), async pid => {
    const script = await scriptFor(pid, [...ORDINARY, ...installed]);
    const mounts = `mount -t tmpfs tmpfs /mnt
install -d -o 65534 -m 700 /mnt/own
install -d -m 777 /mnt/others
${noexec('/tmp', '/dev/shm', '/var/tmp')}`;
    const run = (runtime: string) => runWith(mounts, script, ['env', `XDG_RUNTIME_DIR=${runtime}`, ...ORDINARY]);
    const { status, stdout, stderr } = await run('/mnt/own');
    assert.deepEqual([status, stdout, stderr], [0, 'done\n', '']);
    for (const runtime of ['/mnt/others', 'mnt/own', '']) {
      const refused = await run(runtime);
      assert.deepEqual([refused.status, refused.stdout], [125, '']);
      assert.equal(NOWHERE.exec(refused.stderr)?.[1], '/tmp (noexec?), /dev/shm (noexec?), /var/tmp (noexec?)');
    }
  }));
