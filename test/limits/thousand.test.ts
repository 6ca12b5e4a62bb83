import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { type BoxInput, prune, run, StartError, script, start } from '../../src/index.js';
import { execute, nsgenPath } from '../support/cli.js';
import { descendants } from '../support/leftovers.js';
import { ownCgroups } from '../support/own-cgroup.js';
import { ownDirectory } from '../support/own-directory.js';
import { randomNumbers } from '../support/random-numbers.js';
import { delay } from '../support/session.js';

/**
 * A thousand boxes with limits, ended in every way, several at a time: afterwards there is no cgroup of theirs.
 * NSGEN_TEST_BOXES=10 makes it ten thousand.
 */

const directory = ownDirectory('thousand-limits');
const own = ownCgroups();
const legacy = { skip: own.directory('pids') === '', timeout: 600_000 };
const factor = Number(process.env.NSGEN_TEST_BOXES ?? 1);
const seed = Number(process.env.NSGEN_SEED ?? Date.now() % 2 ** 31);
const random = randomNumbers(seed);

const LIMITED: BoxInput = {
  command: ['true'],
  resources: { memory: { limit: '64M' }, cpu: { quota: 50_000, period: 100_000 }, pids: { limit: 30 } },
};
const WAITING = { command: ['sleep', '1000'] };

/** Each fails at another step: writing a limit, before the cgroups are entered, in them, at the very end. */
const FAILING: readonly BoxInput[] = [
  { ...LIMITED, resources: { ...LIMITED.resources, cpu: { cpus: '1022' } } },
  { ...LIMITED, namespaces: { net: '/proc/self/ns/uts' } },
  { ...LIMITED, mounts: [{ type: 'bind', source: '/nonexistent', destination: '/mnt' }] },
  { ...LIMITED, cwd: '/nowhere' },
  { ...LIMITED, command: ['/nowhere'] },
];

before(() => console.log(`# NSGEN_SEED=${seed}`));

async function assertNothingLeft(): Promise<void> {
  const left = () => [...own.below(), ...descendants().map(pid => `process ${pid}`)];
  for (let attempt = 0; attempt < 2000 && left().length > 0; attempt += 1) await delay(20);
  assert.deepEqual(left(), []);
}

const AT_ONCE = 4;

async function times(count: number, once: (round: number) => Promise<void>): Promise<void> {
  let round = 0;
  const worker = async () => {
    while (round < count * factor) await once(round++);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

async function killSomewhen(child: ChildProcess, milliseconds: number): Promise<void> {
  const closed = new Promise(resolve => child.on('close', resolve));
  await delay(random() * 1.5 * milliseconds);
  child.kill('SIGKILL');
  await closed;
}

const quiet = { stdin: 'ignore', stdout: 'ignore', stderr: 'ignore' } as const;

describe('a thousand boxes with limits leave no cgroup', legacy, () => {
  test('400 that end, a quarter of them with a failure of the command', async () => {
    await times(400, async round => {
      const fails = round % 4 === 3;
      const { exitStatus } = await (await start({ ...LIMITED, command: [fails ? 'false' : 'true'] }, quiet)).ended;
      assert.equal(exitStatus, fails ? 1 : 0);
    });
    await assertNothingLeft();
  });

  test('150 that cannot be started', async () => {
    await times(150, async round => {
      await assert.rejects(run(FAILING[round % FAILING.length] ?? LIMITED), StartError);
    });
    await assertNothingLeft();
  });

  test('150 that are killed', async () => {
    await times(150, async () => {
      const box = await start({ ...LIMITED, ...WAITING }, quiet);
      await delay(random() * 5);
      box.kill('SIGKILL');
      assert.equal((await box.ended).signal, 'SIGKILL');
    });
    await assertNothingLeft();
  });

  test('60 whose nsgen is killed, once nsgen prune has been there', async () => {
    const path = join(directory, 'box.json');
    writeFileSync(path, JSON.stringify({ ...LIMITED, ...WAITING }));
    await times(60, async round => {
      const words = [nsgenPath, 'run', '--backend', round % 3 === 0 ? 'script' : 'ffi', '-f', path];
      await killSomewhen(spawn(process.execPath, words, { stdio: 'ignore' }), round % 3 === 0 ? 300 : 120);
    });
    for (let attempt = 0; attempt < 2000 && descendants().length > 0; attempt += 1) await delay(20);
    await prune();
    await assertNothingLeft();
  });

  test('80 scripts that end, 60 that fail, 100 that are killed', async () => {
    const written = async (box: BoxInput, name: string) => {
      const path = join(directory, `${name}.sh`);
      writeFileSync(path, await script(box));
      return path;
    };
    const good = await written(LIMITED, 'good');
    await times(80, async () => {
      const { status, stderr } = await execute('bash', [good]);
      assert.deepEqual([status, stderr], [0, '']);
    });
    const bad = await Promise.all(FAILING.map((box, index) => written(box, `bad-${index}`)));
    await times(60, async round => {
      const { status, stderr } = await execute('bash', [bad[round % bad.length] ?? '']);
      assert.ok(status === 125 || status === 127, `${status} ${stderr}`);
    });
    await assertNothingLeft();
    await times(100, async () => {
      await killSomewhen(spawn('bash', [good, 'sleep', '1000'], { stdio: 'ignore' }), 100);
    });
    for (let attempt = 0; attempt < 2000 && descendants().length > 0; attempt += 1) await delay(20);
    // Killed before there was anybody to watch.
    await prune();
    await assertNothingLeft();
  });
});
