import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { dataAddress, makeElf } from '../src/linux/elf.js';
import { add, chain, layOut, link, type Node, sizeOf } from '../src/linux/layout.js';
import { type Architecture, assemble, machineCode } from '../src/linux/machine-code.js';
import { Memory } from '../src/linux/memory.js';
import { makeNewcomerProgram, NOBODY_LISTENS, REPORT_DESCRIPTOR } from '../src/linux/newcomer-program.js';
import { callOfRun, StackWords } from '../src/linux/stack-words.js';
import { integer, type SystemCall, string } from '../src/linux/system-call.js';
import { ownDirectory } from './support/own-directory.js';

/** The program that a script has nsenter(1) execute: what is said on its descriptor, and how it ends. */

const directory = ownDirectory('newcomer-program');

const EMULATORS: Readonly<Record<Architecture, readonly string[]>> = {
  x64: process.arch === 'x64' ? [] : ['qemu-x86_64-static'],
  arm64: process.arch === 'arm64' ? [] : ['qemu-aarch64-static'],
};
const ARCHITECTURES = ['x64', 'arm64'] as const;
const NATIVE: Architecture = process.arch === 'arm64' ? 'arm64' : 'x64';

async function run(architecture: Architecture, elf: Buffer, words: readonly string[], listens = true) {
  const file = join(directory, `program-${architecture}`);
  writeFileSync(file, elf, { mode: 0o755 });
  const [program = file, ...rest] = [...EMULATORS[architecture], file, ...words];
  const child = spawn(program, rest, {
    stdio: ['ignore', 'pipe', 'inherit', ...(listens ? ['pipe' as const] : [])],
    env: { NAME: 'value' },
  });
  const texts = ['', '', '', ''];
  for (const index of [1, REPORT_DESCRIPTOR])
    child.stdio[index]?.on('data', chunk => {
      texts[index] += chunk;
    });
  const [status] = await once(child, 'close');
  return { status, output: texts[1], report: texts[REPORT_DESCRIPTOR] };
}

/** Nothing but an execve(2) of the second path, or the shell. */
function executing(architecture: Architecture, shell: boolean): Buffer {
  const words = new StackWords(2);
  const nodes: Node[] = [];
  const end = add(nodes, { name: 'exit_group', arguments: [integer(99)] });
  link(end, end, end);
  const file = shell ? string('/bin/sh') : words.path(1);
  const call: SystemCall = {
    name: 'execve',
    arguments: [file, shell ? words.shell : words.command, words.environment],
  };
  const first = chain(nodes, [call], end, end);
  const start = (room: number, header: number, address: number) =>
    assemble([...words.instructions(architecture, room), ...callOfRun(architecture, header, address)]);
  const codeLength = start(0, 0, 0).length + machineCode(architecture).length;
  const data = Buffer.alloc(sizeOf(nodes) + 64);
  const memory = new Memory({ buffer: data, address: dataAddress(codeLength) });
  const { header, outputs } = layOut(memory, nodes, architecture);
  const code = [start(outputs.get(words.room) ?? 0, header, first.address), machineCode(architecture)];
  return makeElf(architecture, Buffer.concat(code), data);
}

for (const architecture of ARCHITECTURES)
  test(`the words of a program reach its table, ${architecture}`, async () => {
    const script = ['-c', 'echo "$0 $1 $NAME"; exit 7', 'zero', 'naïve €'];
    const found = await run(architecture, executing(architecture, false), [
      '/none',
      '/bin/sh',
      '/bin/sh',
      'sh',
      ...script,
    ]);
    assert.deepEqual([found.status, found.output], [7, 'zero naïve € value\n']);
    const shell = await run(architecture, executing(architecture, true), ['/none', '/none', '/bin/sh', ...script]);
    assert.deepEqual([shell.status, shell.output], [7, 'zero naïve € value\n']);
  });

const elf = (before: readonly SystemCall[] = [], inside: readonly SystemCall[] = []) =>
  makeNewcomerProgram(NATIVE, { before, inside, paths: 2 }).elf;
const words = (script: string) => ['/none/sh', '/bin/sh', '/bin/sh', 'sh', '-c', script];

test('says how the command ended, apart from its status', async () => {
  const exited = await run(NATIVE, elf(), words('echo "$NAME"; [ -e /proc/$$/fd/3 ] || echo closed; exit 5'));
  assert.deepEqual(exited, { status: 5, output: 'value\nclosed\n', report: '\x01\n' });
  assert.deepEqual(await run(NATIVE, elf(), words('kill -TERM $$')), { status: 15, output: '', report: '\x02\n' });
  // It is not the command's to write there.
  assert.equal((await run(NATIVE, elf(), words('echo failed >&3'))).report, '\x01\n');
});

test('says which call has failed, whose errno is its status', async () => {
  const chdir: SystemCall = { name: 'chdir', arguments: [string('/none')] };
  const failed = { status: 256 - 2, output: '' };
  assert.deepEqual(await run(NATIVE, elf([chdir]), words('echo no')), { ...failed, report: 'failed chdir("/none")\n' });
  assert.deepEqual(await run(NATIVE, elf([], [chdir]), words('echo no')), {
    ...failed,
    report: 'failed chdir("/none")\n\x01\n',
  });
  const missing = await run(NATIVE, elf(), ['/none/a', '/none/b', '/bin/sh', 'a']);
  assert.deepEqual(missing, { ...failed, report: 'failed execute\n\x01\n' });
});

test('a text without an interpreter is for the shell, by its path', async () => {
  const file = join(directory, 'text');
  writeFileSync(file, 'echo "$0 $*"; exit 3\n');
  chmodSync(file, 0o755);
  const { status, output, report } = await run(NATIVE, elf(), ['/none/text', file, '/bin/sh', 'text', 'a', 'b']);
  assert.deepEqual([status, output, report], [3, `${file} a b\n`, '\x01\n']);
});

for (const architecture of ARCHITECTURES)
  test(`called with fewer words than it looks for, it copies no more of them, ${architecture}`, async () => {
    // More than the stack has above them.
    const long = makeNewcomerProgram(architecture, { before: [], inside: [], paths: 20_000 }).elf;
    const { status, output } = await run(architecture, long, [], false);
    assert.deepEqual([status, output], [NOBODY_LISTENS, '']);
  });

test('what many calls share has room once', () => {
  const [few, many] = [100, 1000].map(
    paths => makeNewcomerProgram(NATIVE, { before: [], inside: [], paths }).elf.length,
  );
  assert.ok(few !== undefined && many !== undefined && many < 11 * few, `${few} ${many}`);
});

test('without anybody to report to, as when the command is /proc/self/exe, it does nothing', async () => {
  const { status, output } = await run(NATIVE, elf(), words('echo done'), false);
  assert.deepEqual([status, output], [NOBODY_LISTENS, '']);
});
