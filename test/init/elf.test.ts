import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { CODE_OFFSET, INIT_ARCHITECTURES, INIT_TEXTS, initElf, initInstructions } from '../../src/init/elf.js';
import { initListing, OBJDUMP } from '../../src/init/listing.js';
import type { Architecture } from '../../src/linux/machine-code.js';
import { execute, nsgenPath } from '../support/cli.js';
import { ownDirectory } from '../support/own-directory.js';
import { until } from '../support/until.js';

const LARGEST = 1024;
const directory = ownDirectory('init-elf');
const PREFIX: Readonly<Record<Architecture, string>> = { x64: 'x86_64-linux-gnu-', arm64: 'aarch64-linux-gnu-' };
const EMULATOR: Readonly<Record<Architecture, readonly string[]>> = {
  x64: process.arch === 'x64' ? [] : ['/usr/bin/qemu-x86_64-static'],
  arm64: process.arch === 'arm64' ? [] : ['/usr/bin/qemu-aarch64-static'],
};

writeFileSync(join(directory, 'plain'), 'echo "script $0 $*"\n');
writeFileSync(join(directory, 'locked'), '');
chmodSync(join(directory, 'plain'), 0o755);

for (const architecture of INIT_ARCHITECTURES) {
  const file = join(directory, architecture);
  const elf = initElf(architecture);
  writeFileSync(file, elf, { mode: 0o755 });
  const end = CODE_OFFSET + initInstructions(architecture).reduce((sum, [bytes]) => sum + bytes.length / 2, 0);

  const start = (words: readonly string[], env: Readonly<Record<string, string>>) => {
    const [program = '', ...args] = [...EMULATOR[architecture], file, ...words];
    const { status, stdout, stderr } = spawnSync(program, args, { cwd: directory, env, timeout: 20_000 });
    return { status, stdout: stdout.toString(), stderr: stderr.toString() };
  };
  const PATH = { PATH: '/usr/bin:/bin' };

  describe(`the init for ${architecture}`, () => {
    test('has at most 1 KB, code and text and nothing else', () => {
      assert.ok(elf.length <= LARGEST, `${elf.length} bytes`);
      assert.equal(elf.subarray(end).toString(), INIT_TEXTS.join(''));
    });

    test('is to objdump what its listing says', () => {
      const [objdump = '', ...options] = OBJDUMP[architecture].split(' ');
      const range = [`--start-address=${CODE_OFFSET}`, `--stop-address=${end}`];
      const { stdout } = spawnSync(`${PREFIX[architecture]}${objdump}`, [...options, '-w', ...range, file]);
      const lines = [...stdout.toString().matchAll(/^ *([0-9a-f]+):\t[0-9a-f ]+\t(.*?)\s*(?:(?:\/\/|# ).*)?$/gm)].map(
        ([, offset = '', assembly = '']) => `${offset.padStart(4, '0')} ${assembly.replace(/\s+/g, ' ')}`,
      );
      const listing = initListing(architecture).slice(0, -INIT_TEXTS.length);
      assert.ok(lines.length > 100);
      assert.deepEqual(
        lines,
        listing.map(line => line.replace(/^(\w+) {2}\w+ +/, '$1 ')),
      );
      assert.equal(listing.map(line => line.split(/ +/)[1]).join(''), elf.subarray(CODE_OFFSET, end).toString('hex'));
    });

    test('is a static executable with one segment that cannot be written to', () => {
      const { stdout } = spawnSync(`${PREFIX[architecture]}readelf`, ['-lW', file]);
      const segments = stdout.toString().match(/^ {2}[A-Z_]+ +0x.*$/gm) ?? [];
      assert.equal(segments.length, 1);
      assert.match(segments[0] ?? '', /LOAD +0x0+ 0x0+400000 .* R E /);
    });

    test('looks the command up as execvp does', () => {
      assert.deepEqual(start(['sh', '-c', 'exit 3'], PATH).status, 3);
      assert.equal(
        start(['plain', 'a b'], { PATH: `/nowhere:${directory}:/bin` }).stdout,
        `script ${directory}/plain a b\n`,
      );
      assert.equal(start(['plain', 'a'], { PATH: '/nowhere::/bin' }).stdout, 'script plain a\n');
      assert.equal(start(['plain'], { PATH: '' }).stdout, 'script plain \n');
      assert.equal(start(['./plain'], {}).stdout, 'script ./plain \n');
      const { stdout } = start(['env'], { A: 'b', PATHS: 'x', PATH: '/bin' });
      // qemu passes them on in an order of its own.
      assert.deepEqual(stdout.trimEnd().split('\n').sort(), ['A=b', 'PATH=/bin', 'PATHS=x']);
    });

    test('ends with 127 and 126 when it cannot be executed, and says so', () => {
      const refusals: readonly [string, Readonly<Record<string, string>>, number][] = [
        ['nope', PATH, 127],
        ['nope', { PATH: '/etc/passwd:/nowhere' }, 127],
        ['nope', { PATH: '/nowhere:/etc/passwd' }, 126],
        ['nope', {}, 127],
        ['', PATH, 127],
        ['/no/such', PATH, 127],
        ['/etc/passwd/x', PATH, 126],
        ['./locked', PATH, 126],
        ['locked', { PATH: `${directory}:/nowhere` }, 126],
        ['/bin', PATH, 126],
        ['x'.repeat(100_000), PATH, 126],
      ];
      for (const [program, env, status] of refusals) {
        const expected = { status, stdout: '', stderr: `nsgen-init: cannot execute ${program}\n` };
        assert.deepEqual(start([program, 'x'], env), expected, `${program.slice(0, 20)} ${env.PATH}`);
      }
    });

    test('writes its status to descriptor 3, which the command does not have', () => {
      const look = 'sh -c "ls /proc/self/fd >&2; echo x >&3"';
      for (const [command, status] of [
        [`${look}; exit 10`, 10],
        ['exit 0', 0],
        ['kill -s KILL $$', 137],
      ] as const) {
        const words = [...EMULATOR[architecture], file, 'sh', '-c', command];
        const life = join(directory, `life-${architecture}`);
        const { stderr } = spawnSync('sh', ['-c', 'exec 3>"$0" 5<&0; "$@"', life, ...words], { env: PATH });
        assert.equal(stderr.toString().includes('\n3\n4\n5\n'), false);
        if (command.startsWith(look)) assert.match(stderr.toString(), /^0\n1\n2\n3\n.*3: Bad file descriptor\n$/s);
        assert.deepEqual([...readFileSync(life)], [status], command);
      }
    });

    test('without a command only reaps, until TERM or INT', async () => {
      for (const [signal, status] of [
        ['SIGTERM', 143],
        ['SIGINT', 130],
      ] as const) {
        const [program = '', ...args] = [...EMULATOR[architecture], file];
        const child = spawn('sh', ['-c', 'sleep 0.01 & exec "$@"', 'sh', program, ...args], { stdio: 'ignore' });
        const closed = once(child, 'close');
        const seen = (file: string) => readFileSync(`/proc/${child.pid}/${file}`, 'latin1').trim();
        await until(() => seen('comm') === 'nsgen-init', 'it is the init');
        for (const harmless of ['SIGHUP', 'SIGUSR1', 'SIGQUIT', 'SIGCONT', 'SIGWINCH'] as const) child.kill(harmless);
        await until(() => seen(`task/${child.pid}/children`) === '', 'its child is reaped');
        child.kill(signal);
        assert.deepEqual(await closed, [status, null]);
      }
    });

    test('128 and the number, when a signal ends the command', () => {
      for (const [signal, status] of Object.entries({ TERM: 143, KILL: 137, INT: 130 }))
        assert.equal(start(['sh', '-c', `kill -s ${signal} $$`], PATH).status, status);
    });

    test('nsgen init prints it', async () => {
      const printed = spawnSync(process.execPath, [nsgenPath, 'init', '--elf', '--arch', architecture]);
      assert.ok(elf.equals(printed.stdout));
      const { stdout } = await execute(process.execPath, [nsgenPath, 'init', '--asm', '--arch', architecture]);
      assert.deepEqual(stdout.split('\n').slice(1, -1), initListing(architecture));
    });
  });
}

for (const [words, message] of [
  [[], 'which of them? --elf or --asm'],
  [['--elf', '--asm'], 'which of them? --elf or --asm'],
  [['--elf', 'x'], 'nothing is expected after the flags: "x"'],
  [['--elf', '--arch', 'mips'], '--arch: "mips" is not one of x64, arm64'],
] as const) {
  test(`nsgen init ${words.join(' ')} is refused`, async () => {
    const { status, stdout, stderr } = await execute(process.execPath, [nsgenPath, 'init', ...words]);
    assert.deepEqual({ status, stdout, stderr }, { status: 2, stdout: '', stderr: `nsgen: ${message}\n` });
  });
}
