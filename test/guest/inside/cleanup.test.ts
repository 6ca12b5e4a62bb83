import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
import { afterEach, describe, test } from 'node:test';
import { BACKEND_NAMES, type BoxInput, prune, run, StartError, start } from '../../../src/index.js';
import { nsgenCgroups } from '../../support/cgroups.js';
import { nsgen, nsgenPath } from '../../support/cli.js';
import { descendants } from '../../support/leftovers.js';
import { delay } from '../../support/session.js';

/** Cgroups of version 2 go with their box, and what is left behind is found. */

const LIMITS = { resources: { memory: { limit: '64M' }, pids: { limit: 40 } } } as const;
const quiet = { stdin: 'ignore', stdout: 'ignore', stderr: 'ignore' } as const;

afterEach(async () => {
  const left = () => [...nsgenCgroups().filter(path => !path.endsWith('-callers')), ...descendants()];
  // What a killed script has left, its watcher removes: nobody's child.
  for (let tries = 0; tries < 1200 && left().length > 0; tries += 1) await delay(50);
  assert.deepEqual(left(), []);
});

for (const backend of BACKEND_NAMES)
  describe(`version 2: ${backend}`, () => {
    test('the cgroup goes, with those made in it and with the processes left in it', async () => {
      const left = `own=$(echo /sys/fs/cgroup/nsgen-*-*-*); mkdir -p "$own"/a/b "$own"/.c
        bash -c "echo \\$\\$ >$own/a/b/cgroup.procs; exec sleep 1000" & sleep 1000 & sleep 0.5; exit 7`;
      // Without controllers for the children, "no internal processes" does not stand in the way.
      const box: BoxInput = {
        ...LIMITS,
        namespaces: { pid: 'shared', cgroup: 'shared' },
        command: ['bash', '-c', left],
      };
      assert.equal((await (await start(box, { backend, ...quiet })).ended).exitStatus, 7);
    });

    test('twenty boxes that end, fail, or are killed', async () => {
      await Promise.all(
        Array.from({ length: 20 }, async (_, round) => {
          if (round % 4 === 0) return run({ ...LIMITS, command: ['true'] }, { backend });
          if (round % 4 === 1 && backend === 'ffi')
            return assert.rejects(run({ ...LIMITS, command: ['/nowhere'] }, { backend }), StartError);
          const box = await start({ ...LIMITS, command: ['sleep', '1000'] }, { backend, ...quiet });
          await delay(10 * round);
          box.kill('SIGKILL');
          return box.ended;
        }),
      );
    });
  });

describe('version 2: what is left behind', () => {
  test('nsgen prune removes what is empty, and leaves what is not', async () => {
    const { pid } = spawnSync('true');
    const make = (name: string) => {
      const directory = `/sys/fs/cgroup/${name}`;
      mkdirSync(directory);
      statSync(directory);
      return directory;
    };
    const go = make(`nsgen-${pid}-1-0`);
    mkdirSync(`${go}/inner`);
    const populated = make(`nsgen-${pid}-2-0`);
    mkdirSync(`${populated}/inner`);
    const child = spawn('sleep', ['1000'], { stdio: 'ignore' });
    writeFileSync(`${populated}/inner/cgroup.procs`, String(child.pid));
    const mine = make('nsgen-mine');
    const { stdout, stderr } = await nsgen(['prune']);
    assert.deepEqual(
      stdout.split('\n').sort(),
      ['', `left ${populated}: who made it has ended, but a process is in it`, `removed ${go}`],
      stderr,
    );
    assert.ok(existsSync(mine));
    const closed = new Promise(resolve => child.on('close', resolve));
    child.kill('SIGKILL');
    await closed;
    await prune();
    assert.ok(!existsSync(populated));
    rmdirSync(mine);
  });

  test('of a killed nsgen', async () => {
    const words = [nsgenPath, 'run', '--pids-limit', '20', '--', 'sleep', '1000'];
    const child = spawn(process.execPath, words, { stdio: 'ignore' });
    const made = () => nsgenCgroups().filter(path => path.includes(`nsgen-${child.pid}-`));
    for (let tries = 0; tries < 600 && made().length === 0; tries += 1) await delay(50);
    const [directory = ''] = made();
    const closed = new Promise(resolve => child.on('close', resolve));
    child.kill('SIGKILL');
    await closed;
    for (
      let tries = 0;
      tries < 200 && /1/.test(readFileSync(`${directory}/cgroup.events`, 'utf8').split('\n')[0] ?? '');
      tries += 1
    )
      await delay(20);
    await delay(300);
    // Another process: a program looks only once.
    assert.equal((await nsgen(['run', '--pids-limit', '20', '--', 'sleep', '3'])).status, 0);
  });
});
