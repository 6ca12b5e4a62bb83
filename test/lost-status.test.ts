import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { statOf } from '../src/host/process.js';
import { nsgen } from './support/cli.js';
import { ownDirectory } from './support/own-directory.js';
import { Session } from './support/session.js';
import { until } from './support/until.js';

/**
 * A signal that comes in the moment in which a child ends has bash drop how it ended, and take it for running. strace(1)
 * makes that moment long: it holds bash up on its way into wait4(2).
 */

const directory = ownDirectory('lost-status');
const file = (name: string) => join(directory, name);
const COMMAND = ['sh', '-c', 'echo ready; read -r _; exit 7'];
const POD = { pod: 'lost', boxes: { only: { command: COMMAND } } };

const BOX = `lost-status-${process.pid}`;
before(() => nsgen(['run', '-d', '--name', BOX, '--', 'sleep', '1000']));
after(() => nsgen(['rm', '-f', BOX]));

describe('a script that is told of nothing when its child ends', { concurrency: true }, () => {
  for (const [name, words] of [
    ['box.sh', ['--', ...COMMAND]],
    ['exec.sh', ['exec', BOX, '--', ...COMMAND]],
    ['pod.sh', ['-f', file('pod.yaml')]],
  ] as const)
    test(`${name} ends all the same, and says so`, async context => {
      writeFileSync(file('pod.yaml'), JSON.stringify(POD));
      const { stdout, stderr } = await nsgen(['script', ...words]);
      assert.equal(stderr, '');
      writeFileSync(file(name), stdout);
      const script = new Session('bash', [file(name)]);
      context.after(() => script.child.kill('SIGKILL'));
      await script.until(/ready/);
      await holdUp(script.pid);
      script.type('\n');
      await until(() => hasZombie(script.pid), 'the child has ended');
      process.kill(script.pid, 'SIGTERM');
      assert.deepEqual(await script.ended, { status: 125, signal: null });
      assert.equal(
        script.output,
        `ready\n${name}: the exit status is lost: a signal came in the moment of the end, and bash has dropped it\n`,
      );
    });
});

/** Holds a process up on its way into wait4(2), where it is already, for some seconds. */
async function holdUp(pid: number): Promise<void> {
  const inject = ['-e', 'trace=wait4', '-e', 'inject=wait4:delay_enter=3000000:when=1'];
  const strace = spawn('strace', ['-o', '/dev/null', ...inject, '-p', String(pid)], { stdio: 'ignore' });
  strace.unref();
  await until(() => statOf(pid)?.state === 't', 'strace holds it up');
}

const hasZombie = (pid: number): boolean =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .split(' ')
    .filter(child => child !== '')
    .some(child => statOf(Number(child))?.state === 'Z');
