import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { type RunningBox, script, start } from '../../src/index.js';
import { visible } from '../../src/text.js';
import { execute, nsgen, nsgenPath } from '../support/cli.js';
import { ownDirectory } from '../support/own-directory.js';
import { delay, Session } from '../support/session.js';

const directory = ownDirectory('top');
const ESCAPE = '\x1b';
/** What a box could do to whoever looks at it: set the title, clear the screen, turn the writing round, go up. */
const HOSTILE = `evil${ESCAPE}]0;title\x07${ESCAPE}[2J\r\n\x9b1A\u202e\u0301`;
const LIMITS = {
  resources: { memory: { limit: '64M' }, pids: { limit: 20 }, cpu: { quota: 20_000, period: 100_000 } },
} as const;
const quiet = { stdin: 'ignore', stdout: 'ignore', stderr: 'ignore' } as const;

let busy: RunningBox;
let hostile: RunningBox;
let launched: ChildProcess;
before(async () => {
  busy = await start({ ...LIMITS, accounting: true, command: ['bash', '-c', 'while :; do :; done'] }, quiet);
  hostile = await start({ ...LIMITS, command: ['bash', '-c', 'read -rt 1000 <> <(:)', HOSTILE] }, quiet);
  const path = join(directory, 'box.sh');
  writeFileSync(path, await script({ ...LIMITS, command: ['sleep', '1000.5'] }));
  launched = spawn('bash', [path], { stdio: 'ignore' });
  await delay(500);
});
after(async () => {
  busy.kill('SIGKILL');
  hostile.kill('SIGKILL');
  // The box goes with it; as pid 1, sleep would ignore SIGTERM.
  launched.kill('SIGKILL');
  await Promise.all([busy.ended, hostile.ended, new Promise(resolve => launched.on('close', resolve))]);
});

const { NO_COLOR: _, ...rest } = process.env;
const env = { ...rest, TERM: 'xterm', LC_ALL: 'C.UTF-8' };
const top = (...args: readonly string[]) => nsgen(['top', '--interval', '0.3', ...args]);

describe('nsgen top, not in a terminal', () => {
  test('prints a table for each look', async () => {
    const { status, stdout, stderr } = await top('-n', '2');
    assert.deepEqual([status, stderr], [0, '']);
    assert.equal(stdout.match(/^LAUNCHER +PID +MEMORY +CPU% +PIDS +THROTTLED% +COMMAND$/gm)?.length, 2, stdout);
    const line = new RegExp(
      `^${process.pid} \\S+ +${busy.pid} +[\\d.]+[KM]?/64M +([\\d.]+) +1/20 +([\\d.]+)  bash -c while :; do :; done$`,
      'm',
    );
    const [, cpu, throttled] = line.exec(stdout) ?? [];
    assert.ok(Number(cpu) > 5 && Number(cpu) < 60, stdout);
    assert.ok(Number(throttled) > 5, stdout);
    assert.match(stdout, new RegExp(`^${launched.pid} bash +\\d+ .*/64M .* 1/20 .* sleep 1000\\.5$`, 'm'));
  });

  test('prints JSON, a line for each look', async () => {
    const { status, stdout } = await top('-n', '2', '--json');
    const looks = stdout
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line));
    assert.deepEqual([status, looks.length], [0, 2]);
    const box = looks[1].boxes.find(({ pid }: { pid: number }) => pid === busy.pid);
    assert.deepEqual(
      { ...box, memory: 0, cpu: 0, throttled: 0, name: '', launcher: { ...box.launcher, program: '' } },
      {
        name: '',
        launcher: { pid: process.pid, program: '' },
        pid: busy.pid,
        command: ['bash', '-c', 'while :; do :; done'],
        memory: 0,
        memoryLimit: 64 * 2 ** 20,
        cpu: 0,
        throttled: 0,
        pids: 1,
        pidsLimit: 20,
      },
    );
    const other = looks[1].boxes.find(({ pid }: { pid: number }) => pid === hostile.pid);
    assert.equal(other.command[3], HOSTILE);
    assert.doesNotMatch(stdout, /[\x7f-\x9f\u202e]/);
  });

  test('shows no control character of a command line', async () => {
    const { stdout } = await top('-n', '1');
    assert.ok(stdout.includes('evil\\x1b]0;title\\x07\\x1b[2J\\x0d\\x0a\\x9b1A\\u{202e}\\u{301}'), stdout);
    assert.doesNotMatch(stdout, /[^\P{C}\n]/u);
  });

  test('is the same in a terminal that cannot move its cursor', async () => {
    const command = `${process.execPath} ${nsgenPath} top -n 1 --interval 0.2`;
    const { stdout } = await execute('script', ['-qec', command, '/dev/null'], { env: { ...env, TERM: 'dumb' } });
    assert.ok(stdout.startsWith('LAUNCHER') && !stdout.includes(ESCAPE), stdout);
  });

  test('ends with who reads it', async () => {
    const { status } = await execute('bash', [
      '-c',
      `set -o pipefail; timeout 10 ${process.execPath} ${nsgenPath} top --interval 0.1 | head -1`,
    ]);
    assert.equal(status, 0);
  });

  test('works for an ordinary user', async () => {
    const words = ['--reuid=65534', '--regid=65534', '--clear-groups', process.execPath, nsgenPath];
    const { status, stdout, stderr } = await execute('setpriv', [...words, 'top', '-n', '1', '--interval', '0.2']);
    assert.deepEqual([status, stderr], [0, '']);
    assert.match(stdout, new RegExp(` ${busy.pid} `));
  });

  test('refuses what makes no sense', async () => {
    for (const args of [['x'], ['--interval', '0'], ['--interval', 'x'], ['-n', '0'], ['-n', '1.5'], ['--all']]) {
      const { status, stderr } = await nsgen(['top', ...args]);
      assert.equal(status, 2, stderr);
    }
  });
});

/** Closed even when a test fails. */
const sessions: Session[] = [];
function opened(line: string, environment: NodeJS.ProcessEnv): Session {
  const session = new Session('script', ['-qefc', line, '/dev/null'], environment);
  sessions.push(session);
  return session;
}
afterEach(async () => {
  for (const session of sessions.splice(0)) {
    session.child.kill('SIGKILL');
    await session.ended;
  }
});

/** Its own, and no others. */
const SEQUENCES = new RegExp(`${ESCAPE}\\[(?:H|K|J|0m|7m|31m|33m|\\?\\d+[hl])`, 'g');
const withoutSequences = (text: string): string => text.replace(SEQUENCES, '');
const pidOf = (session: Session): number => Number(/pid (\d+)/.exec(session.output)?.[1]);
const terminate = (session: Session) => process.kill(pidOf(session), 'SIGTERM');

describe('nsgen top in a terminal', () => {
  const ENTER = `${ESCAPE}[?1049h`;
  const LEAVE = `${ESCAPE}[?1049l`;
  const open = (options: string, more: NodeJS.ProcessEnv = {}, rows = 40, columns = 200) => {
    const nsgenTop = `bash -c "echo pid \\$\\$; exec ${process.execPath} ${nsgenPath} top --interval 0.2 ${options}"`;
    // What the terminal was set to must be what it is set to afterwards.
    const line = `stty rows ${rows} cols ${columns}; before=$(stty -g); ${nsgenTop}; status=$?; [[ $(stty -g) == "$before" ]] && echo "ended $status"`;
    return opened(`bash -c '${line}'`, { ...env, ...more });
  };
  const frames = (session: Session) =>
    session.output.slice(0, session.output.indexOf(LEAVE)).split(`${ESCAPE}[H`).slice(1);

  for (const [name, end, status] of [
    ['q', (session: Session) => session.type('q'), 0],
    ['Ctrl-C', (session: Session) => session.type('\x03'), 130],
    ['SIGTERM', terminate, 143],
  ] as const)
    test(`leaves the terminal as it was: ${name}`, async () => {
      const session = open('-n 100');
      await session.until(/while :; do :; done/);
      await end(session);
      await session.until(/ended/);
      assert.match(session.output, new RegExp(`ended ${status}\\b`));
      assert.ok(session.output.indexOf(ENTER) >= 0 && session.output.indexOf(ENTER) < session.output.indexOf(LEAVE));
      assert.ok(session.output.includes(`${ESCAPE}[?25h`) && session.output.includes(`${ESCAPE}[?7h`));
      await session.ended;
    });

  test('draws in place, in colours, with a line of cpu for each box', async () => {
    const session = open('-n 6');
    await session.until(/ended 0/);
    const last = frames(session).at(-1) ?? '';
    assert.ok(frames(session).length >= 6);
    assert.match(last, /[▁▂▃▄▅▆▇█]{4}/);
    assert.match(session.output, /\[3[13]m/);
    assert.ok(last.includes('evil\\x1b]0;t'), last);
    // Its own sequences, and nothing else.
    assert.doesNotMatch(withoutSequences(session.output), /[^\P{C}\r\n]/u);
    await session.ended;
  });

  test('keeps to NO_COLOR, to the alphabet of the terminal, and to its size', async () => {
    const session = open('-n 3', { NO_COLOR: '1', LC_ALL: 'C' }, 4, 50);
    await session.until(/ended 0/);
    assert.doesNotMatch(session.output, /\[\d*m|[^\p{ASCII}]/u);
    for (const frame of frames(session)) {
      const lines = withoutSequences(frame).split(/\r+\n/);
      assert.ok(lines.length <= 4, frame);
      for (const line of lines) assert.ok(line.length <= 50, line);
    }
    assert.match(session.output, /\.\.\. \d+ more/);
    await session.ended;
  });

  test('follows the size of the terminal', async () => {
    const session = open('-n 1000', {}, 20, 100);
    await session.until(/1\/20/);
    await execute('stty', ['-F', `/proc/${pidOf(session)}/fd/0`, 'cols', '30']);
    await delay(500);
    session.type('q');
    await session.until(/ended 0/);
    const drawn = frames(session).map(frame => withoutSequences(frame).split(/\r+\n/));
    assert.ok(drawn[0]?.some(line => line.length > 30));
    assert.ok(drawn.at(-1)?.every(line => line.length <= 30));
    await session.ended;
  });

  test('stops on Ctrl-Z, and comes back', async () => {
    const session = opened('bash --norc --noprofile -i', { ...env, PS1: 'shell:' });
    session.type(`${process.execPath} ${nsgenPath} top --interval 0.2\n`);
    await session.until(/1\/20/);
    session.type('\x1a');
    await session.until(/Stopped/);
    const stopped = session.output.length;
    assert.ok(session.output.includes(LEAVE));
    session.type('fg\n');
    await session.until(/1\/20/, stopped);
    session.type('q');
    for (let tries = 0; tries < 2000 && session.output.split(LEAVE).length < 3; tries += 1) await delay(20);
    assert.equal(session.output.split(LEAVE).length, 3);
    session.type('exit\n');
    await session.ended;
  });
});

test('what is visible of a text is one line of what can be seen', () => {
  assert.equal(visible('plain – ünï 漢'), 'plain – ünï 漢');
  assert.equal(
    visible('\0\t\n\x7f\x85\u200b\u2028\ufeff\ud800'),
    '\\x00\\x09\\x0a\\x7f\\x85\\u{200b}\\u{2028}\\u{feff}\\u{d800}',
  );
});
