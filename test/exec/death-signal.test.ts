import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, readFileSync } from 'node:fs';
import { afterEach, test } from 'node:test';
import { describeNewcomer } from '../../src/exec/newcomer.js';
import { makeExecPlan } from '../../src/exec/plan.js';
import { openTarget } from '../../src/exec/target.js';
import { statOf } from '../../src/host/process.js';
import { nsgen, nsgenPath } from '../support/cli.js';
import { adoptOrphans, descendants, reapOrphans } from '../support/leftovers.js';
import { until } from '../support/until.js';

/** The kernel takes the death signal away from who takes another user, group or user namespace: it has to come after that. */

adoptOrphans();
afterEach(async () => {
  await until(() => {
    reapOrphans();
    return descendants().length === 0;
  }, 'nothing is left');
});

const commandOf = (pid: number) => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0').join(' ').trim();
  } catch {
    return '';
  }
};

/** A process of another user, or in a user namespace. It shows the devpts of the host. */
async function withTarget(words: readonly string[], act: (pid: number) => Promise<void>): Promise<void> {
  const child = spawn('unshare', ['--net', ...words, '--', '/bin/sleep', 'infinity'], { cwd: '/' });
  const ended = once(child, 'exit');
  try {
    await until(() => commandOf(child.pid ?? 0) === '/bin/sleep infinity', 'sleep');
    await act(child.pid ?? 0);
  } finally {
    child.kill('SIGKILL');
    await ended;
  }
}

const OTHERS: Readonly<Record<string, readonly string[]>> = {
  'another user': ['--', 'setpriv', '--reuid=1234', '--regid=1234', '--clear-groups'],
  'a user namespace': ['--user', '--map-root-user'],
};

for (const [name, words] of Object.entries(OTHERS)) {
  test(`the signal is asked for after the last change of rights: ${name}`, () =>
    withTarget(words, async pid => {
      const changes = /^#\s+(setresuid|capset|setns|prctl\(PR_CAP\w*)\b/;
      const { stdout } = await nsgen(['script', 'exec', '-t', String(pid), '--', 'true']);
      const lines = stdout.split('\n');
      const signal = lines.findIndex(line => /^#\s+prctl\(PR_SET_PDEATHSIG, SIGKILL\)/.test(line));
      const terminal = lines.findIndex(line => line.includes('TIOCNOTTY'));
      assert.ok(lines.some(line => changes.test(line)));
      assert.ok(lines.findLastIndex(line => changes.test(line)) < signal, stdout);
      assert.ok(signal < terminal, 'a terminal that has been hung up tells who has ended before');

      const target = openTarget({ pid });
      try {
        const options = { command: ['true'], env: {}, boxEnv: undefined, cwd: undefined, terminal: true } as const;
        const newcomer = describeNewcomer(target, { ...options, ignoreSeccomp: true, ignoreApparmor: true });
        const kinds = makeExecPlan(newcomer, 9).map(({ kind }) => kind);
        const after = kinds.slice(kinds.indexOf('parent-death-signal') + 1);
        assert.deepEqual(after, ['close-descriptors', 'reset-signals', 'execute']);
      } finally {
        closeSync(target.directory);
      }
    }));

  test(`whoever kills script(1) kills a command that ignores its hangup: ${name}`, () =>
    withTarget(words, async pid => {
      const script = 'trap "" HUP; exec sleep 54321';
      const command = ['exec', '-t', '--backend', 'script', String(pid), '--', '/bin/sh', '-c', script];
      const child = spawn(process.execPath, [nsgenPath, ...command], {
        stdio: ['ignore', 'pipe', 'inherit'],
        cwd: '/',
      });
      const ended = once(child, 'exit');
      const find = (what: (each: number) => boolean) => descendants(child.pid).find(what);
      await until(() => find(each => commandOf(each) === 'sleep 54321') !== undefined, 'the command');
      const sleep = find(each => commandOf(each) === 'sleep 54321') ?? 0;
      const ofTerminal = find(each => statOf(each)?.name === 'script') ?? 0;
      try {
        assert.ok(ofTerminal > 0);
        process.kill(ofTerminal, 'SIGKILL');
        await until(() => commandOf(sleep) !== 'sleep 54321', 'its end');
        const [status] = await ended;
        assert.equal(status, 137);
      } finally {
        if (commandOf(sleep) === 'sleep 54321') process.kill(sleep, 'SIGKILL');
        child.kill('SIGKILL');
      }
    }));
}
