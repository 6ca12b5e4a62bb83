import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, test } from 'node:test';
import { isAlive, statOf } from '../../src/host/process.js';
import { nsgen } from '../support/cli.js';
import { ownDirectory } from '../support/own-directory.js';
import { until } from '../support/until.js';
import { ownPods, printed } from './detached-pods.js';
import { shell } from './ways.js';

/** A box in a pod that wants the others, or the pod, to be taken for something else than they are. */

const { named, states, clear, start, running, logged } = ownPods('hostile-pods');
const directory = ownDirectory('hostile-pods-flags');

afterEach(async () => {
  await clear();
  assert.deepEqual(states(), []);
});

const SLEEP = { command: ['sleep', '1000'] };
const SCRIBBLED = 'somebody in the box has written to life';

for (const way of ['ffi', 'script'] as const) {
  describe(`a pod, by ${way}`, () => {
    test('a box that empties every file life it finds hides nobody', async () => {
      const script = 'for file in /proc/[0-9]*/fd/3; do true >"$file"; done 2>/dev/null; echo done; exec sleep 1000';
      await start(way, { pod: 'p', boxes: { web: SLEEP, sly: { command: shell(script) } } });
      await logged('p.sly', /done/);
      assert.deepEqual([running('p.web').problem, running('p.sly').problem], [SCRIBBLED, SCRIBBLED]);
      assert.equal(running('p').problem, undefined);
      for (const name of ['p.web', 'p.sly']) assert.equal(statOf(running(name).process?.pid ?? 0)?.name, 'nsgen-init');
      assert.deepEqual(await nsgen(['stop', 'p.web']), printed('p.web\n'));
      running('p.sly');
      assert.deepEqual(await nsgen(['stop', 'p']), printed('p\n'));
      assert.deepEqual(await nsgen(['rm', 'p']), printed('p\n'));
    });

    test('a box that ends the init has ended the pod, and all know it', async () => {
      // Not before all have been started: who starts them would take the pod for one that cannot be.
      const started = join(directory, `started-${way}`);
      const script = `until [ -e ${started} ]; do sleep 0.05; done; kill -TERM 1; exec sleep 1000`;
      await start(way, { pod: 'p', boxes: { web: SLEEP, sly: { command: shell(script) } } });
      writeFileSync(started, '');
      await until(() => states().every(({ status }) => status === 'ended'), 'all have ended');
      assert.deepEqual(await nsgen(['wait', 'p', 'p.web', 'p.sly']), printed('137\n137\n137\n'));
      assert.match((await nsgen(['kill', 'p'])).stderr, /^nsgen: pod "p" has ended$/m);
      assert.deepEqual(await nsgen(['stop', 'p']), printed('p\n'));
      assert.deepEqual(await nsgen(['rm', 'p']), printed('p\n'));
    });

    test('a box whose init is killed by another has ended; what it leaves goes with the pod', async () => {
      const script = 'kill -KILL 2; until ! [ -e /proc/2 ]; do sleep 0.05; done; echo done; exec sleep 1000';
      await start(way, { pod: 'p', boxes: { web: SLEEP, sly: { command: shell(script) } } });
      await logged('p.sly', /done/);
      assert.deepEqual([named('p.web')?.status, named('p.web')?.exitStatus], ['ended', 137]);
      const ps = async () => (await nsgen(['exec', 'p.sly', '--', 'ps', '-o', 'ppid=,args=', '3'])).stdout;
      assert.match(await ps(), /^ +1 sleep 1000$/m);
      const { process: init } = running('p');
      assert.deepEqual(await nsgen(['stop', '-t', '0', 'p']), printed('p\n'));
      assert.equal(isAlive(init ?? assert.fail()), false);
    });

    test('a box whose init is kept from going on by another can be killed', async () => {
      const script = 'while :; do kill -STOP 2; done 2>/dev/null';
      await start(way, { pod: 'p', boxes: { web: SLEEP, sly: { command: shell(`echo up; ${script}`) } } });
      await logged('p.sly', /up/);
      await until(() => statOf(running('p.web').process?.pid ?? 0)?.state === 'T', 'it has been stopped');
      assert.deepEqual(await nsgen(['rm', '-f', 'p.web']), printed('p.web\n'));
      const left = await nsgen(['exec', 'p.sly', '--', 'ls', '/proc/3']);
      assert.notEqual(left.status, 0);
    });
  });
}
