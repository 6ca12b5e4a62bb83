import assert from 'node:assert/strict';
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { statOf } from '../src/host/process.js';
import { BACKEND_NAMES } from '../src/index.js';
import { newMark, ownBoxes, processesWith } from './detached/named-boxes.js';
import { installForEveryone } from './support/installed.js';
import { ownCgroups } from './support/own-cgroup.js';
import { Session } from './support/session.js';
import { until } from './support/until.js';

/** nsgen is replaced by a newer one, or removed, while a box runs: whatever is still to be done it has in memory. */

const { parent, named, clear } = ownBoxes('files-gone');
const own = ownCgroups();
const mark = newMark();
afterEach(clear);
afterEach(() => {
  for (const pid of processesWith(mark)) process.kill(pid, 'SIGKILL');
});

for (const backend of BACKEND_NAMES)
  test(`a box by ${backend} is stopped, goes on and ends after nsgen and Node have been moved away`, async () => {
    const place = join(parent, `.${backend}`);
    const [node, nsgen] = installForEveryone(place);
    // Somebody is left in the cgroups, to be ended with them.
    const left = '(exec -a "$0" sleep 1000 </dev/null >/dev/null 2>&1) &';
    const script = `${left} echo begun; read -r line; echo "$line"; exit 7`;
    const flags = ['--share', 'pid', '--memory', '64M', '--pids-limit', '50', '--stats', '--name', 'box'];
    const words = [nsgen, 'run', '--backend', backend, ...flags, '--', 'bash', '-c', script, mark];
    const session = new Session(node, words);
    await session.until(/begun/);
    renameSync(place, `${place}-gone`);
    process.kill(session.pid, 'SIGTSTP');
    await until(() => statOf(session.pid)?.state === 'T', 'nsgen has stopped');
    process.kill(session.pid, 'SIGCONT');
    session.type('goes on\n');
    assert.deepEqual(await session.ended, { status: 7, signal: null }, session.output);
    assert.match(
      session.output,
      /^begun\ngoes on\nnsgen: wall time .*\n(?:nsgen: .*\n)*nsgen: peak memory .* of 64M\n/,
    );
    const box = named('box');
    assert.deepEqual([box?.status, box?.exitStatus], ['ended', 7]);
    assert.deepEqual(processesWith(mark), []);
    assert.deepEqual(own.below(), []);
  });
