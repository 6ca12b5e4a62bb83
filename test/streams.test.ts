import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { BACKEND_NAMES } from '../src/index.js';
import { execute, nsgen, nsgenPath } from './support/cli.js';
import { ownDirectory } from './support/own-directory.js';
import { Session } from './support/session.js';

const directory = ownDirectory('streams');
const MEGABYTE = 1 << 20;

for (const backend of BACKEND_NAMES) {
  const run = [process.execPath, nsgenPath, 'run', '--backend', backend] as const;
  /** For use in a shell's command line. */
  const inShell = run.join(' ');
  const shell = (script: string) => execute('bash', ['-c', script], { cwd: directory });

  describe(`standard streams, ${backend}`, () => {
    for (const [name, command] of [
      ['stdout', ['cat']],
      ['stderr', ['bash', '-c', 'cat >&2']],
    ] as const) {
      test(`10 MB of any bytes in, and out by ${name}`, async () => {
        const bytes = randomBytes(10 * MEGABYTE);
        const child = spawn(run[0], [...run.slice(1), '--', ...command], { stdio: ['pipe', 'pipe', 'pipe'] });
        const received: Buffer[] = [];
        const other: Buffer[] = [];
        child.stdout.on('data', chunk => (name === 'stdout' ? received : other).push(chunk));
        child.stderr.on('data', chunk => (name === 'stderr' ? received : other).push(chunk));
        child.stdin.end(bytes);
        const status = await new Promise(resolve => child.on('close', resolve));
        assert.equal(status, 0);
        assert.ok(Buffer.concat(received).equals(bytes), `${Buffer.concat(received).length} bytes`);
        assert.equal(Buffer.concat(other).toString(), '');
      });
    }

    test('an empty stdin is an end of file', async () => {
      assert.equal((await nsgen(['run', '--backend', backend, '--', 'wc', '-c'])).stdout, '0\n');
    });

    test('a file is passed on with its position, and what is left of it comes back', async () => {
      writeFileSync(join(directory, 'lines'), 'one\ntwo\nthree\nfour\n');
      const { stdout } = await shell(
        `{ read -r a; ${inShell} -- bash -c 'read -r b; echo "in $b"'; read -r c; echo "out $a $c"; } <lines`,
      );
      assert.equal(stdout, 'in two\nout one three\n');
    });

    test('output is appended to a file', async () => {
      const { status } = await shell(`echo before >log; ${inShell} -- bash -c 'echo out; echo err >&2' >>log 2>>log`);
      assert.equal(status, 0);
      assert.equal(readFileSync(join(directory, 'log'), 'utf8'), 'before\nout\nerr\n');
    });

    test('a closed one is /dev/null inside', async () => {
      for (const [descriptor, closed] of [
        [0, '<&-'],
        [1, '>&-'],
        [2, '2>&-'],
      ] as const) {
        const report = join(directory, 'closed');
        await shell(`${inShell} -- bash -c 'readlink /proc/self/fd/${descriptor} >${report}' ${closed}`);
        assert.equal(readFileSync(report, 'utf8'), descriptor === 1 ? `${report}\n` : '/dev/null\n');
      }
      const { status } = await shell(`${inShell} -- bash -c 'echo lost && echo lost >&2' >&- 2>&-`);
      assert.equal(status, 0);
    });

    test('/dev/null in and out', async () => {
      const { status, stdout } = await shell(`${inShell} -- cat </dev/null >/dev/null; echo $?`);
      assert.deepEqual([status, stdout], [0, '0\n']);
    });

    test('a reader that is slow gets everything', async () => {
      const { stdout } = await shell(`${inShell} -- head -c ${4 * MEGABYTE} /dev/zero | { sleep 0.5; wc -c; }`);
      assert.equal(stdout, `${4 * MEGABYTE}\n`);
    });

    test('a reader that goes away: SIGPIPE, or as pid 1 EPIPE', async () => {
      const shared = await shell(`${inShell} --share pid -- yes | head -n 1; echo "\${PIPESTATUS[0]}"`);
      assert.deepEqual([shared.stdout, shared.stderr], ['y\n141\n', '']);
      const own = await shell(`${inShell} -- yes | head -n 1; echo "\${PIPESTATUS[0]}"`);
      assert.equal(own.stdout, 'y\n1\n');
      assert.match(own.stderr, /^yes: standard output: Broken pipe\n$/);
    });

    test('nothing becomes non-blocking, neither inside nor for the caller', async () => {
      const flags = (where: string) => `grep -h flags /proc/${where}/fdinfo/0 /proc/${where}/fdinfo/1`;
      for (const command of ['true', '/nonexistent']) {
        const { stdout } = await shell(
          `true | { ${inShell} -- ${command} 2>/dev/null; ${flags('self')}; } | cat; ` +
            `true | ${inShell} -- ${flags('self')} | cat`,
        );
        const values = stdout.match(/[0-7]+$/gm) ?? [];
        assert.equal(values.length, 4);
        for (const value of values) assert.equal(Number.parseInt(value, 8) & 0o4000, 0, stdout);
      }
    });

    test('a terminal is a terminal inside', async () => {
      const inside = 'test -t 0 && test -t 1 && test -t 2 && tty && stty size';
      const session = new Session('script', [
        '-qefc',
        `stty rows 33 cols 99; ${inShell} -- bash -c '${inside}'`,
        '/dev/null',
      ]);
      assert.equal((await session.ended).status, 0, session.output);
      assert.match(session.output, /^\/dev\/pts\/\d+\r\n33 99\r\n$/);
    });
  });
}
