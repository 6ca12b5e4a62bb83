import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { statOf } from '../../src/host/process.js';
import { BACKEND_NAMES } from '../../src/index.js';
import { packageRoot } from '../../src/package-root.js';
import { patience } from '../guest/patience.js';
import { nsgen, nsgenPath } from '../support/cli.js';
import { descendants, hostState } from '../support/leftovers.js';
import { ownDirectory } from '../support/own-directory.js';
import { until } from '../support/until.js';
import { found, inBox, startBox } from './running-box.js';

/** What a process in the box gets of who comes in, before that has executed its command. */

const directory = ownDirectory('attacker');
chmodSync(directory, 0o755);
const attacker = join(directory, 'attacker');
execFileSync('gcc', ['-O2', '-static', '-Wall', '-Werror', '-o', attacker, join(packageRoot, 'test/exec/attacker.c')]);

const state = hostState();
afterEach(() => {
  assert.deepEqual(descendants(), []);
  assert.deepEqual(hostState(), state);
});

/** So often it has to hold somebody in that moment: whom it holds it has time for. */
const TIMES = 3;

/** @param come has a command come in. It is done again until the attacker has held enough of them, or has got something. */
async function prey(come: (pid: string) => Promise<unknown>): Promise<readonly string[]> {
  // Whoever has no processor in that moment holds nobody.
  const words = ['-n', '-20', process.execPath, nsgenPath, 'run', '--unshare', 'user', '--', attacker, '60', 'sleep'];
  const child = spawn('nice', words);
  const closed = once(child, 'close');
  let output = '';
  child.stdout.on('data', text => {
    output += text;
  });
  const lines = (word: string) => output.split('\n').filter(line => line.startsWith(word));
  try {
    await until(() => output.includes('READY'), 'the attacker');
    const pid = await found('its number', () => descendants(child.pid).find(each => statOf(each)?.name === 'attacker'));
    const end = Date.now() + 30_000 * patience;
    while (lines('HELD').length < TIMES && lines('GOT').length === 0) {
      assert.ok(Date.now() < end, `the attacker has held only ${lines('HELD').length} of those who came in`);
      await come(String(pid));
    }
  } finally {
    child.kill('SIGKILL');
    await closed;
  }
  return lines('GOT');
}

/** A command that is looked for in many places is seen longer before it is executed. */
const LONG_PATH = `PATH=${'/none:'.repeat(200)}/usr/bin:/bin`;

for (const backend of BACKEND_NAMES)
  test(`gets nothing of who comes in, in a user namespace, ${backend}`, async () => {
    const words = (pid: string) => ['exec', '--backend', backend, '-e', LONG_PATH, pid, '--', 'sleep', '0'];
    assert.deepEqual(await prey(pid => nsgen(words(pid))), []);
  });

/** nsenter(1) stops when its child does, and waits to be continued. */
async function enter(pid: string): Promise<void> {
  const words = ['--all', '--preserve-credentials', `--target=${pid}`, '--', 'sleep', '0'];
  const child = spawn('nsenter', words, { stdio: 'ignore' });
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  await until(() => hasEnded() || !child.kill('SIGCONT'), 'the end of nsenter');
}

test('gets what nsenter brings when nothing is done about it: what the attack is worth', async () => {
  assert.notDeepEqual(await prey(enter), []);
});

test('who names /proc/self/exe as its interpreter cannot write to the program of the host', async () => {
  const evil = join(directory, 'evil');
  writeFileSync(evil, "#!/proc/self/exe\nrequire('fs').accessSync('/proc/self/exe', 2); console.log('CAN WRITE')\n");
  chmodSync(evil, 0o755);
  await inBox(startBox(['--unshare', 'user']), async pid => {
    const { stdout, stderr } = await nsgen(['exec', pid, '--', evil]);
    assert.equal(stdout, '');
    assert.match(stderr, /EROFS/);
  });
});
