import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, test } from 'node:test';
import { numbersOf, statOf } from '../src/host/process.js';
import { run, start } from '../src/index.js';
import { execute, nsgenPath } from './support/cli.js';
import { adoptOrphans, descendants, reapOrphans } from './support/leftovers.js';
import { ownDirectory } from './support/own-directory.js';
import { delay, type Session } from './support/session.js';
import {
  CTRL_C,
  CTRL_Z,
  hasJobControl,
  identify,
  isRestored,
  SHELL,
  type Shell,
  say,
  startShell,
} from './support/shell.js';
import { until } from './support/until.js';

/** Boxes with a terminal of their own, started by a shell with job control in a terminal that script(1) makes. */

const directory = ownDirectory('own-terminal');
const script = join(directory, 'box.sh');
writeFileSync(
  script,
  execFileSync(process.execPath, [nsgenPath, 'script', '-t', '--stop-timeout', '1', '-e', 'PS1=inner: ', '--', 'true']),
);

const runInTerminal = `${process.execPath} ${nsgenPath} run -t --stop-timeout 1 -e 'PS1=inner: '`;
const WAYS: Readonly<Record<string, string>> = {
  'nsgen run -t': runInTerminal,
  'nsgen run -t --backend script': `${runInTerminal} --backend script`,
  'bash box.sh': `bash ${script}`,
};

/** Nobody who outlives whoever started it is overlooked. */
adoptOrphans();

let open: Session | undefined;

function shell(): Promise<Shell> {
  open = startShell();
  return identify(open);
}

/** The one job of a shell: nsgen, or the bash that runs the script. */
async function jobOf(pid: number): Promise<number> {
  for (let tries = 0; tries < 500; tries++) {
    const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean);
    if (child !== undefined) return Number(child);
    await delay(20);
  }
  throw new Error('the shell has no job');
}

afterEach(async () => {
  open?.child.kill('SIGKILL');
  await open?.ended;
  open = undefined;
  const still = await left();
  for (const pid of descendants()) process.kill(pid, 'SIGKILL');
  assert.deepEqual(still, []);
});

/** What has been started, by its names, and does not end. */
async function left(): Promise<readonly string[]> {
  for (let tries = 0; tries < 1000 && descendants().length > 0; tries++) {
    await delay(20);
    reapOrphans();
  }
  return descendants().map(pid => `${pid} ${statOf(pid)?.name}`);
}

for (const [way, command] of Object.entries(WAYS)) {
  describe(way, () => {
    test('a shell has job control, the size of the window, and an end of its own', async () => {
      const { session, terminal, attributes } = await shell();
      execFileSync('stty', ['-F', terminal, 'rows', '30', 'cols', '100']);
      session.type(`${command} -- ${SHELL}; ${say('status $?')}\n`);
      await session.until(/\ninner: |\rinner: |inner: $/);
      session.type(`${say('$(tty) $(stty size) $COLUMNS $(ps -o tty= -p 1) $(stat -c %t,%T /dev/console)')}\n`);
      await session.until(/<\/dev\/pts\/0 30 100 100 pts\/0 88,0>/);

      await hasJobControl(session, terminal);

      session.type('exit 5\n');
      await session.until(/<status 5>/);
      assert.doesNotMatch(session.output, /no job control|cannot set terminal/);
      await isRestored(session, attributes);
    });

    for (const signal of ['SIGTERM', 'SIGHUP'] as const)
      test(`${signal} for who watches reaches the command; the terminal is as it was`, async () => {
        const { session, pid, attributes } = await shell();
        session.type(
          `${command} -- bash -c 'trap "exit 9" TERM HUP; ${say('ready')}; while :; do sleep 0.05; done'; ${say('status $?')}\n`,
        );
        await session.until(/<ready>/);
        process.kill(await jobOf(pid), signal);
        await session.until(/<status 9>/);
        await isRestored(session, attributes);
      });

    test('stopped from outside, the terminal is the shell’s; fg goes on', async () => {
      const { session, pid, terminal, attributes } = await shell();
      session.type(`${command} -- ${SHELL}\n`);
      await session.until(/inner: $/);
      process.kill(await jobOf(pid), 'SIGTSTP');
      await session.until(/Stopped/);
      await isRestored(session, attributes);
      const from = session.output.length;
      session.type('fg\n');
      // Until then the box writes to a terminal that would end its lines once more.
      const isRaw = () => /-isig/.test(execFileSync('stty', ['-a', '-F', terminal], { encoding: 'utf8' }));
      await until(isRaw, 'the box has the terminal');
      session.type(`${say('on $((40 + 2))')}\n`);
      await session.until(/<on 42>/, from);
      session.type(`exit\n`);
      await session.until(/exit\r\n(?:.*\r\n)*outer: $/, from);
      await isRestored(session, attributes);
    });

    test('SIGKILL for who watches ends the box, and the shell can go on', async () => {
      const { session, pid, attributes } = await shell();
      session.type(`${command} -- bash -c 'trap "" HUP TERM INT; ${say('ready')}; while :; do sleep 0.05; done'\n`);
      await session.until(/<ready>/);
      process.kill(await jobOf(pid), 'SIGKILL');
      await session.until(/Killed/);
      for (let tries = 0; tries < 1000 && descendants(pid).length > 0; tries++) await delay(20);
      assert.deepEqual(descendants(pid), []);
      await isRestored(session, attributes);
    });

    test('what the box pushes into its terminal is not typed in the caller’s', async () => {
      const { session } = await shell();
      const push = `perl -e 'ioctl(STDIN, 0x5412, $_) or die $! for split //, "echo pus" . "hed\\n"; print "do" . "ne\\n"'`;
      session.type(`${command} -- ${push}; ${say('status $?')}\n`);
      await session.until(/<status \d+>/);
      session.type(`${say('after $((40 + 2))')}\n`);
      await session.until(/<after 42>/);
      // As the box's terminal echoes it, and no more: nobody has executed it.
      assert.equal(session.output.split(/^pushed/m).length, 1, session.output);
      assert.match(session.output, /done|Input\/output error/);
      session.type('exit 0\n');
      assert.equal((await session.ended).status, 0);
    });

    test('the caller’s terminal is gone: so is the box', async () => {
      const { session } = await shell();
      session.type(`${command} -- bash -c '${say('ready')}; while :; do sleep 0.05; done'\n`);
      await session.until(/<ready>/);
      session.child.kill('SIGKILL');
      await session.ended;
    });

    test('the box hears that the caller’s terminal is gone', async () => {
      const { session } = await shell();
      const gone = join(directory, `gone-${way}`);
      writeFileSync(
        join(directory, 'program'),
        `trap 'echo gone >"${gone}"; exit' HUP; ${say('ready')}; while :; do sleep 0.05; done`,
      );
      session.type(`${command} -- bash ${directory}/program\n`);
      await session.until(/<ready>/);
      session.child.kill('SIGKILL');
      await session.ended;
      assert.deepEqual(await left(), []);
      assert.equal(readFileSync(gone, 'utf8'), 'gone\n');
    });

    test('SIGKILL for the box: the terminal is as it was', async () => {
      const { session, pid, attributes } = await shell();
      session.type(`${command} -- ${SHELL}; ${say('status $?')}\n`);
      await session.until(/inner: $/);
      const isBox = (process: number) => numbersOf(process).at(-1) === 1 && numbersOf(process).length > 1;
      for (const box of descendants(await jobOf(pid)).filter(isBox)) process.kill(box, 'SIGKILL');
      await session.until(/<status 137>/);
      await isRestored(session, attributes);
    });

    test('sleep, Ctrl-Z, fg and Ctrl-C in the box, and nothing of it outside', async () => {
      const { session, attributes } = await shell();
      session.type(`${command} -- ${SHELL}; ${say('status $?')}\n`);
      await session.until(/inner: $/);
      session.type('sleep 100\n');
      // It has the terminal once it is in the foreground.
      const sleeping = () => descendants(session.pid).filter(each => statOf(each)?.name === 'sleep');
      const inForeground = (each: number) => statOf(each)?.foreground === statOf(each)?.group;
      for (let tries = 0; !sleeping().some(inForeground); tries++) {
        assert.ok(tries < 1000, session.output);
        await delay(20);
      }
      session.type(CTRL_Z);
      await session.until(/\[1\]\+ {2}Stopped +sleep 100/);
      const from = session.output.length;
      session.type('fg\n');
      await session.until(/sleep 100\r\n/, from);
      for (let tries = 0; !sleeping().some(each => inForeground(each) && statOf(each)?.state === 'S'); tries++) {
        assert.ok(tries < 1000, session.output);
        await delay(20);
      }
      session.type(CTRL_C);
      session.type(`${say('interrupted $?')}\n`);
      await session.until(/<interrupted 130>/);
      session.type('exit 6\n');
      await session.until(/<status 6>/);
      await isRestored(session, attributes);
    });

    test('SIGCONT before it has stopped is not lost', async () => {
      const { session, pid, attributes } = await shell();
      const traps = ['TSTP', 'USR1'].map(name => `trap '${say(name)}' ${name}`).join('; ');
      writeFileSync(
        join(directory, 'program'),
        `trap 'exit 9' TERM; ${traps}; ${say('ready')}; while :; do sleep 0.01; done`,
      );
      session.type(`${command} -- bash ${directory}/program; ${say('status $?')}\n`);
      await session.until(/<ready>/);
      const job = await jobOf(pid);
      for (let round = 0; round < 3; round++) {
        const from = session.output.length;
        process.kill(job, 'SIGTSTP');
        await session.until(/<TSTP>/, from);
        process.kill(job, 'SIGCONT');
        // Of signals that come at once, bash may lose all but the last.
        let stopped = false;
        const asking = setInterval(() => {
          process.kill(job, 'SIGUSR1');
          // It came too late: a job in the background must not set the terminal.
          if (!stopped && /Stopped/.test(session.output.slice(from))) session.type('fg\n');
          stopped ||= /Stopped/.test(session.output.slice(from));
        }, 100);
        await session.until(/<USR1>/, from).finally(() => clearInterval(asking));
      }
      process.kill(job, 'SIGTERM');
      await session.until(/<status 9>/);
      await isRestored(session, attributes);
    });

    test('without a terminal of the caller’s it has one all the same: what is shown arrives whole', async () => {
      const text = 'if [ -t 0 ]; then seq 1 40000; fi; exit 3';
      const words = `${command} -- sh -c '${text}' </dev/null | { sleep 0.2; cat; }; exit "\${PIPESTATUS[0]}"`;
      const { status, stdout } = await execute('bash', ['-c', words]);
      assert.equal(status, 3);
      assert.equal(stdout, Array.from({ length: 40_000 }, (_, index) => `${index + 1}\r\n`).join(''));
    });
  });
}

test('who kills script(1) kills the box; the terminal is as it was', async () => {
  const { session, pid, attributes } = await shell();
  session.type(
    `bash ${script} -- bash -c 'trap "" HUP; ${say('ready')}; while :; do sleep 0.05; done'; ${say('status $?')}\n`,
  );
  await session.until(/<ready>/);
  const scripts = descendants(await jobOf(pid)).filter(process => statOf(process)?.name === 'script');
  assert.equal(scripts.length, 1);
  for (const one of scripts) process.kill(one, 'SIGKILL');
  await session.until(/<status 137>/);
  await isRestored(session, attributes);
});

describe('the library', () => {
  test('types, reads and resizes; every byte arrives', async () => {
    const text = 'stty raw -echo; printf ready; head -c 70000 | sha256sum; stty size';
    const running = await start({ command: ['sh', '-c', text], terminal: true }, { stdin: 'pipe', stdout: 'pipe' });
    let shown = '';
    const bytes = Buffer.from(Array.from({ length: 70_000 }, (_, index) => (index * 7) % 256));
    running.terminal?.resize({ columns: 132, rows: 43 });
    assert.throws(() => running.terminal?.resize({ columns: 65_536, rows: 1 }), RangeError);
    for await (const chunk of running.stdout ?? []) {
      if (shown === '') running.stdin?.write(bytes);
      shown += chunk;
    }
    const sum = execFileSync('sha256sum', { input: bytes, encoding: 'utf8' });
    assert.equal(shown, `ready${sum}43 132\n`);
    assert.equal((await running.ended).exitStatus, 0);
    assert.equal(running.stderr, undefined);
  });

  test('the end of the input is Ctrl-D, also after half a line', async () => {
    for (const input of ['', 'a line\n', 'half a line']) {
      const { stdout } = await run(
        { command: ['sh', '-c', 'cat | od -c | wc -l >/dev/null; echo over'], terminal: true },
        { input },
      );
      assert.match(stdout, /over\r\n$/);
    }
  });

  test('the script backend says that it cannot resize', async () => {
    const running = await start(
      { command: ['true'], terminal: true },
      { backend: 'script', stdin: 'ignore', stdout: 'ignore', stderr: 'ignore' },
    );
    assert.throws(
      () => running.terminal?.resize({ columns: 1, rows: 1 }),
      /^BoxError: terminal: with the script backend/,
    );
    assert.equal((await running.ended).exitStatus, 0);
  });

  test('what is refused', async () => {
    const refused = (box: object) => run({ command: ['true'], terminal: true, ...box });
    await assert.rejects(refused({ namespaces: { mount: 'shared' } }), /^BoxError.*terminal: needs a mount namespace/s);
    for (const destination of ['/dev', '/dev/pts', '/dev/console', '//dev/./pts/'])
      await assert.rejects(
        refused({ mounts: [{ type: 'tmpfs', destination }] }),
        /mounts\[0\]\.destination: with terminal/,
      );
  });
});
