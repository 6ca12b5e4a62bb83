import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, test } from 'node:test';
import { findBox, isPod, readStates } from '../../src/state/boxes.js';
import { ownPidNamespace } from '../../src/state/pid-namespace.js';
import { findRunningPod, membersOf } from '../../src/state/pods.js';
import { recordText } from '../../src/state/record.js';
import { nsgen } from '../support/cli.js';
import { ownDirectory } from '../support/own-directory.js';

/** What the directory of a pod says of it. */

const parent = join(ownDirectory('pods-state'), 'boxes');
process.env.NSGEN_STATE_DIRECTORY = parent;

beforeEach(() => {
  rmSync(parent, { recursive: true, force: true });
  mkdirSync(parent, { mode: 0o700 });
});

const STAT = readFileSync('/proc/self/stat', 'latin1');
const START = STAT.replace(/.*\) /s, '').split(' ')[19] ?? '';
const SHARED = { share: ['pid', 'net'], user: 'unprivileged', hostname: undefined } as const;

function make(name: string, life: string, files: Readonly<Record<string, string>> = {}, changes = {}): void {
  const directory = join(parent, name);
  mkdirSync(directory, { mode: 0o700 });
  const record = {
    name,
    created: '2026-11-22T10:00:00.000Z',
    command: ['nsgen-init', 'pause'],
    pod: undefined,
    shared: SHARED,
    backend: 'ffi',
    foreground: false,
    maker: { pid: process.pid, start: START },
    pidNamespace: ownPidNamespace(),
    box: {},
  } as const;
  writeFileSync(join(directory, 'box.json'), recordText({ ...record, ...changes }));
  for (const [file, text] of Object.entries({ life, ...files })) writeFileSync(join(directory, file), text);
}

const WHOLE = { process: `${process.pid} ${START}\n` };
const ANOTHER = STAT.replace(START, String(Number(START) - 1));

test('it runs as long as the process that its file life names, and is whole when the file process is there', () => {
  make('running', STAT, WHOLE);
  make('cut', STAT);
  make('ended', ANOTHER, WHOLE);
  make('never', '');
  make('half', ANOTHER);
  const seen = readStates().boxes.map(box => [
    box.name,
    box.status,
    box.process?.pid,
    box.exitStatus,
    box.problem?.replace(/:.*/, ''),
  ]);
  const cut = 'its start was cut short';
  assert.deepEqual(
    seen.toSorted(([one], [other]) => (String(one) < String(other) ? -1 : 1)),
    [
      ['cut', 'starting', process.pid, undefined, cut],
      ['ended', 'ended', undefined, undefined, undefined],
      ['half', 'ended', undefined, undefined, cut],
      ['never', 'ended', undefined, undefined, cut],
      ['running', 'running', process.pid, undefined, undefined],
    ],
  );
  assert.equal(findRunningPod('running').shared?.share.join(), 'pid,net');
  assert.throws(() => findRunningPod('cut'), /pod "cut" is being started: its start was cut short/);
  assert.throws(() => findRunningPod('ended'), /pod "ended" has ended/);
});

test('while somebody holds the lock, it is being started', async () => {
  make('new', '');
  const holder = spawn('flock', ['--exclusive', join(parent, 'new/life'), 'sh', '-c', 'echo held; read -r end'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await once(holder.stdout, 'data');
  const { status, problem } = findBox('new');
  holder.stdin.end();
  await once(holder, 'close');
  assert.deepEqual([status, problem], ['starting', undefined]);
});

test('prune removes what was never whole and has ended, with its boxes; nothing else', async () => {
  make('never', '');
  make('never.a', `${ANOTHER}started\n\x07`, {}, { pod: 'never', command: ['true'] });
  make('ended', ANOTHER, WHOLE);
  make('ended.a', `${ANOTHER}started\n\x07`, {}, { pod: 'ended', command: ['true'] });
  assert.deepEqual(
    membersOf(findBox('never')).map(({ name }) => name),
    ['never.a'],
  );
  const dry = await nsgen(['prune', '--dry-run']);
  assert.match(dry.stdout, /would remove .*\/never$/m);
  assert.equal((await nsgen(['prune'])).status, 0);
  assert.deepEqual(
    readStates().boxes.map(({ name, exitStatus }) => [name, exitStatus]),
    [
      ['ended', undefined],
      ['ended.a', 7],
    ],
  );
  assert.ok(isPod(findBox('ended')) && !isPod(findBox('ended.a')));
});

test('what a record says of a pod is checked', () => {
  for (const [index, shared] of [
    1,
    [],
    { share: ['net'], user: 'new' },
    { share: ['pid', 'mount'], user: 'new' },
    { share: ['pid'], user: 'root' },
    { share: ['pid'], user: 'new', hostname: 1 },
  ].entries()) {
    make(`bad-${index}`, STAT, WHOLE, { shared });
    assert.match(
      readStates().damaged.find(({ name }) => name === `bad-${index}`)?.problem ?? '',
      /box\.json: shared is/,
    );
  }
});

test('a life that is no file is not followed', () => {
  make('link', STAT, WHOLE);
  rmSync(join(parent, 'link/life'));
  mkdirSync(join(parent, 'link/life'));
  assert.match(readStates().damaged[0]?.problem ?? '', /life is not a file/);
});
