import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { execute } from '../support/cli.js';
import { ownDirectory } from '../support/own-directory.js';
import { cached } from './cache.js';
import { Console } from './console.js';
import { cpio } from './cpio.js';
import { boot } from './emulator.js';
import { modulesInOrder } from './kernel.js';
import { placement } from './placement.js';
import { fromLine, toLine } from './results.js';

/** The parts that the guests are run by, without a guest. */

const directory = ownDirectory('guest');

test('an archive is one that others can read', async () => {
  const content = Buffer.from([0, 1, 2, 255, 10]);
  writeFileSync(
    join(directory, 'archive'),
    cpio([
      { type: 'directory', path: 'bin' },
      { type: 'file', path: 'bin/odd', mode: 0o755, content },
      { type: 'file', path: 'empty', mode: 0o600, content: Buffer.of() },
    ]),
  );
  const unpacked = join(directory, 'unpacked');
  mkdirSync(unpacked);
  const read = 'import sys; data = open(sys.argv[1], "rb").read(); at = 0\n'
    .concat('while True:\n')
    .concat('  assert data[at:at + 6] == b"070701"\n')
    .concat('  field = [int(data[at + 6 + 8 * n:at + 14 + 8 * n], 16) for n in range(13)]\n')
    .concat('  name = data[at + 110:at + 109 + field[11]].decode(); at = (at + 110 + field[11] + 3) & ~3\n')
    .concat('  if name == "TRAILER!!!": break\n')
    .concat('  print(oct(field[1]), name, data[at:at + field[6]].hex()); at = (at + field[6] + 3) & ~3\n');
  const { stdout, stderr } = await execute('python3', ['-c', read, join(directory, 'archive')]);
  assert.equal(stderr, '');
  assert.equal(stdout, '0o40755 bin \n0o100755 bin/odd 000102ff0a\n0o100600 empty \n');
});

describe('the console', () => {
  const read = (chunks: readonly string[]) => {
    const lines: string[] = [];
    const screen = new Console(line => lines.push(line));
    for (const chunk of chunks) screen.add(chunk);
    return { lines, screen };
  };

  test('has the lines of the command, between its start and its status', () => {
    const { lines, screen } = read([
      'SeaBIOS\r\n\x1b[2J@nsgen-guest started\r\n',
      'o',
      'ne\r\n[   12.345678] veth0: up\r\n\x1b[1;31mtwo\x1b[0m\r\n@nsgen-guest sta',
      'tus 7\r\nlate\r\n',
    ]);
    assert.deepEqual(lines, ['one', 'two']);
    assert.equal(screen.status, 7);
  });

  test('has no status unless the guest says one, and shows its last lines', () => {
    const { lines, screen } = read(['@nsgen-guest started\nstatus 0\n', 'Kernel panic - not syncing']);
    assert.deepEqual(lines, ['status 0']);
    assert.equal(screen.status, undefined);
    assert.equal(screen.tail, '@nsgen-guest started\nstatus 0\nKernel panic - not syncing');
  });
});

test('a result comes through a console line, whatever is in it and before it', () => {
  const told = {
    kind: 'result',
    file: 'a.test.js',
    path: ['suite', 'a "name"\n@nsgen-guest status 0'],
    seconds: 1.5,
    skipped: false,
    failure: 'Error: \x1b[31mred\r\n',
  } as const;
  const line = toLine(told);
  assert.match(line, /^\n[^\n\r]+\n$/);
  assert.deepEqual(fromLine(`a prompt> ${line.trim()}`), told);
  assert.equal(fromLine(line.trim().slice(0, -2)), undefined);
  assert.equal(fromLine('something else'), undefined);
});

test('a module is loaded after those that it depends on, once', () => {
  const modules = join(directory, 'modules');
  mkdirSync(join(modules, 'net'), { recursive: true });
  const write = (path: string, depends: string) =>
    writeFileSync(join(modules, path), `\x7fELF\0license=GPL\0depends=${depends}\0name=x\0`);
  write('net/upper-one.ko', 'middle,base');
  write('middle.ko', 'base');
  write('base.ko', '');
  const names = modulesInOrder(modules, ['base', 'upper_one', 'built_in']).map(({ name }) => name);
  assert.deepEqual(names, ['base', 'middle', 'upper_one']);
});

describe('the cache', () => {
  process.env.XDG_CACHE_HOME = join(directory, 'cache');

  test('makes what is not there, once, and nothing of what failed', async () => {
    let made = 0;
    const make = async (path: string) => {
      made++;
      writeFileSync(join(path, 'part'), 'whole');
    };
    await assert.rejects(
      cached('thing', async path => {
        writeFileSync(join(path, 'part'), 'ha');
        throw new Error('no network');
      }),
      /no network/,
    );
    const [one, other] = await Promise.all([cached('thing', make), cached('other', make)]);
    assert.equal(await cached('thing', make), one);
    assert.equal(made, 2);
    assert.equal(readFileSync(join(one, 'part'), 'utf8'), 'whole');
    assert.deepEqual(readdirSync(join(other, '..')).sort(), ['other', 'thing']);
  });

  test('keeps the first of two that are made at once', async () => {
    const path = await cached('twice', async mine => {
      writeFileSync(join(mine, 'by'), 'second');
      const first = join(mine, '..', 'twice');
      mkdirSync(first);
      writeFileSync(join(first, 'by'), 'first');
    });
    assert.equal(readFileSync(join(path, 'by'), 'utf8'), 'first');
    assert.ok(!existsSync(`${path}.${process.pid}.partial`));
  });
});

test('tests of cgroup v2 run here only where there is all that they need', () => {
  const tree = join(directory, 'tree');
  mkdirSync(tree);
  assert.equal(placement(tree, 0).on, 'guest');
  writeFileSync(join(tree, 'cgroup.procs'), '');
  writeFileSync(join(tree, 'cgroup.controllers'), 'cpu memory pids\n');
  assert.deepEqual(placement(tree, 0), { on: 'guest', because: `${tree} has no controller cpuset, io` });
  writeFileSync(join(tree, 'cgroup.controllers'), 'cpuset cpu io memory hugetlb pids rdma misc\n');
  assert.deepEqual(placement(tree, 0), { on: 'host' });
  assert.equal(placement(tree, 1000).on, 'guest');
});

test('a guest that says no status is an error with what it said last', async () => {
  const emulator = join(directory, 'emulator');
  writeFileSync(emulator, '#!/bin/sh\necho "@nsgen-guest started"; echo "out of memory"; exec sleep 100\n', {
    mode: 0o755,
  });
  const machine = { emulator, arguments: [], kernel: 'none', kernelCommandLine: '' };
  await assert.rejects(
    boot(machine, Buffer.of(), 1000, () => {}),
    ({ message }: Error) =>
      /after 1 s of at most 1 s its command did not end/.test(message) && /out of memory/.test(message),
  );
});
