import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, test } from 'node:test';
import { execute } from './support/cli.js';
import { descendants } from './support/leftovers.js';
import { ownDirectory } from './support/own-directory.js';
import { delay, type Session } from './support/session.js';
import { starter, startSession, WAYS } from './support/ways.js';

const directory = ownDirectory('signals');

const end = join(directory, 'end');

const FORWARDED = ['INT', 'TERM', 'HUP', 'QUIT', 'USR1', 'USR2', 'WINCH', 'TSTP', 'CONT'] as const;

/** Says which signals come, until a file appears. wait is what bash runs a trap in without delay. */
const LOGGER = [
  ...FORWARDED.map(name => `trap 'echo "<${name}>"' ${name}`),
  'echo "<ready>"',
  'until [[ -e $0 ]]; do sleep 0.05 & wait $!; done',
  'exit 7',
].join('\n');

const logged = (session: Session): readonly string[] => session.output.match(/<\w+>/g) ?? [];

afterEach(() => {
  rmSync(end, { force: true });
  assert.deepEqual(descendants(), []);
});

for (const way of WAYS) {
  describe(`signals, ${way}`, () => {
    for (const shared of [[], ['--share', 'pid']]) {
      // It takes longer than that to end on no machine.
      const flags = [...shared, '--stop-timeout', '600'];
      test(`each reaches the command once ${shared.join(' ')}`, async () => {
        const session = startSession(way, directory, flags, ['bash', '-c', LOGGER, end]);
        await session.until(/<ready>/);
        for (const name of FORWARDED) {
          process.kill(session.pid, `SIG${name}`);
          await session.until(new RegExp(`<${name}>`));
          if (name === 'TSTP') await stopped(session.pid);
        }
        // A second one of any would be there by now.
        await delay(200);
        writeFileSync(end, '');
        assert.deepEqual(await session.ended, { status: 7, signal: null }, session.output);
        assert.deepEqual(logged(session), ['<ready>', ...FORWARDED.map(name => `<${name}>`)]);
      });
    }

    test('many of one, one after the other, none lost and none doubled', async () => {
      const session = startSession(way, directory, [], ['bash', '-c', LOGGER, end]);
      await session.until(/<ready>/);
      for (let count = 1; count <= 20; count++) {
        process.kill(session.pid, 'SIGUSR1');
        await session.until(new RegExp(`(?:<USR1>[^]*){${count}}`));
        // bash, which watches over the box in the script, loses a signal that comes again before its trap has ended.
        await delay(50);
      }
      writeFileSync(end, '');
      assert.equal((await session.ended).status, 7);
      assert.equal(logged(session).filter(line => line === '<USR1>').length, 20);
    });

    test('128+N for every signal that ends a command', async () => {
      const harmless = ['SIGCHLD', 'SIGCONT', 'SIGURG', 'SIGWINCH', 'SIGSTOP', 'SIGTSTP', 'SIGTTIN', 'SIGTTOU'];
      const deadly = new Map(Object.entries(constants.signals).filter(([name]) => !harmless.includes(name)));
      const numbers = [...new Set([...deadly.values(), 34, 64])];
      assert.ok(numbers.length > 22);
      for (const number of numbers) {
        const [program = '', ...args] = starter(way, directory, ['--share', 'pid']);
        const { status } = await execute(program, [...args, '--', 'dash', '-c', `ulimit -c 0; kill -${number} $$`]);
        assert.equal(status, 128 + number, `signal ${number}`);
      }
    });

    test('137 when the command is killed from outside', async () => {
      const session = startSession(way, directory, [], ['bash', '-c', LOGGER, end]);
      await session.until(/<ready>/);
      const box = descendants(session.pid).find(pid => namespacePid(pid) === 1);
      assert.ok(box !== undefined);
      process.kill(box, 'SIGKILL');
      assert.deepEqual(await session.ended, { status: 137, signal: null }, session.output);
      assert.deepEqual(logged(session), ['<ready>']);
      assert.equal(session.output, '<ready>\n');
    });

    test('the actions and the mask inside are the default ones, whatever the caller ignored or blocked', async () => {
      const script = 'trap \'\' INT QUIT TERM HUP PIPE USR1 CHLD TSTP TTIN TTOU XFSZ; exec "$@"';
      const args = [...starter(way, directory, ['--share', 'pid']), '--', 'cat', '/proc/self/status'];
      const blocking = ['python3', '-c', BLOCK_AND_EXECUTE, 'bash', '-c', script, 'sh', ...args];
      const [program = '', ...rest] = blocking;
      const { stdout, stderr } = await execute(program, rest);
      const lines: Record<string, string | undefined> = Object.fromEntries(
        stdout.split('\n').map(line => line.split(':\t')),
      );
      const none = '0'.repeat(16);
      assert.equal(stderr, '');
      assert.deepEqual([lines.SigBlk, lines.SigIgn, lines.SigCgt], [none, none, none]);
    });
  });
}

const BLOCK_AND_EXECUTE = [
  'import os, signal, sys',
  'signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR2, signal.SIGWINCH, signal.SIGALRM})',
  'os.execvp(sys.argv[1], sys.argv[1:])',
].join('\n');

async function stopped(pid: number): Promise<void> {
  for (let tries = 0; stateOf(pid) !== 'T'; tries++) {
    assert.ok(tries < 1000, `${pid} does not stop`);
    await delay(10);
  }
}

function stateOf(pid: number): string | undefined {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[0];
}

/** The last number of NSpid: what the process is in its own pid namespace. */
function namespacePid(pid: number): number {
  const numbers = /^NSpid:\t(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]?.split('\t') ?? [];
  return numbers.length < 2 ? 0 : Number(numbers.at(-1));
}
