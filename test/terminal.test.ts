import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, test } from 'node:test';
import { nsgenPath } from './support/cli.js';
import { descendants } from './support/leftovers.js';
import { ownDirectory } from './support/own-directory.js';
import { delay, type Session } from './support/session.js';
import { CTRL_C, CTRL_Z, SHELL, say, startShell } from './support/shell.js';

/** Boxes started by a shell with job control, in a terminal that script(1) makes. */

const directory = ownDirectory('terminal');
const script = join(directory, 'box.sh');
const end = join(directory, 'end');
writeFileSync(script, execFileSync(process.execPath, [nsgenPath, 'script', '--', 'true']));

const WAYS: Readonly<Record<string, string>> = {
  'nsgen run': `${process.execPath} ${nsgenPath} run`,
  'nsgen run --backend script': `${process.execPath} ${nsgenPath} run --backend script`,
  'bash box.sh': `bash ${script}`,
};

const CTRL_BACKSLASH = '\x1c';

/** The terminal of the test that is under way: closed even when the test fails. */
let open: Session | undefined;

function terminal(): Session {
  open = startShell();
  return open;
}

const logger = (signals: readonly string[]) => {
  const traps = signals.map(name => `trap '${say(name)}' ${name}`).join('; ');
  return `${traps}; ${say('ready')}; until [[ -e ${end} ]]; do sleep 0.05 & wait $!; done; exit 7`;
};

function type(session: Session, way: string, program: string): void {
  session.type(`cat >${directory}/logger <<'END'\n${program}\nEND\n`);
  session.type(`${WAYS[way]} -- bash ${directory}/logger; ${say('status $?')}\n`);
}

afterEach(async () => {
  open?.child.kill('SIGKILL');
  await open?.ended;
  open = undefined;
  rmSync(end, { force: true });
  for (let tries = 0; tries < 2000 && descendants().length > 0; tries++) await delay(20);
  assert.deepEqual(descendants(), []);
});

const count = (session: Session, text: string): number => session.output.split(text).length - 1;

for (const way of Object.keys(WAYS)) {
  describe(`in a terminal, ${way}`, () => {
    test('Ctrl-C and Ctrl-\\ reach the command once', async () => {
      const session = terminal();
      type(session, way, logger(['INT', 'QUIT']));
      await session.until(/<ready>/);
      for (const [key, name, times] of [
        [CTRL_C, 'INT', 1],
        [CTRL_BACKSLASH, 'QUIT', 1],
        [CTRL_BACKSLASH, 'QUIT', 2],
      ] as const) {
        session.type(key);
        await session.until(new RegExp(`(?:<${name}>[^]*){${times}}`));
      }
      await delay(200);
      writeFileSync(end, '');
      await session.until(/<status \d+>/);
      assert.match(session.output, /<status 7>/);
      assert.deepEqual([count(session, '<INT>'), count(session, '<QUIT>')], [1, 2], session.output);
      session.type('exit 0\n');
      assert.equal((await session.ended).status, 0);
    });

    test('the second Ctrl-C kills what takes no notice of the first', async () => {
      const session = terminal();
      type(session, way, `trap '' INT; ${say('ready')}; sleep 1000`);
      await session.until(/<ready>/);
      session.type(CTRL_C);
      // The terminal echoes it; of two in its queue, the process would see one.
      await session.until(/\^C/);
      await delay(200);
      session.type(CTRL_C);
      await session.until(/<status \d+>/);
      assert.match(session.output, /SIGINT again: the box is killed \(SIGKILL\)\r\n[\s\S]*<status 137>/);
      session.type('exit 0\n');
      assert.equal((await session.ended).status, 0);
    });

    test('Ctrl-Z gives the shell its terminal back, and fg goes on', async () => {
      const session = terminal();
      type(session, way, logger(['TSTP', 'CONT']));
      await session.until(/<ready>/);
      session.type(CTRL_Z);
      await session.until(/Stopped/);
      session.type(`${say('shell $((40 + 2))')}\n`);
      await session.until(/<shell 42>/);
      const from = session.output.length;
      session.type('fg\n');
      await session.until(/<CONT>/, from);
      writeFileSync(end, '');
      session.type(`${say('after $?')}\n`);
      await session.until(/<after \d+>/, from);
      assert.match(session.output, /<after 7>/);
      assert.equal(count(session, '<TSTP>'), 1, session.output);
      assert.equal(count(session, '<CONT>'), 1, session.output);
      session.type('exit 0\n');
      assert.equal((await session.ended).status, 0);
    });

    test("after Ctrl-Z, what is typed is the shell's, even if pid 1 of the box was reading", async () => {
      const session = terminal();
      // It is slow to stop: all the processors are busy, and it comes last.
      const busy = [...cpus(), ...cpus()].map(() => spawn('sh', ['-c', 'while :; do :; done'], { stdio: 'ignore' }));
      try {
        session.type(`${WAYS[way]} -- chrt --idle 0 sed -u 's/^/box:/'; ${say('status $?')}\n`);
        session.type('first\n');
        await session.until(/box:first/);
        session.type(CTRL_Z);
        await session.until(/Stopped/);
        for (const number of [1, 2, 3]) {
          session.type(`${say(`shell ${number} $((40 + 2))`)}\n`);
          await session.until(new RegExp(`<shell ${number} 42>`));
        }
        session.type('fg\n');
        session.type('second\n');
        await session.until(/box:second/);
        const from = session.output.length;
        session.type('\x04');
        await session.until(/bash-\S+# $/, from);
        session.type(`${say('after $?')}\n`);
        await session.until(/<after 0>/);
        assert.equal(count(session, '\nbox:'), 2, session.output);
        session.type('exit 0\n');
        assert.equal((await session.ended).status, 0);
      } finally {
        for (const child of busy) child.kill('SIGKILL');
      }
    });

    test('a shell in the box has no job control: it is in another session than the terminal', async () => {
      const session = terminal();
      session.type(`${WAYS[way]} -- env PS1=inner: ${SHELL} -i; ${say('status $?')}\n`);
      await session.until(/no job control in this shell[\s\S]*\ninner:/);
      session.type(`cat /proc/self/stat | cut -d ' ' -f 5-8\n`);
      await session.until(/\n1 1 0 -1\r\n/);
      session.type('exit 5\n');
      await session.until(/<status \d+>/);
      assert.match(session.output, /<status 5>/);
      session.type('exit 0\n');
      assert.equal((await session.ended).status, 0);
    });
  });
}
