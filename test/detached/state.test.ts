import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, closeSync, mkdirSync, openSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, test } from 'node:test';
import { findBox, listBoxes, readStates, stateDirectory } from '../../src/state/boxes.js';
import { parseLife, readLife } from '../../src/state/life.js';
import { ownPidNamespace } from '../../src/state/pid-namespace.js';
import { recordText } from '../../src/state/record.js';
import { ownDirectory } from '../support/own-directory.js';

/** What the directories of boxes say, and what becomes of those that say nothing, or too much. */

const parent = join(ownDirectory('state'), 'boxes');
process.env.NSGEN_STATE_DIRECTORY = parent;

beforeEach(() => {
  rmSync(parent, { recursive: true, force: true });
  mkdirSync(parent, { mode: 0o700 });
});

const STAT = readFileSync('/proc/self/stat', 'latin1');
const OWN = { pid: process.pid, start: STAT.replace(/.*\) /s, '').split(' ')[19] ?? '' };

function make(name: string, life: string | Buffer, changes: Readonly<Record<string, unknown>> = {}): string {
  const directory = join(parent, name);
  mkdirSync(directory, { mode: 0o700 });
  const record = {
    name,
    created: '2026-11-22T10:00:00.000Z',
    command: ['sleep', '9'],
    pod: undefined,
    backend: 'ffi',
    foreground: false,
    maker: OWN,
    pidNamespace: ownPidNamespace(),
    box: { command: ['true'], hostname: 'h' },
  } as const;
  writeFileSync(join(directory, 'box.json'), recordText({ ...record, ...changes }));
  writeFileSync(join(directory, 'life'), life);
  return directory;
}

/** Somebody who holds the lock of a file until it is told to end. */
async function hold(file: string) {
  const holder = spawn('flock', ['--exclusive', file, 'sh', '-c', 'echo held; read -r end'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await once(holder.stdout, 'data');
  return async () => {
    holder.stdin.end();
    await once(holder, 'close');
  };
}

describe('life', () => {
  const line = '4711 (a (b) c) R 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 123456 20\n';

  test('is read as far as it has been written', () => {
    const at = (text: string) => {
      const { claimed, started, exitStatus, problem } = parseLife(Buffer.from(text, 'latin1'));
      return [claimed?.pid, claimed?.start, started, exitStatus, problem !== undefined];
    };
    for (const end of [0, 1, 20, line.length - 1]) assert.deepEqual(at(line.slice(0, end))[2], false);
    assert.deepEqual(at(line), [4711, '123456', false, undefined, false]);
    assert.deepEqual(at(`${line}sta`), [4711, '123456', false, undefined, false]);
    assert.deepEqual(at(`${line}started\n`), [4711, '123456', true, undefined, false]);
    for (const status of [0, 1, 10, 137, 255])
      assert.deepEqual(at(`${line}started\n${String.fromCharCode(status)}`), [4711, '123456', true, status, false]);
  });

  test('is not believed when somebody else has written there', () => {
    for (const text of [
      '\n',
      `x${line}`,
      `0 (a) R\nstarted\n`,
      `${line}started\nxy`,
      `${line}begun\n\0`,
      'x'.repeat(5000),
      `${line}started\n${'x'.repeat(5000)}`,
      '-1 (a) R 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 1 20\nstarted\n',
    ]) {
      const { problem, exitStatus } = parseLife(Buffer.from(text));
      assert.match(problem ?? '', /has written to life/, text.slice(0, 20));
      assert.equal(exitStatus, undefined);
    }
  });

  test('a process that does not have it open is not the box', async () => {
    const directory = make('a', `${STAT}started\n`);
    const end = await hold(join(directory, 'life'));
    assert.deepEqual([readLife(directory).held, readLife(directory).process], [true, undefined]);
    await end();
    assert.equal(readLife(directory).held, false);
  });
});

describe('boxes', () => {
  test('none, without the directory', () => {
    rmSync(parent, { recursive: true });
    assert.deepEqual(listBoxes(), []);
    assert.throws(() => findBox('a'), /there is no box "a" \(nsgen ps -a lists/);
  });

  test('say how they ended', () => {
    make('a', `${STAT}started\n\x07`);
    make('killed', `${STAT}started\n`, { created: '2026-11-22T09:00:00.000Z' });
    make('never', '', { created: '2026-11-22T11:00:00.000Z' });
    make('half', STAT.slice(0, 9), { created: '2026-11-22T12:00:00.000Z' });
    assert.deepEqual(
      listBoxes().map(({ name, status, exitStatus, process, problem }) => [name, status, exitStatus, process, problem]),
      [
        ['killed', 'ended', 137, undefined, undefined],
        ['a', 'ended', 7, undefined, undefined],
        ['never', 'ended', 125, undefined, 'it was not started: who would have was killed'],
        ['half', 'ended', 125, undefined, 'it was not started: who would have was killed'],
      ],
    );
  });

  test('a name is found, with what the box was described by', () => {
    make('web', `${STAT}started\n\0`, { pod: 'p' });
    const found = findBox('web');
    assert.deepEqual([found.command, found.box.command, found.box.hostname], [['sleep', '9'], ['sleep', '9'], 'h']);
    assert.deepEqual([found.pod, found.backend, found.maker], ['p', 'ffi', OWN]);
    assert.throws(() => findBox('../web'), /is no name of a box/);
  });

  test('while somebody holds the lock they start, or run', async () => {
    const starting = await hold(join(make('starting', ''), 'life'));
    const running = await hold(join(make('running', `${STAT}started\n`), 'life'));
    assert.deepEqual(
      listBoxes().map(({ name, status, exitStatus }) => [name, status, exitStatus]),
      [
        ['running', 'running', undefined],
        ['starting', 'starting', undefined],
      ],
    );
    await starting();
    await running();
  });

  test('what is damaged or hostile is named, and not followed', () => {
    const elsewhere = make('elsewhere', `${STAT}started\n\0`);
    symlinkSync(elsewhere, join(parent, 'link'));
    writeFileSync(join(parent, 'file'), '');
    mkdirSync(join(parent, 'empty'), { mode: 0o700 });
    mkdirSync(join(parent, 'bad name'), { mode: 0o700 });
    chmodSync(make('open', ''), 0o777);
    for (const [name, text] of Object.entries({ half: '{"name": "ha', list: '[]', number: '1', nothing: '' }))
      writeFileSync(join(make(name, ''), 'box.json'), text);
    make('other', '', { name: 'elsewhere' });
    make('fields', '', { command: 'x' });
    make('namespace', '', { pidNamespace: '1-2-3' });
    for (const file of ['box.json', 'life']) {
      const directory = make(`symlink-${file}`, '');
      rmSync(join(directory, file));
      symlinkSync(join(elsewhere, file), join(directory, file));
      const device = make(`directory-${file}`, '');
      rmSync(join(device, file));
      mkdirSync(join(device, file));
    }
    mkdirSync(join(parent, '.being-made'));
    const { boxes, damaged } = readStates();
    assert.deepEqual(
      boxes.map(({ name }) => name),
      ['elsewhere'],
    );
    assert.deepEqual(
      damaged.map(({ name, problem }) => `${name}: ${problem.split(',')[0]}`),
      [
        'bad name: its name must be 1 to 64 letters',
        'directory-box.json: box.json is not a file',
        'directory-life: life is not a file',
        'empty: ENOENT: no such file or directory',
        'fields: box.json: command is missing or malformed',
        'file: is not a directory',
        'half: box.json is not JSON',
        'link: is not a directory',
        'list: box.json is no mapping',
        'namespace: box.json: pidNamespace is missing or malformed',
        'nothing: box.json is not JSON',
        'number: box.json is no mapping',
        'open: can be written to by others than its owner',
        'other: it says that it is "elsewhere"',
        'symlink-box.json: ELOOP: too many symbolic links encountered',
        'symlink-life: ELOOP: too many symbolic links encountered',
      ],
    );
    assert.throws(() => findBox('half'), /box "half": box.json is not JSON/);
  });

  test('a directory of boxes that others can write to is refused', () => {
    chmodSync(parent, 0o777);
    assert.throws(() => listBoxes(), /can be written to by others/);
    rmSync(parent, { recursive: true });
    symlinkSync('/tmp', parent);
    assert.throws(() => listBoxes(), /is not a directory/);
    rmSync(parent);
    closeSync(openSync(parent, 'w'));
    assert.throws(() => stateDirectory(), /is not a directory/);
    rmSync(parent);
    process.env.NSGEN_STATE_DIRECTORY = 'relative';
    assert.throws(() => stateDirectory(), /must be an absolute path/);
    process.env.NSGEN_STATE_DIRECTORY = parent;
  });
});
