import assert from 'node:assert/strict';
import { readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, test } from 'node:test';
import { statOf } from '../../../src/host/process.js';
import { BACKEND_NAMES, type BackendName, startDetached } from '../../../src/index.js';
import { LOG_FILE } from '../../../src/state/record.js';
import { ownPods, printed } from '../../pods/detached-pods.js';
import { runPod, shell, until as untilIn } from '../../pods/ways.js';
import { execute, nsgen, nsgenPath } from '../../support/cli.js';
import { descendants, hostState } from '../../support/leftovers.js';
import { ownDirectory } from '../../support/own-directory.js';
import { Session } from '../../support/session.js';
import { CTRL_C, CTRL_Z, SHELL, say } from '../../support/shell.js';
import { until } from '../../support/until.js';

/** The life of boxes, once of each kind: with a terminal, going on alone, joined by other commands, and in pods. */

const { parent, states, clear, start } = ownPods('life');
const directory = ownDirectory('life-pods');
const state = hostState();

afterEach(async () => {
  await clear();
  await until(() => descendants().length === 0, 'no child is left');
  assert.deepEqual(hostState(), state);
});

/** A shell in a terminal of its own, and the terminal of whoever has started it. */
async function shellInBox(backend: BackendName): Promise<{ session: Session; terminal: string }> {
  const box = `${process.execPath} ${nsgenPath} run -t --backend ${backend} -e 'PS1=inner: ' -- ${SHELL}`;
  const outer = `${say('before $(tty) $(stty -g)')}; ${box}; ${say('status $? $(stty -g)')}`;
  const session = new Session('script', ['-qefc', outer, '/dev/null'], { ...process.env, TERM: 'dumb' });
  await session.until(/inner: $/);
  return { session, terminal: /<before (\S+) /.exec(session.output)?.[1] ?? assert.fail() };
}

const asleep = (pid: number) => descendants(pid).find(each => statOf(each)?.name === 'sleep');

/** Of a command that has joined a box, and of the box's first process. */
const LOOK = `for who in 1 self; do readlink /proc/$who/ns/pid /proc/$who/ns/mnt /proc/$who/ns/net /proc/$who/ns/uts; done
hostname; exit 7`;
const IN_BOX = ['sh', '-c', LOOK] as const;

function requireJoined(stdout: string, pid: number | undefined): void {
  const lines = stdout.trimEnd().split('\n');
  const first = lines.slice(0, 4);
  assert.deepEqual(lines.slice(4), [...first, 'inside']);
  assert.equal(first[0], readlinkSync(`/proc/${pid}/ns/pid`));
  assert.notEqual(first[0], readlinkSync('/proc/self/ns/pid'));
}

const LISTENING = `trap 'echo stopped; exit 3' TERM; echo started; while :; do sleep 0.05 & wait $!; done`;
const isLogged = (name: string, text: string) => readFileSync(join(parent, name, LOG_FILE), 'utf8') === text;
const SLEEP = { command: ['sleep', '1000'] };

for (const backend of BACKEND_NAMES) {
  describe(`by ${backend}`, () => {
    test('a shell in a terminal of its own: its size, job control, and that of the caller as it was', async () => {
      const { session, terminal } = await shellInBox(backend);
      session.type(`${say('$(tty) $(ps -o tty= -p 1)')}\n`);
      await session.until(/<\/dev\/pts\/0 pts\/0>/);
      await execute('stty', ['-F', terminal, 'rows', '41', 'cols', '121']);
      session.type(`until [[ $(stty size) == "41 121" ]]; do sleep 0.05; done; ${say('resized')}\n`);
      await session.until(/<resized>/);
      session.type('sleep 1000\n');
      await until(() => asleep(session.pid) !== undefined, 'it sleeps');
      session.type(CTRL_Z);
      await session.until(/Stopped/);
      session.type('fg\n');
      await until(() => statOf(asleep(session.pid) ?? 0)?.state === 'S', 'it goes on');
      session.type(CTRL_C);
      session.type(`${say('interrupted $?')}\n`);
      await session.until(/<interrupted 130>/);
      session.type('exit 5\n');
      await session.until(/<status 5 \S+>/);
      await session.ended;
      const [before, after] = [...session.output.matchAll(/<(?:before|status) \S+ (\S+)>/g)].map(([, set]) => set);
      assert.ok(before !== undefined);
      assert.equal(after, before);
    });

    test('a pod: its boxes see each other, and it ends as the first of them that fails', async () => {
      const look = { command: shell(`${untilIn(2, 'sleep')}ps -o pid=,ppid=,args= -p 1,2,3; kill 2; exit 4`) };
      const pod = { pod: 'shop', share: ['net'], boxes: { web: SLEEP, look } };
      const { status, stdout, stderr } = await runPod(backend, directory, pod);
      assert.deepEqual([status, stderr], [143, '']);
      assert.deepEqual(
        stdout.split('\n').map(line => line.replace(/ +/g, ' ').replace(/(sh -c) .*/, '$1')),
        ['look | 1 0 nsgen-init pause', 'look | 2 0 sleep 1000', 'look | 3 0 sh -c', ''],
      );
    });
  });
}

test('a box that goes on alone, is joined, and is stopped, by the commands', async () => {
  const words = ['--name', 'web', '--hostname', 'inside', '--', 'sh', '-c', LISTENING];
  assert.deepEqual(await nsgen(['run', '--detach', ...words]), printed('web\n'));
  const [listed, joined] = await Promise.all([nsgen(['ps', '--json']), nsgen(['exec', 'web', '--', ...IN_BOX])]);
  const [web, ...others] = JSON.parse(listed.stdout);
  assert.deepEqual([web.name, web.status, others], ['web', 'running', []]);
  assert.equal(statOf(web.pid)?.name, 'nsgen-init');
  assert.deepEqual([joined.status, joined.stderr], [7, '']);
  requireJoined(joined.stdout, web.pid);
  await until(() => isLogged('web', 'started\n'), 'it has started');
  const wait = nsgen(['wait', 'web']);
  const logs = nsgen(['logs', '--follow', 'web']);
  assert.deepEqual(await nsgen(['stop', 'web']), printed('web\n'));
  assert.deepEqual([await wait, await logs], [printed('3\n'), printed('started\nstopped\n')]);
  assert.deepEqual(await nsgen(['rm', 'web']), printed('web\n'));
  assert.deepEqual(states(), []);
});

test('the same by script, from a program', async () => {
  const box = { command: ['sh', '-c', LISTENING], hostname: 'inside' };
  const web = await startDetached(box, { name: 'web', backend: 'script' });
  assert.deepEqual([web.status, web.backend, statOf(web.pid ?? 0)?.name], ['running', 'script', 'nsgen-init']);
  const joined = await web.exec(IN_BOX, { backend: 'script' });
  assert.deepEqual([joined.exitStatus, joined.stderr], [7, '']);
  requireJoined(joined.stdout, web.pid);
  await until(() => isLogged('web', 'started\n'), 'it has started');
  assert.deepEqual([await web.stop(), await web.wait()], [3, 3]);
  assert.ok(isLogged('web', 'started\nstopped\n'));
  await web.remove();
  assert.deepEqual(states(), []);
});

test('a pod that goes on alone, and one of its boxes that is joined', async () => {
  const pod = { pod: 'shop', share: ['net'], boxes: { web: SLEEP, cache: { command: ['sleep', '999'] } } };
  const started = await start('ffi', pod);
  assert.deepEqual([started.status, started.stdout], [0, 'shop\n']);
  const { stdout } = await nsgen(['exec', 'shop.web', '--', 'ps', '-eo', 'pid=,ppid=,args=']);
  assert.deepEqual(
    stdout.split('\n').map(line => line.trim().replace(/ +/g, ' ')),
    [
      '1 0 nsgen-init pause',
      '2 0 nsgen-init exec sleep 1000',
      '3 2 sleep 1000',
      '4 0 nsgen-init exec sleep 999',
      '5 4 sleep 999',
      '6 0 ps -eo pid=,ppid=,args=',
      '',
    ],
  );
  assert.deepEqual(await nsgen(['stop', 'shop']), printed('shop\n'));
  assert.deepEqual(
    states()
      .map(({ name, status, exitStatus }) => [name, status, exitStatus])
      .sort(),
    [
      ['shop', 'ended', undefined],
      ['shop.cache', 'ended', 143],
      ['shop.web', 'ended', 143],
    ],
  );
});
