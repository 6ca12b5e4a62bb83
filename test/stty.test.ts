import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { nsgen, nsgenPath } from './support/cli.js';
import { adoptOrphans, descendants, reapOrphans } from './support/leftovers.js';
import { ownDirectory } from './support/own-directory.js';
import { delay, Session } from './support/session.js';

/**
 * stty fails when somebody else changes the terminal at the same moment, as shells do. Here it always fails, from when a box
 * with a terminal has been stopped until it goes on.
 */

const directory = ownDirectory('stty');
const file = join(directory, 'box.sh');
const BOX = `stty-${process.pid}`;
const NSGEN = `${process.execPath} ${nsgenPath}`;
const WAYS: Readonly<Record<string, string>> = {
  'nsgen run -t --backend script': `${NSGEN} run -t --backend script -e PS1=inner: -- bash --norc`,
  'bash box.sh': `bash ${file}`,
  'nsgen exec -t --backend script': `${NSGEN} exec -t --backend script -e PS1=inner: ${BOX} -- bash --norc`,
};

adoptOrphans();
let shell: Session | undefined;

before(async () => {
  const { stdout } = await nsgen(['script', '-t', '-e', 'PS1=inner:', '--', 'bash', '--norc']);
  writeFileSync(file, stdout);
  assert.equal((await nsgen(['run', '-d', '--name', BOX, '--', 'sleep', '1000'])).status, 0);
});
after(() => nsgen(['rm', '-f', BOX]));

afterEach(async () => {
  shell?.child.kill('SIGKILL');
  await shell?.ended;
  const others = () => descendants().filter(pid => !readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('1000'));
  for (let tries = 0; tries < 1000 && others().length > 0; tries++) {
    await delay(20);
    reapOrphans();
  }
  assert.deepEqual(others(), []);
});

for (const [way, command] of Object.entries(WAYS))
  test(`${way}: when stty fails, the command goes on all the same`, async () => {
    const words = [
      '--mount',
      '--propagation',
      'private',
      'script',
      '-qefc',
      'exec bash --norc --noprofile -i',
      '/dev/null',
    ];
    const session = new Session('unshare', words, { ...process.env, TERM: 'dumb' });
    shell = session;
    session.type('PS1=outer:\n');
    await session.until(/outer:$/);
    session.type(`${command}\n`);
    await session.until(/inner:$/);
    process.kill(jobOf(session.pid), 'SIGTSTP');
    await session.until(/Stopped[^\n]*\nouter:$/);
    const mount = (...args: readonly string[]) => execFileSync('nsenter', ['-t', String(session.pid), '-m', ...args]);
    mount('mount', '--bind', '/bin/false', '/usr/bin/stty');
    const from = session.output.length;
    session.type('fg\n');
    await session.until(/fg\r\n.*\r\n/, from);
    session.type('echo $((40 + 2))\n');
    await session.until(/42/, from);
    mount('umount', '--lazy', '/usr/bin/stty');
    session.type('exit 7\n');
    await session.until(/outer:$/, from);
    session.type('echo "<$?>"\n');
    await session.until(/<7>/, from);
  });

const childOf = (pid: number): number =>
  Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ')[0] ?? '');

/** Of the shell that script(1) runs, which unshare has become: nsgen, or the bash that runs the script. */
const jobOf = (pid: number): number => childOf(childOf(pid));
