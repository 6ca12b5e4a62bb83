import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type BoxInput, run, StartError, script, start } from '../src/index.js';
import { execute, nsgenPath } from './support/cli.js';
import { descendants, hostState } from './support/leftovers.js';
import { ownDirectory } from './support/own-directory.js';
import { randomNumbers } from './support/random-numbers.js';
import { makeRootfs, removeRootfs } from './support/rootfs.js';

/** A thousand boxes that mount and write, ended in every way: afterwards everything is as it was before. */

const directory = ownDirectory('thousand');
const source = join(directory, 'source');
mkdirSync(source);
writeFileSync(join(source, 'file'), 'of the host\n');
const rootfs = makeRootfs(['bash', 'cat', 'sleep'], ['proc', 'dev', 'sys', 'tmp', 'etc', 'srv']);
after(() => removeRootfs(rootfs));

const seed = Number(process.env.NSGEN_SEED ?? Date.now() % 2 ** 31);
const random = randomNumbers(seed);

/** What only goes where it is mounted: the rootfs has all the mount points. */
const MOUNTING: BoxInput = {
  command: ['bash', '-c', 'cat /srv/file'],
  rootfs,
  mounts: [
    { type: 'bind', source, destination: '/srv', readOnly: true },
    { type: 'tmpfs', destination: '/tmp' },
    { type: 'mqueue', destination: '/sys' },
  ],
};
/** What would change the rootfs, were it not for the layer over it. */
const WRITING: BoxInput = {
  ...MOUNTING,
  command: ['bash', '-c', ': >/made && cat /etc/motd && cat /new/place/file'],
  overlay: true,
  mounts: [...(MOUNTING.mounts ?? []), { type: 'bind', source, destination: '/new/place' }],
  files: { '/etc/motd': 'written by nsgen\n' },
  symlinks: { '/etc/link': '../srv' },
};
const WAITING = { command: ['sleep', '1000'] };

/** Each fails at another step, the later ones with everything mounted already. */
const FAILING: readonly BoxInput[] = [
  { ...WRITING, mounts: [{ type: 'bind', source: '/nonexistent', destination: '/srv' }] },
  { ...WRITING, mounts: [{ type: 'tmpfs', destination: '/usr/bin/cat/below' }] },
  { ...WRITING, mounts: [...(WRITING.mounts ?? []), { type: 'bind', source, destination: '/usr/bin/cat' }] },
  { ...WRITING, symlinks: { '/usr': 'a directory is there' } },
  { ...WRITING, files: { '/usr/bin': 'a directory is there' } },
  { ...WRITING, cwd: '/nowhere' },
  { ...WRITING, command: ['/nowhere'] },
];

let state: readonly string[] = [];
let files = '';
/** Everything about every file but when it was last read. */
const filesOf = (place: string): string =>
  execFileSync('find', [place, '-printf', '%y %m %u %g %s %T@ %i %p %l\n'], { encoding: 'utf8' });

before(() => {
  console.log(`# NSGEN_SEED=${seed}`);
  files = filesOf(rootfs) + filesOf(source);
  state = hostState();
});

async function assertAsBefore(): Promise<void> {
  const left = () => [
    ...hostState().filter(line => !state.includes(line)),
    ...state.filter(line => !hostState().includes(line)).map(line => `gone: ${line}`),
    ...descendants().map(pid => `process ${pid}`),
  ];
  for (let attempt = 0; attempt < 2000 && left().length > 0; attempt += 1) await delay(100);
  assert.deepEqual(left(), []);
  assert.equal(filesOf(rootfs) + filesOf(source), files);
}

const AT_ONCE = 4;

async function times(count: number, once: (round: number) => Promise<void>): Promise<void> {
  let round = 0;
  const worker = async () => {
    while (round < count) await once(round++);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

const boxFor = (round: number): BoxInput => (round % 2 === 0 ? MOUNTING : WRITING);

/** Killed while it is being made, or while it runs: what a box takes to start, and half as long again. */
async function killSomewhen(child: ChildProcess, milliseconds: number): Promise<void> {
  const closed = new Promise(resolve => child.on('close', resolve));
  await delay(random() * 1.5 * milliseconds);
  child.kill('SIGKILL');
  await closed;
}

describe('a thousand boxes leave nothing', { timeout: 600_000 }, () => {
  test('300 that end well, 100 whose command fails', async () => {
    await times(400, async round => {
      const fails = round % 4 === 3;
      const box = fails ? { ...boxFor(round), command: ['bash', '-c', 'exit 7'] } : boxFor(round);
      const { exitStatus } = await (await start(box)).ended;
      assert.equal(exitStatus, fails ? 7 : 0);
    });
    await assertAsBefore();
  });

  test('140 that cannot be started', async () => {
    await times(140, async round => {
      const box = FAILING[round % FAILING.length];
      assert.ok(box !== undefined);
      await assert.rejects(run(box), StartError);
    });
    await assertAsBefore();
  });

  test('100 that are killed', async () => {
    await times(100, async round => {
      const box = await start({ ...boxFor(round), ...WAITING });
      await delay(random() * 5);
      box.kill('SIGKILL');
      assert.equal((await box.ended).signal, 'SIGKILL');
    });
    await assertAsBefore();
  });

  test('120 whose nsgen is killed', async () => {
    const paths = [MOUNTING, WRITING].map((box, index) => {
      const path = join(directory, `box-${index}.json`);
      writeFileSync(path, JSON.stringify({ ...box, ...WAITING }));
      return path;
    });
    await times(120, async round => {
      const backend = round % 4 < 2 ? 'ffi' : 'script';
      const words = [nsgenPath, 'run', '--backend', backend, '-f', paths[round % 2] ?? ''];
      await killSomewhen(spawn(process.execPath, words, { stdio: 'ignore' }), 400);
    });
    await assertAsBefore();
  });

  test('60 scripts that end well, 70 that fail, 110 that are killed', async () => {
    const path = join(directory, 'box.sh');
    const write = async (box: BoxInput, name: string) => {
      writeFileSync(`${path}-${name}`, await script(box));
      return `${path}-${name}`;
    };
    const good = await Promise.all([write(MOUNTING, 'mounting'), write(WRITING, 'writing')]);
    await times(60, async round => {
      const { status, stderr } = await execute('bash', [good[round % 2] ?? '']);
      assert.deepEqual([status, stderr], [0, '']);
    });
    const bad = await Promise.all(FAILING.map((box, index) => write(box, `bad-${index}`)));
    await times(70, async round => {
      const { status, stderr } = await execute('bash', [bad[round % bad.length] ?? '']);
      assert.ok(status === 125 || status === 127, `${status} ${stderr}`);
    });
    await times(110, async round => {
      const child = spawn('bash', [good[round % 2] ?? '', 'sleep', '1000'], { stdio: 'ignore' });
      await killSomewhen(child, 150);
    });
    await assertAsBefore();
  });
});
