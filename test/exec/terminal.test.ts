import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, test } from 'node:test';
import { BACKEND_NAMES } from '../../src/backends/backend.js';
import { statOf } from '../../src/host/process.js';
import { nsgen, nsgenPath } from '../support/cli.js';
import { adoptOrphans, descendants, reapOrphans } from '../support/leftovers.js';
import { delay, Session } from '../support/session.js';

/** `nsgen exec -t` by a shell with job control, in a terminal that script(1) makes. */

const SHELL = 'bash --norc --noprofile';
const CTRL_C = '\x03';
const CTRL_Z = '\x1a';

/** What the terminal echoes of a command must not look like what the command says: hence the \\074 for "<". */
const say = (text: string) => `printf "\\074${text}>\\n"`;

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

async function inBox(flags: readonly string[], act: (pid: number) => Promise<void>): Promise<void> {
  const child = spawn(process.execPath, [nsgenPath, 'run', ...flags, '--', 'sleep', 'infinity'], {
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

/** A shell in a terminal, and how that is set. */
async function shell(): Promise<{ session: Session; pid: number; terminal: string; attributes: string }> {
  const session = new Session('script', ['-qefc', `${SHELL} -i`, '/dev/null'], { ...process.env, TERM: 'dumb' });
  open = session;
  session.type(`PS1='outer: '; ${say('$$ $(tty) $(stty -g)')}\n`);
  await session.until(/<\d+ \S+ \S+>/);
  const [, pid, terminal, attributes] = /<(\d+) (\S+) (\S+)>/.exec(session.output) ?? [];
  assert.ok(terminal !== undefined && attributes !== undefined);
  return { session, pid: Number(pid), terminal, attributes };
}

async function isRestored(session: Session, attributes: string): Promise<void> {
  const from = session.output.length;
  session.type(`${say('now $(stty -g)')}\n`);
  await session.until(/<now \S+>/, from);
  assert.equal(/<now (\S+)>/.exec(session.output.slice(from))?.[1], attributes);
}

/** A zombie is one no more. */
const isShell = (pid: number): boolean => statOf(pid)?.name === 'bash' && statOf(pid)?.state !== 'Z';

const exec = (pid: number) => `${process.execPath} ${nsgenPath} exec -t -e 'PS1=inner: ' ${pid} --`;

const BOXES: Readonly<Record<string, readonly string[]>> = {
  'its own devpts': ['--mount', 'type=devpts,dst=/dev/pts'],
  'its own devpts and user namespace': ['--unshare', 'user', '--mount', 'type=devpts,dst=/dev/pts'],
};

for (const [name, flags] of Object.entries(BOXES))
  describe(`nsgen exec -t, a box with ${name}`, () => {
    test('a shell has a terminal of the box, job control, and the size of the window', () =>
      inBox(flags, async pid => {
        const { session, terminal, attributes } = await shell();
        execFileSync('stty', ['-F', terminal, 'rows', '30', 'cols', '100']);
        session.type(`${exec(pid)} ${SHELL}; ${say('status $?')}\n`);
        await session.until(/inner: $/);
        session.type(`${say('$(tty) $(stty size) $TERM $(ls /dev/pts | tr "\\n" ,)')}\n`);
        await session.until(/<\/dev\/pts\/0 30 100 xterm 0,ptmx,>/);
        session.type(
          `read -r _ _ _ _ group leader tty _ </proc/$$/stat; ${say('$((group == $$)) $((leader == $$)) $tty')}\n`,
        );
        await session.until(/<1 1 34816>/);
        const asleep = `trap '"'${say('on')}'"' CONT; ${say('asleep')}; while :; do sleep 0.05; done`;
        session.type(`bash -c '${asleep.replaceAll(`'"'`, `'"'"'`)}'\n`);
        await session.until(/<asleep>/);
        session.type(CTRL_Z);
        await session.until(/Stopped/);
        execFileSync('stty', ['-F', terminal, 'rows', '41', 'cols', '121']);
        session.type(`until [[ $(stty size) == "41 121" ]]; do sleep 0.05; done; ${say('resized')}\n`);
        await session.until(/<resized>/);
        const from = session.output.length;
        session.type('fg\n');
        await session.until(/<on>/, from);
        session.type(CTRL_C);
        session.type(`${say('interrupted $?')}\n`);
        await session.until(/<interrupted 130>/);
        session.type('exit 5\n');
        await session.until(/<status 5>/);
        assert.doesNotMatch(session.output, /no job control|cannot set terminal/);
        await isRestored(session, attributes);
      }));

    test('the end of the box, and the loss of the terminal', () =>
      inBox(flags, async pid => {
        const { session, attributes } = await shell();
        session.type(`${exec(pid)} bash -c '${say('ready')}; kill -KILL $$'; ${say('status $?')}\n`);
        await session.until(/<status 137>/);
        await isRestored(session, attributes);
        session.type(`${exec(pid)} bash -c '${say('again')}; while :; do sleep 0.05; done'\n`);
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

test('a box whose /dev/pts is no devpts', () =>
  inBox(['--tmpfs', '/dev/pts'], async pid => {
    const { status, stderr } = await nsgen(['exec', '-t', String(pid), '--', 'true']);
    assert.equal(status, 125);
    assert.match(stderr, /^nsgen: process \d+ has no devpts on \/dev\/pts, /);
  }));

test('what is mounted over its ptmx is not asked for a terminal', () =>
  inBox(['--mount', 'type=devpts,dst=/dev/pts', '--bind', '/dev/null:/dev/pts/ptmx'], async pid => {
    const { status, stderr } = await nsgen(['exec', '-t', String(pid), '--', 'true']);
    assert.equal(status, 125);
    assert.match(stderr, /openat2 "ptmx": EXDEV/);
  }));

test('by a script it is refused', () =>
  inBox([], async pid => {
    for (const words of [
      ['exec', '-t', '--backend', 'script'],
      ['script', 'exec', '-t'],
    ]) {
      const { status, stderr } = await nsgen([...words, String(pid), '--', 'true']);
      assert.equal(status, 2);
      assert.match(stderr, /^nsgen: --tty: script\(1\) /);
    }
  }));

for (const backend of BACKEND_NAMES)
  test(`without a terminal, too, a command leads a session, ${backend}`, () =>
    inBox([], async pid => {
      const words = ['exec', '--backend', backend, String(pid), '--', 'bash', '-c', 'ps -o sid=,pgid= -p $$; echo $$'];
      const [session, group, own] = (await nsgen(words)).stdout.trim().split(/\s+/);
      assert.deepEqual([session, group], [own, own]);
    }));
