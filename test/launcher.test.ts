import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { reportOf } from '../src/backends/ffi/launcher.js';
import { errnoNumber } from '../src/linux/errno.js';
import { type Launcher, makeLauncher, REPORT_DESCRIPTOR } from '../src/linux/launcher.js';
import type { Architecture } from '../src/linux/machine-code.js';
import { runCalls } from '../src/linux/program.js';
import { integer, output, type SystemCall, string } from '../src/linux/system-call.js';
import { launcherOf } from '../src/plan/operations/execute.js';
import { LAUNCHER_PIPE } from '../src/plan/operations/open-launcher.js';
import { execute, nsgenPath } from './support/cli.js';
import { ownDirectory } from './support/own-directory.js';
import { makeRootfs, removeRootfs } from './support/rootfs.js';

const directory = ownDirectory('launcher');

const EMULATORS: Readonly<Record<Architecture, readonly string[]>> = {
  x64: process.arch === 'x64' ? [] : ['qemu-x86_64-static'],
  arm64: process.arch === 'arm64' ? [] : ['qemu-aarch64-static'],
};

const execve = (file: string, argv: readonly string[], env: readonly string[] = []): SystemCall => ({
  name: 'execve',
  arguments: [string(file), { kind: 'strings', values: argv }, { kind: 'strings', values: env }],
});

interface End {
  readonly status: number;
  readonly output: string;
  readonly report: Buffer;
}

async function launch(architecture: Architecture, { elf }: Launcher, report: 'pipe' | 'ignore' = 'pipe'): Promise<End> {
  const file = join(directory, `launcher-${architecture}`);
  writeFileSync(file, elf, { mode: 0o755 });
  const [program = file, ...words] = [...EMULATORS[architecture], file];
  const child = spawn(program, words, {
    stdio: ['ignore', 'pipe', 'inherit', ...(report === 'pipe' ? ['pipe' as const] : [])],
  });
  const chunks = { output: [] as Buffer[], report: [] as Buffer[] };
  child.stdout?.on('data', chunk => chunks.output.push(chunk));
  child.stdio[REPORT_DESCRIPTOR]?.on('data', chunk => chunks.report.push(chunk));
  const [status] = await once(child, 'close');
  return { status, output: Buffer.concat(chunks.output).toString(), report: Buffer.concat(chunks.report) };
}

for (const architecture of ['x64', 'arm64'] as const) {
  describe(`a launcher for ${architecture}`, () => {
    test('becomes the first program that can be executed, with its words and variables, and reports nothing', async () => {
      const launcher = makeLauncher(architecture, [
        { ...execve('/nothing/sh', ['sh']), tolerate: ['ENOENT'] },
        execve(
          '/bin/sh',
          ['own name', '-c', 'echo "$0 $1 $NAME"; ls -l /proc/$$/fd; exit 7', 'zero', 'naïve €'],
          ['NAME=value'],
        ),
      ]);
      const { status, output, report } = await launch(architecture, launcher);
      assert.match(output, /^zero naïve € value\n/);
      assert.doesNotMatch(output, / 3 -> /);
      assert.deepEqual([status, report.length], [7, 0]);
    });

    test('says of each call what came of it, and which was the last', async () => {
      const calls = [
        { ...execve('/nothing', ['nothing']), tolerate: ['ENOENT'] as const },
        { ...execve('/etc/passwd', ['passwd']), tolerate: ['EACCES'] as const },
        execve('/etc/passwd/nothing', ['nothing']),
      ];
      const launcher = makeLauncher(architecture, calls);
      const { status, report } = await launch(architecture, launcher);
      assert.equal(status, 125);
      const outcome = launcher.outcomeOf(report);
      assert.equal(outcome?.failure?.call, calls[2]);
      assert.deepEqual(
        calls.map(call => outcome?.result(call)),
        [-errnoNumber('ENOENT'), -errnoNumber('EACCES'), -errnoNumber('ENOTDIR')],
      );
    });

    test('a call is made in place of one that failed', async () => {
      const shell = execve('/nothing/sh', ['sh']);
      const file = { ...execve('/nothing', ['nothing']), onFailure: [shell] };
      const launcher = makeLauncher(architecture, [file]);
      const { report } = await launch(architecture, launcher);
      assert.equal(launcher.outcomeOf(report)?.failure?.call, shell);
    });

    test('does nothing where nobody listens: it has been executed by way of /proc/self/exe', async () => {
      const launcher = makeLauncher(architecture, [execve('/bin/echo', ['echo', 'again'])]);
      const { status, output } = await launch(architecture, launcher, 'ignore');
      assert.deepEqual([status, output], [126, '']);
    });

    test('of a thousand directories in PATH, each is looked into', async () => {
      const calls = Array.from(
        { length: 1000 },
        (_, index): SystemCall => ({
          ...execve(`/nothing/${index}`, ['nothing'], ['X='.padEnd(1000, 'x')]),
          ...(index < 999 ? { tolerate: ['ENOENT'] } : {}),
        }),
      );
      const launcher = makeLauncher(architecture, calls);
      const { report } = await launch(architecture, launcher);
      const outcome = launcher.outcomeOf(report);
      assert.equal(outcome?.failure?.call, calls[999]);
      assert.ok(calls.every(call => outcome?.result(call) === -errnoNumber('ENOENT')));
    });
  });
}

test('a report that makes no sense is none', () => {
  const launcher = makeLauncher('x64', [execve('/nothing', ['nothing'])]);
  for (const report of [Buffer.alloc(0), Buffer.alloc(3), Buffer.alloc(launcher.reportLength, 0xff)])
    assert.equal(launcher.outcomeOf(report), undefined, report.toString('hex'));
});

test('two boxes that have one array for their command do not have one launcher', () => {
  const command = ['env'];
  const [one, other] = [{ A: '1' }, { A: '2' }].map(env => launcherOf({ command, env, init: undefined }));
  assert.ok(one?.elf.includes('A=1\0') && !one.elf.includes('A=2\0'));
  assert.ok(other?.elf.includes('A=2\0') && !other.elf.includes('A=1\0'));
});

test('is as large as what it is to say, not as what was reserved for it', () => {
  const PATH = Array.from({ length: 50 }, (_, index) => `/directory/${index}`).join(':');
  const { elf } = launcherOf({ command: ['cat', 'x'.repeat(100_000)], env: { PATH }, init: undefined });
  assert.ok(elf.length > 100_000 && elf.length < 6_000_000, String(elf.length));
});

test('nobody waits for a pipe that somebody else keeps open, once the launcher has executed the command', () => {
  const pipe: SystemCall = { name: 'pipe2', arguments: [output(LAUNCHER_PIPE), integer(0)] };
  const made = runCalls([pipe]);
  const end = made.bytes(LAUNCHER_PIPE).readInt32LE(4);
  const kept = openSync(`/proc/self/fd/${end}`, 'w');
  // This process is no launcher.
  assert.equal(reportOf(makeLauncher('x64', [execve('/nothing', ['nothing'])]), [pipe], made, process.pid), undefined);
  closeSync(kept);
});

test('what it was not given room for is an error, and nothing is executed', async () => {
  const rootfs = makeRootfs(['true']);
  for (const [blocks, ...flags] of [
    ['4', '--rootfs', rootfs],
    ['0', '--init'],
  ]) {
    const words = [
      `ulimit -f ${blocks}; exec "$@"`,
      'bash',
      process.execPath,
      nsgenPath,
      'run',
      ...flags,
      '--',
      'true',
    ];
    const { status, stderr } = await execute('bash', ['-c', ...words]);
    assert.equal(status, 125);
    assert.match(stderr, /ftruncate: EFBIG .*ulimit -f/);
  }
  removeRootfs(rootfs);
});
