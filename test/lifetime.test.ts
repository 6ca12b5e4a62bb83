import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, test } from 'node:test';
import { nsgenPath } from './support/cli.js';
import { descendants, hostState } from './support/leftovers.js';
import { ownDirectory } from './support/own-directory.js';
import { randomNumbers } from './support/random-numbers.js';
import { delay } from './support/session.js';

const directory = ownDirectory('lifetime');

const WAYS = ['nsgen run', 'nsgen run --backend script', 'bash box.sh'] as const;
type Way = (typeof WAYS)[number];

function starter(way: Way, flags: readonly string[]): readonly string[] {
  if (way === 'nsgen run') return [process.execPath, nsgenPath, 'run', ...flags, '--'];
  if (way !== 'bash box.sh') return [process.execPath, nsgenPath, 'run', '--backend', 'script', ...flags, '--'];
  return ['bash', scriptFor(flags), '--'];
}

const scripts = new Map<string, string>();

function scriptFor(flags: readonly string[]): string {
  const key = flags.join(' ');
  const known = scripts.get(key);
  if (known !== undefined) return known;
  const path = join(directory, `box-${scripts.size}.sh`);
  writeFileSync(path, execFileSync(process.execPath, [nsgenPath, 'script', ...flags, '--', 'true']));
  scripts.set(key, path);
  return path;
}

const seed = Number(process.env.NSGEN_SEED ?? Date.now() % 2 ** 31);
console.log(`# seed ${seed} (NSGEN_SEED)`);

/** Processes of the round that is under way: all have its marker among their arguments, or in their environment. */
function survivors(marker: string): readonly string[] {
  return readdirSync('/proc').flatMap(name => {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) return [];
    try {
      const text = readFileSync(`/proc/${name}/cmdline`, 'utf8') + readFileSync(`/proc/${name}/environ`, 'utf8');
      const state = /^(?:State|PPid|NSpid):.*$/gm;
      const shown = [
        ...(readFileSync(`/proc/${name}/status`, 'utf8').match(state) ?? []),
        ...text.split('\0').slice(0, 6),
      ];
      return text.includes(marker) ? [`${name} ${shown.join(' ')}`] : [];
    } catch {
      return [];
    }
  });
}

/**
 * Twenty milliseconds each. The kernel takes its time with a killed process that waits for the rtnl lock while thousands
 * of net namespaces of tests before this one are being taken down.
 */
const PATIENCE = 1500;

let marker = '';
let rounds = 0;

async function killAfter(
  way: Way,
  flags: readonly string[],
  command: readonly string[],
  wait: (ready: Promise<void>) => Promise<void>,
) {
  marker = `nsgen-lifetime-${process.pid}-${rounds++}`;
  const [program = '', ...args] = [...starter(way, flags), ...command, marker];
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'ignore'], env: { ...process.env, MARKER: marker } });
  const ended = new Promise(resolve => child.on('exit', resolve));
  const ready = new Promise<void>(resolve => child.stdout.once('data', () => resolve()));
  await wait(ready);
  child.kill('SIGKILL');
  child.stdout.destroy();
  await ended;
  await assertGone();
}

/** While a process executes a program it has neither arguments nor environment: one look that finds nothing is not enough. */
async function assertGone(): Promise<void> {
  let unseen = 0;
  for (let tries = 0; tries < PATIENCE && unseen < 5; tries++) {
    unseen = survivors(marker).length > 0 ? 0 : unseen + 1;
    await delay(unseen > 0 ? 4 : 20);
  }
  assert.deepEqual(survivors(marker), []);
}

/** Empty when the process has gone meanwhile. */
function readProc(file: string): string {
  try {
    return readFileSync(`/proc/${file}`, 'utf8');
  } catch {
    return '';
  }
}

/** Ignores what can be ignored, and has children: one of its own, one whose parent has gone. */
const STUBBORN = [
  "trap '' HUP INT QUIT TERM USR1 USR2 PIPE TSTP TTIN TTOU CONT",
  'bash -c "while :; do sleep 1; done" "$0" & (setsid bash -c "while :; do sleep 1; done" "$0" &)',
  'echo ready',
  'while :; do sleep 1; done',
].join('\n');

/** The marker comes after it, as an argument that changes nothing. */
const FOREVER = ['dash', '-c', 'while :; do sleep 1; done'];

const before = hostState();

afterEach(() => {
  // Whatever a failed test has left is ended all the same.
  for (const line of survivors(marker)) process.kill(Number(line.split(' ')[0]), 'SIGKILL');
  assert.deepEqual(hostState(), before);
});

for (const way of WAYS) {
  describe(`when it is killed, its box is gone: ${way}`, () => {
    test('a command that ignores everything, with children and orphans', async () => {
      await killAfter(way, [], ['bash', '-c', STUBBORN], ready => ready);
    });

    test('a box with a user namespace', async () => {
      await killAfter(way, ['--unshare', 'user'], ['bash', '-c', STUBBORN], ready => ready);
    });

    test('a command in a pid namespace that is shared', async () => {
      await killAfter(way, ['--share', 'pid'], ['bash', '-c', 'echo ready; read -rt 1000 <> <(:)'], ready => ready);
    });

    test('a box that joined namespaces, a user namespace among them', async () => {
      const other = spawn('unshare', ['--user', '--net', 'sleep', '1000'], { stdio: 'ignore' });
      try {
        const namespaces = `/proc/${other.pid}/ns`;
        await unshared(`${namespaces}/net`);
        writeFileSync(`/proc/${other.pid}/setgroups`, 'deny');
        for (const map of ['uid_map', 'gid_map']) writeFileSync(`/proc/${other.pid}/${map}`, '0 65534 1');
        const flags = ['--join', `user:${namespaces}/user`, '--join', `net:${namespaces}/net`];
        await killAfter(way, flags, ['bash', '-c', STUBBORN], ready => ready);
      } finally {
        other.kill('SIGKILL');
      }
    });

    test('before it has asked to die with its parent', async () => {
      // strace makes the moment long, and keeps the process that it is to happen to.
      marker = `nsgen-lifetime-${process.pid}-${rounds++}`;
      const slow = ['-f', '-o', '/dev/null', '-e', 'trace=prctl', '-e', 'inject=prctl:delay_enter=400000'];
      const command = [...starter(way, []), ...FOREVER, marker];
      const strace = spawn('strace', [...slow, ...command], {
        stdio: 'ignore',
        env: { ...process.env, MARKER: marker },
      });
      const { pid } = strace;
      assert.ok(pid !== undefined);
      // In the script it is the child of unshare that asks; below nsgen, the box itself.
      const above = way === 'nsgen run' ? nsgenPath : '--kill-child=KILL';
      const isAbove = (process: number) => readProc(`${process}/cmdline`).split('\0').includes(above);
      const parent = () => descendants(pid).find(process => isAbove(process) && descendants(process).length > 0);
      while (parent() === undefined) await delay(5);
      const watched = descendants(pid)[0];
      assert.ok(watched !== undefined);
      process.kill(watched, 'SIGKILL');
      await assertGone();
    });

    test('at a random moment, a hundred times', { timeout: 120_000 }, async () => {
      const random = randomNumbers(seed);
      const longest = way === 'nsgen run --backend script' ? 160 : way === 'nsgen run' ? 100 : 40;
      for (let round = 0; round < 100; round++) {
        const moment = random() * longest;
        await killAfter(way, [], FOREVER, () => delay(moment)).catch(error => {
          throw new Error(`round ${round}, killed after ${moment} ms, seed ${seed}`, { cause: error });
        });
      }
    });
  });
}

async function unshared(path: string): Promise<void> {
  const own = readFileLink('/proc/self/ns/net');
  for (let tries = 0; readFileLink(path) === own; tries++) {
    assert.ok(tries < 500);
    await delay(10);
  }
}

function readFileLink(path: string): string {
  return execFileSync('readlink', [path], { encoding: 'utf8' });
}
