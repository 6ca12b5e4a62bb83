import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { after, afterEach, describe, test } from 'node:test';
import { cgroupName } from '../../src/host/cgroup/name.js';
import { prune, run, script } from '../../src/index.js';
import { execute, nsgen, nsgenPath } from '../support/cli.js';
import { ownCgroups } from '../support/own-cgroup.js';
import { delay } from '../support/session.js';

/** What a killed nsgen has left goes, and nothing else does. */

const own = ownCgroups();
const pids = own.directory('pids');
const legacy = { skip: pids === '' ? 'there is no controller pids of version 1 here' : false };

/** A number that was a process's a moment ago. */
const { pid: ended } = spawnSync('true');
const nameOf = (pid: number, start: string | number, box: number) => cgroupName(box, { pid, start: `${start}` });
const startOf = (pid: number): string =>
  readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/.*\) /s, '').split(' ')[19] ?? '';

const made: string[] = [];
const started: ChildProcess[] = [];
function make(name: string): string {
  const directory = `${pids}/${name}`;
  mkdirSync(directory);
  // As nsgen does, which opens it: the kernel then notes the time.
  statSync(directory);
  made.push(directory);
  return directory;
}

function processIn(directory: string): ChildProcess {
  const child = spawn('sleep', ['1000'], { stdio: 'ignore' });
  started.push(child);
  writeFileSync(`${directory}/cgroup.procs`, String(child.pid));
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const closed = new Promise(resolve => child.on('close', resolve));
  child.kill('SIGKILL');
  await closed;
}

afterEach(async () => {
  for (const child of started.splice(0)) await end(child);
  for (const directory of made.splice(0).reverse()) if (existsSync(directory)) rmdirSync(directory);
  assert.deepEqual(own.below(), []);
});

const SETTLED = 300;
const ours = (directories: readonly string[]): readonly string[] =>
  directories.filter(directory => directory.startsWith(`${pids}/`)).map(directory => basename(directory));

describe('nsgen prune', legacy, () => {
  test('from another pid namespace says of a cgroup that it is in use', async () => {
    const directory = make('nsgen-1-2-3');
    processIn(directory);
    await delay(SETTLED);
    const module = new URL('../../src/host/cgroup/leftovers.js', import.meta.url).href;
    const program = `console.log((await import('${module}')).removeLeftover('${directory}').kind)`;
    const words = ['--pid', '--fork', '--mount-proc', process.execPath, '--input-type=module', '-e', program];
    const { stdout, stderr } = await execute('unshare', words);
    assert.deepEqual([stdout, stderr], ['in use\n', '']);
  });

  test('removes what has the name of a process that has ended, is empty, and nothing else', async () => {
    const living = nameOf(process.pid, startOf(process.pid), 9);
    const stay = [
      'nsgen-mine',
      'nsgen-1-2-3x',
      'nsgen-01-2-3',
      'nsgen-1-2',
      'nsgen--1-2-3',
      'xnsgen-1-2-3',
      'nsgen-1-2-3-0',
      'nsgen-1-2-3-4-5',
      'nsgen-callers',
      living,
    ];
    const go = [nameOf(ended, 1, 0), nameOf(process.pid, 1, 7), nameOf(4194305, 77, 3)];
    for (const name of [...stay, ...go]) make(name);
    const populated = make(nameOf(ended, 2, 0));
    const deep = make(nameOf(ended, 3, 0));
    mkdirSync(`${deep}/inner`);
    made.push(`${deep}/inner`);
    processIn(populated);
    processIn(`${deep}/inner`);

    const before = await nsgen(['prune', '--dry-run']);
    assert.equal(before.status, 0, before.stderr);
    for (const name of go) assert.match(before.stdout, new RegExp(`^would remove ${pids}/${name}$`, 'm'));
    for (const name of go) assert.ok(existsSync(`${pids}/${name}`));

    const { status, stdout, stderr } = await nsgen(['prune']);
    assert.deepEqual([status, stderr], [0, '']);
    for (const name of go) {
      assert.match(stdout, new RegExp(`^removed ${pids}/${name}$`, 'm'));
      assert.ok(!existsSync(`${pids}/${name}`), name);
    }
    for (const name of stay) {
      assert.ok(existsSync(`${pids}/${name}`), name);
      assert.ok(!stdout.includes(`${pids}/${name}\n`), stdout);
    }
    for (const directory of [populated, deep]) {
      assert.match(stdout, new RegExp(`^left ${directory}: who made it has ended, but a process is in it$`, 'm'));
      assert.ok(existsSync(directory));
    }
    assert.ok(existsSync(`${deep}/inner`));
    assert.deepEqual(
      started.map(({ exitCode, signalCode }) => exitCode ?? signalCode),
      [null, null],
    );
  });

  test('removes what a box has made in its own', async () => {
    const outer = make(nameOf(ended, 1, 0));
    for (const path of ['a', 'a/b', 'a/b/nsgen-5-5-5', 'c']) mkdirSync(`${outer}/${path}`);
    const { removed } = await prune();
    assert.ok(ours(removed).includes(basename(outer)));
    assert.deepEqual(own.below(), []);
  });

  test('prints JSON', async () => {
    const directory = make(nameOf(ended, 1, 0));
    const populated = make(nameOf(ended, 1, 1));
    processIn(populated);
    const { stdout } = await nsgen(['prune', '--json']);
    const { removed, inUse } = JSON.parse(stdout);
    assert.ok(removed.includes(directory));
    assert.ok(
      inUse.some(
        (each: { directory: string; processes: number }) => each.directory === populated && each.processes === 1,
      ),
    );
  });

  test('leaves alone what is being used by somebody who only seems to have ended', async () => {
    // As in another time namespace; it is empty only for moments.
    const directory = make(nameOf(4194305, 3, 3));
    await delay(SETTLED);
    const child = processIn(directory);
    const pruning = prune();
    await delay(20);
    const { removed } = await pruning;
    assert.deepEqual(ours(removed), []);
    await end(child);
    const fresh = make(nameOf(4194305, 3, 4));
    const seen = await nsgen(['prune', '--dry-run']);
    assert.ok(seen.stdout.includes(`would remove ${fresh}`), 'after a while it counts as left behind');
  });

  test('refuses what it does not know', async () => {
    for (const args of [
      ['prune', 'x'],
      ['prune', '--all'],
    ])
      assert.equal((await nsgen(args)).status, 2);
  });
});

describe('the next box', legacy, () => {
  const BOX = { command: ['true'], resources: { pids: { limit: 20 } } };

  for (const backend of ['ffi', 'script'] as const)
    test(`removes what was left beside it: ${backend}`, async () => {
      const go = make(nameOf(ended, 1, 0));
      const stay = [make('nsgen-mine'), make(nameOf(process.pid, startOf(process.pid), 9))];
      const populated = make(nameOf(ended, 2, 0));
      processIn(populated);
      await delay(SETTLED);
      const { status, stderr } = await nsgen(['run', '--backend', backend, '--pids-limit', '20', '--', 'sleep', '0.2']);
      assert.deepEqual([status, stderr], [0, '']);
      assert.ok(!existsSync(go));
      for (const directory of [...stay, populated]) assert.ok(existsSync(directory), directory);
    });

  test('finds what a killed nsgen has left', async () => {
    const child = spawn(process.execPath, [nsgenPath, 'run', '--pids-limit', '20', '--', 'sleep', '1000'], {
      stdio: 'ignore',
    });
    started.push(child);
    for (let tries = 0; tries < 2000 && own.below().length === 0; tries += 1) await delay(20);
    await end(child);
    assert.equal(own.below().length, 1);
    await delay(SETTLED);
    await run({ ...BOX, command: ['sleep', '0.1'] });
  });

  test('finds what a killed script has left, together with who watches over it', async () => {
    const text = await script(BOX);
    const broken = text.replace(/^ *make_cgroups$/m, line => `${line}\nkill -s KILL "$watcher" "$$"`);
    assert.equal((await execute('bash', ['-c', broken])).signal, 'SIGKILL');
    assert.equal(own.below().length, 1);
    const { status, stderr } = await execute('bash', ['-c', text]);
    assert.deepEqual([status, stderr], [0, '']);
  });
});

describe('a frozen box whose nsgen was killed', legacy, () => {
  const freezer = own.directory('freezer');
  after(() => {
    assert.ok(freezer !== '');
  });

  test('is thawed, so that it can end', async () => {
    const child = spawn(process.execPath, [nsgenPath, 'run', '-f', '-'], { stdio: ['pipe', 'ignore', 'ignore'] });
    started.push(child);
    child.stdin?.end(JSON.stringify({ command: ['sleep', '1000'], freezer: true, resources: { pids: { limit: 20 } } }));
    const frozen = () => own.below().find(directory => dirname(directory) === freezer);
    for (let tries = 0; tries < 2000 && frozen() === undefined; tries += 1) await delay(20);
    const directory = frozen();
    assert.ok(directory !== undefined);
    for (let tries = 0; tries < 2000 && readFileSync(`${directory}/cgroup.procs`, 'utf8') === ''; tries += 1)
      await delay(20);
    writeFileSync(`${directory}/freezer.state`, 'FROZEN');
    await end(child);
    await delay(SETTLED);
    assert.match(readFileSync(`${directory}/cgroup.procs`, 'utf8'), /\d/);
    const { stdout } = await nsgen(['prune']);
    assert.match(stdout, new RegExp(`^removed ${directory}$`, 'm'));
  });
});
