import assert from 'node:assert/strict';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, test } from 'node:test';
import { BACKEND_NAMES, type BackendName } from '../../src/backends/backend.js';
import { nsgen, nsgenPath } from '../support/cli.js';
import { Session } from '../support/session.js';
import { ownPods, printed } from './detached-pods.js';
import { shell } from './ways.js';

/** A pod that is made for a box goes only when that was not started, and with nobody else in it. */

const { parent, states, clear, running } = ownPods('new-pods');
const go = join(parent, '.go');
const started: Session[] = [];

afterEach(async () => {
  for (const { child } of started.splice(0)) child.kill('SIGKILL');
  rmSync(go, { force: true });
  await clear();
  assert.deepEqual(states(), []);
});

const ENDED_BY_ITSELF = [125, 126, 127];
const untilGo = (status: number) => shell(`echo up; until [ -e ${go} ]; do sleep 0.05; done; exit ${status}`);

async function begin(backend: BackendName, pod: string, command: readonly string[]): Promise<Session> {
  const session = new Session(process.execPath, [
    nsgenPath,
    'run',
    '--backend',
    backend,
    '--pod',
    pod,
    '--',
    ...command,
  ]);
  started.push(session);
  await session.until(/^up$/m);
  return session;
}

test('a command that ends as if it had not been started has been', async () => {
  for (const status of ENDED_BY_ITSELF) {
    const end = await nsgen(['run', '--pod', `new:p${status}`, '--', ...shell(`exit ${status}`)]);
    assert.deepEqual([end.status, end.stderr], [status, '']);
    running(`p${status}`);
  }
});

for (const backend of BACKEND_NAMES)
  describe(`nsgen run --pod new:NAME, by ${backend}`, () => {
    for (const status of ENDED_BY_ITSELF)
      test(`the boxes that have joined go on when the first ends with ${status}`, async () => {
        const first = await begin(backend, 'new:p', untilGo(status));
        const detached = await nsgen(['run', '-d', '--pod', 'p', '--name', 'joined', '--', 'sleep', '1000']);
        assert.deepEqual(detached, printed('p.joined\n'));
        writeFileSync(go, '');
        assert.equal((await first.ended).status, status, first.output);
        for (const name of ['p', 'p.joined']) running(name);
      });

    test('one without a name keeps the pod too', async () => {
      const first = await begin(backend, 'new:p', untilGo(127));
      const joined = await begin(backend, 'p', shell('trap "exit 3" TERM; echo up; while :; do sleep 0.05; done'));
      writeFileSync(go, '');
      assert.equal((await first.ended).status, 127, first.output);
      running('p');
      process.kill(joined.pid, 'SIGTERM');
      assert.equal((await joined.ended).status, 3, joined.output);
    });

    test('a later pod of the name is another', async () => {
      const first = await begin(backend, 'new:p', untilGo(127));
      // As if it had been removed, but for its processes, which would end the first box otherwise.
      renameSync(join(parent, 'p'), join(parent, '.aside'));
      assert.equal((await nsgen(['run', '--pod', 'new:p', '--', 'true'])).status, 0);
      writeFileSync(go, '');
      assert.equal((await first.ended).status, 127, first.output);
      running('p');
      assert.deepEqual(await nsgen(['rm', '-f', 'p']), printed('p\n'));
      renameSync(join(parent, '.aside'), join(parent, 'p'));
    });
  });
