import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { removeCgroups } from '../../src/host/cgroup/remove.js';
import { BACKEND_NAMES, BoxError, type RunningBox, start } from '../../src/index.js';
import { patience } from '../guest/patience.js';
import { nsgenPath } from '../support/cli.js';
import { descendants } from '../support/leftovers.js';
import { Session } from '../support/session.js';
import { cgroupsOfMaker, untilNoCgroupsOf } from './own-cgroups.js';

/** Boxes that are stopped as a whole: a grandchild ticks, and then does not. */

const TICKER = ['bash', '-c', '(while :; do echo "<tick>"; sleep 0.02; done) & wait'];

/** Longer than many ticks. */
const WHILE = 300 * Math.min(patience, 4);

export function testFreezing(directory: string): void {
  for (const backend of BACKEND_NAMES)
    describe(`freezing, ${backend}`, () => {
      let running: RunningBox | undefined;
      // After a test that has failed, nothing else would end it.
      afterEach(async () => {
        running?.kill('SIGKILL');
        await running?.ended;
      });
      const ticking = async () => {
        const box = await start({ command: TICKER, freezer: true }, { backend, stdout: 'pipe' });
        running = box;
        let ticks = 0;
        box.stdout?.on('data', () => {
          ticks++;
        });
        const tick = async () => {
          const before = ticks;
          for (let tries = 0; ticks === before && tries < 1000; tries++) await delay(20);
          assert.notEqual(ticks, before, 'it does not tick');
        };
        const pause = async () => {
          await delay(20);
          const before = ticks;
          await delay(WHILE);
          assert.equal(ticks, before, 'it ticks');
        };
        return { box, tick, pause };
      };

      test('a grandchild stops and goes on, again and again', async () => {
        const { box, tick, pause } = await ticking();
        for (let times = 0; times < 2; times++) {
          await tick();
          await box.freeze();
          await pause();
          await box.thaw();
        }
        await tick();
        box.kill('SIGKILL');
        assert.equal((await box.ended).exitStatus, 137);
        await untilNoCgroupsOf(box.pid);
        await assert.rejects(box.freeze(), /the box has ended/);
        await box.thaw();
      });

      test('a frozen box can be killed', async () => {
        const { box, tick } = await ticking();
        await tick();
        await box.freeze();
        assert.equal(box.kill('SIGKILL'), true);
        assert.equal((await box.ended).exitStatus, 137);
        await untilNoCgroupsOf(backend === 'ffi' ? process.pid : box.pid);
        assert.deepEqual(descendants(), []);
      });

      test('it is asked for right at the start', async () => {
        const { box, tick, pause } = await ticking();
        await box.freeze();
        await pause();
        await box.thaw();
        await tick();
        box.kill('SIGKILL');
        await box.ended;
      });

      test('a box without a freezer refuses', async () => {
        const box = await start({ command: ['true'] }, { backend });
        await assert.rejects(box.freeze(), BoxError);
        await assert.rejects(box.thaw(), BoxError);
        await box.ended;
      });
    });

  const script = join(directory, 'box.sh');
  writeFileSync(script, execFileSync(process.execPath, [nsgenPath, 'script', '--freezer', '--', 'true']));
  const ways: Readonly<Record<string, readonly string[]>> = {
    'nsgen run': [process.execPath, nsgenPath, 'run', '--freezer'],
    'nsgen run --backend script': [process.execPath, nsgenPath, 'run', '--backend', 'script', '--freezer'],
    'bash box.sh': ['bash', script],
  };
  for (const [way, [program = '', ...args]] of Object.entries(ways))
    describe(`freezing, ${way}`, () => {
      const suspended = async () => {
        const session = new Session(program, [...args, '--', ...TICKER]);
        await session.until(/<tick>/);
        process.kill(session.pid, 'SIGTSTP');
        while (!/^State:\tT/m.test(readFileSync(`/proc/${session.pid}/status`, 'utf8'))) await delay(20);
        await delay(50);
        const length = session.output.length;
        await delay(WHILE);
        assert.equal(session.output.length, length);
        return session;
      };

      test('SIGTSTP stops all of it, until SIGCONT', async () => {
        const session = await suspended();
        process.kill(session.pid, 'SIGCONT');
        await session.until(/<tick>/, session.output.length);
        session.child.kill('SIGKILL');
        await session.ended;
        if (way === 'nsgen run') await removeCgroups(cgroupsOfMaker(session.pid));
      });

      test('killed while it is frozen, it leaves nothing that the next cannot remove', async () => {
        const session = await suspended();
        const makers = [session.pid, ...descendants(session.pid)];
        session.child.kill('SIGKILL');
        // Of what is frozen, version 1 lets nothing end: who finds the cgroup of a dead nsgen removes it.
        if (way === 'nsgen run') await removeCgroups(cgroupsOfMaker(session.pid));
        for (const pid of makers) await untilNoCgroupsOf(pid);
        await session.ended;
      });
    });
}
