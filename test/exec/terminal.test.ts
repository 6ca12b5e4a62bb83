import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, test } from 'node:test';
import { BACKEND_NAMES, type BackendName } from '../../src/backends/backend.js';
import { statOf } from '../../src/host/process.js';
import { nsgen, nsgenPath } from '../support/cli.js';
import { adoptOrphans, descendants, reapOrphans } from '../support/leftovers.js';
import { delay, Session } from '../support/session.js';
import { hasJobControl, identify, isRestored, SHELL, type Shell, say, startShell } from '../support/shell.js';

/** `nsgen exec -t` by a shell with job control, in a terminal that script(1) makes. */

adoptOrphans();
let open: Session | undefined;

afterEach(async () => {
  open?.child.kill('SIGKILL');
  await open?.ended;
  open = undefined;
  for (let tries = 0; tries < 1000 && descendants().length > 0; tries++) {
    await delay(20);
    reapOrphans();
  }
  const still = descendants();
  for (const pid of still) process.kill(pid, 'SIGKILL');
  assert.deepEqual(still, []);
});

async function inBox(
  flags: readonly string[],
  act: (pid: number) => Promise<void>,
  command: readonly string[] = ['sleep', 'infinity'],
): Promise<void> {
  const child = spawn(process.execPath, [nsgenPath, 'run', ...flags, '--', ...command], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const ended = once(child, 'exit');
  let pid: number | undefined;
  for (let tries = 0; pid === undefined && tries < 1000; tries++) {
    await delay(20);
    pid = descendants(child.pid).find(each => statOf(each)?.name === 'sleep');
  }
  assert.ok(pid !== undefined);
  try {
    await act(pid);
  } finally {
    open?.child.kill('SIGKILL');
    process.kill(pid, 'SIGKILL');
    await ended;
  }
}

function shell(): Promise<Shell> {
  open = startShell();
  return identify(open);
}

/** A zombie is one no more. */
const isShell = (pid: number): boolean => statOf(pid)?.name === 'bash' && statOf(pid)?.state !== 'Z';

const exec = (backend: BackendName, pid: number) =>
  `${process.execPath} ${nsgenPath} exec -t --backend ${backend} -e 'PS1=inner: ' ${pid} --`;

const BOXES: Readonly<Record<string, readonly string[]>> = {
  'its own devpts': ['--mount', 'type=devpts,dst=/dev/pts'],
  'its own devpts and user namespace': ['--unshare', 'user', '--mount', 'type=devpts,dst=/dev/pts'],
};

for (const backend of BACKEND_NAMES)
  for (const [name, flags] of Object.entries(BOXES))
    describe(`nsgen exec -t, ${backend}, a box with ${name}`, () => {
      test('a shell has a terminal of the box, job control, and the size of the window', () =>
        inBox(flags, async pid => {
          const { session, terminal, attributes } = await shell();
          execFileSync('stty', ['-F', terminal, 'rows', '30', 'cols', '100']);
          session.type(`${exec(backend, pid)} ${SHELL}; ${say('status $?')}\n`);
          await session.until(/inner: $/);
          session.type(`${say('$(tty) $(stty size) $TERM $(ls /dev/pts | tr "\\n" ,)')}\n`);
          await session.until(/<\/dev\/pts\/0 30 100 xterm 0,ptmx,>/);
          session.type(
            `read -r _ _ _ _ group leader tty _ </proc/$$/stat; ${say('$((group == $$)) $((leader == $$)) $tty')}\n`,
          );
          await session.until(/<1 1 34816>/);
          await hasJobControl(session, terminal);
          session.type('exit 5\n');
          await session.until(/<status 5>/);
          assert.doesNotMatch(session.output, /no job control|cannot set terminal/);
          await isRestored(session, attributes);
        }));

      test('the end of the box, and the loss of the terminal', () =>
        inBox(flags, async pid => {
          const { session, attributes } = await shell();
          session.type(`${exec(backend, pid)} bash -c '${say('ready')}; kill -KILL $$'; ${say('status $?')}\n`);
          await session.until(/<status 137>/);
          await isRestored(session, attributes);
          session.type(`${exec(backend, pid)} bash -c '${say('again')}; while :; do sleep 0.05; done'\n`);
          await session.until(/<again>/);
          session.child.kill('SIGKILL');
          await session.ended;
          // By SIGHUP: it is no pid 1.
          for (let tries = 0; descendants().some(isShell); tries++) {
            assert.ok(tries < 1000);
            await delay(20);
          }
        }));
    });

/** What a box makes of its /dev/pts, and why there is no terminal in it. */
const HOSTILE: Readonly<Record<string, readonly [flags: readonly string[], why: RegExp]>> = {
  'an empty tmpfs': [['--tmpfs', '/dev/pts'], /^(nsgen|exec\.sh): process \d+ has no devpts on \/dev\/pts, /],
  'another file on its ptmx': [
    ['--mount', 'type=devpts,dst=/dev/pts', '--bind', '/dev/null:/dev/pts/ptmx'],
    /openat2 "ptmx": EXDEV|\/dev\/pts\/ptmx of the box is no part of its devpts/,
  ],
  'the ptmx of another devpts on its own': [
    [
      ...['--mount', 'type=devpts,dst=/mnt', '--mount', 'type=devpts,dst=/dev/pts'],
      ...['--bind', '/mnt/ptmx:/dev/pts/ptmx'],
    ],
    /openat2 "ptmx": EXDEV|\/dev\/pts\/ptmx of the box is no part of its devpts/,
  ],
};

for (const backend of BACKEND_NAMES)
  for (const [name, [flags, why]] of Object.entries(HOSTILE))
    test(`there is no terminal to be had from ${name}, ${backend}`, () =>
      inBox(flags, async pid => {
        const { status, stderr } = await nsgen(['exec', '-t', '--backend', backend, String(pid), '--', 'true']);
        assert.equal(status, 125);
        assert.match(stderr, why);
      }));

/** In there it leads nowhere; to who follows it from outside, to the terminals of the host. */
const LINK = 'mount -t tmpfs tmpfs /dev && ln -s /dev/pts /dev/pts && exec sleep infinity';

for (const backend of BACKEND_NAMES) {
  test(`there is no terminal to be had by a link out of the box, ${backend}`, () =>
    inBox(
      [],
      async pid => {
        const { status, stderr } = await nsgen(['exec', '-t', '--backend', backend, String(pid), '--', 'true']);
        assert.equal(status, 125);
        assert.match(stderr, /: process \d+ has no devpts on \/dev\/pts, /);
      },
      ['sh', '-c', LINK],
    ));

  test(`a signal is the command's, in a terminal too, ${backend}`, () =>
    inBox([], async pid => {
      const script = `trap 'echo TERM; exit 9' TERM; ${say('ready')}; while :; do sleep 0.05; done`;
      const words = ['exec', '-t', '--backend', backend, String(pid), '--', 'sh', '-c', script];
      open = new Session(process.execPath, [nsgenPath, ...words]);
      await open.until(/<ready>/);
      open.child.kill('SIGTERM');
      assert.deepEqual(await open.ended, { status: 9, signal: null });
      assert.match(open.output, /TERM\r\n$/);
    }));

  test(`the terminal belongs to who the command is, ${backend}`, () =>
    inBox(
      ['--mount', 'type=devpts,dst=/dev/pts'],
      async pid => {
        const words = ['exec', '-t', '--backend', backend, String(pid), '--', 'stat', '-Lc', '%u %g %a', '/dev/stdin'];
        const { status, stdout } = await nsgen(words);
        assert.equal(status, 0);
        assert.match(stdout, /1234 1235 620\r\n$/);
      },
      ['setpriv', '--reuid=1234', '--regid=1235', '--clear-groups', '--', 'sleep', 'infinity'],
    ));
}

for (const backend of BACKEND_NAMES)
  test(`without a terminal, too, a command leads a session, ${backend}`, () =>
    inBox([], async pid => {
      const words = ['exec', '--backend', backend, String(pid), '--', 'bash', '-c', 'ps -o sid=,pgid= -p $$; echo $$'];
      const [session, group, own] = (await nsgen(words)).stdout.trim().split(/\s+/);
      assert.deepEqual([session, group], [own, own]);
    }));
