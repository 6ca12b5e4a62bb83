import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { BACKEND_NAMES, BoxError, type BoxInput, CommandError, run, StartError, script, start } from '../src/index.js';
import { packageRoot } from '../src/package-root.js';
import { execute } from './support/cli.js';
import { descendants } from './support/leftovers.js';
import { ownDirectory } from './support/own-directory.js';
import { delay } from './support/session.js';

ownDirectory('library');
const library = join(packageRoot, 'dist', 'index.js');

const openDescriptors = (): number => readdirSync('/proc/self/fd').length;

/** Streams close a moment after their end. */
async function descriptorsBack(to: number): Promise<void> {
  for (let tries = 0; tries < 2000 && openDescriptors() > to; tries++) await delay(10);
  assert.equal(openDescriptors(), to);
}

afterEach(() => {
  assert.deepEqual(descendants(), []);
});

/** No signal, and nothing that only a box with cgroups has. */
const QUIET = { signal: undefined, outOfMemory: false, stats: undefined };

for (const backend of BACKEND_NAMES) {
  describe(`run, ${backend}`, () => {
    test('what the command wrote, and how it ended', async () => {
      const command = ['bash', '-c', 'echo out; echo err >&2; exit 3'];
      assert.deepEqual(await run({ command }, { backend, reject: false }), {
        exitStatus: 3,
        ...QUIET,
        stdout: 'out\n',
        stderr: 'err\n',
      });
    });

    test('input, as text and as bytes, also when nobody reads it', async () => {
      const input = 'ä\0€'.repeat(100_000);
      assert.equal((await run({ command: ['cat'] }, { backend, input })).stdout, input);
      assert.equal((await run({ command: ['cat'] }, { backend, input: Buffer.from(input) })).stdout, input);
      assert.equal((await run({ command: ['true'] }, { backend, input })).stdout, '');
      assert.equal((await run({ command: ['wc', '-c'] }, { backend })).stdout, '0\n');
      assert.equal((await run({ command: ['wc', '-c'] }, { backend, input: '' })).stdout, '0\n');
    });

    test('a status other than 0 rejects with CommandError, which has the result', async () => {
      await assert.rejects(run({ command: ['bash', '-c', 'echo why >&2; exit 4'] }, { backend }), error => {
        assert.ok(error instanceof CommandError);
        assert.equal(error.message, 'bash -c echo why >&2; exit 4: exit status 4\nwhy');
        assert.deepEqual(error.result, { exitStatus: 4, ...QUIET, stdout: '', stderr: 'why\n' });
        return true;
      });
    });

    test('a stream that is ignored has no text', async () => {
      const command = ['bash', '-c', 'echo out; echo err >&2'];
      const result = await run({ command }, { backend, stdout: 'ignore', stderr: 'ignore' });
      assert.deepEqual([result.stdout, result.stderr], ['', '']);
    });

    test('a bad box rejects with BoxError, before anything is started', async () => {
      const bad: BoxInput = { command: ['true'], cwd: 'relative', hostname: '' };
      await assert.rejects(run(bad, { backend }), error => {
        assert.ok(error instanceof BoxError);
        assert.deepEqual(
          error.problems.map(({ field }) => field),
          ['cwd', 'hostname'],
        );
        return true;
      });
      await assert.rejects(start(bad, { backend }), BoxError);
    });

    test('boxes side by side, each with its own', async () => {
      const count = backend === 'ffi' ? 200 : 30;
      const before = openDescriptors();
      const results = await Promise.all(
        Array.from({ length: count }, (_, index) =>
          run(
            { command: ['bash', '-c', 'read -r line; echo "$line $HOSTNAME"'], hostname: `box-${index}` },
            { backend, input: `${index}\n` },
          ),
        ),
      );
      assert.deepEqual(
        results.map(({ stdout }) => stdout),
        Array.from({ length: count }, (_, index) => `${index} box-${index}\n`),
      );
      await descriptorsBack(before);
    });
  });

  describe(`start, ${backend}`, () => {
    test('pipes for all three', async () => {
      const box = await start(
        { command: ['bash', '-c', 'read -r line; echo "out $line"; echo "err $line" >&2'] },
        { backend, stdin: 'pipe', stdout: 'pipe', stderr: 'pipe' },
      );
      assert.ok(box.stdin && box.stdout && box.stderr);
      box.stdin.end('word\n');
      assert.deepEqual(await Promise.all([text(box.stdout), text(box.stderr)]), ['out word\n', 'err word\n']);
      assert.deepEqual(await box.ended, { exitStatus: 0, ...QUIET });
    });

    test('no streams but those asked for', async () => {
      const box = await start({ command: ['true'] }, { backend, stdin: 'ignore', stdout: 'pipe', stderr: 'inherit' });
      assert.deepEqual([box.stdin, box.stderr], [undefined, undefined]);
      box.stdout?.resume();
      await box.ended;
    });

    test('kill sends a signal, until the box has ended', async () => {
      const command = [
        'bash',
        '-c',
        'trap "echo TERM; exit 6" TERM; echo ready; while :; do sleep 0.05 & wait $!; done',
      ];
      const box = await start({ command }, { backend, stdin: 'ignore', stdout: 'pipe' });
      assert.ok(box.stdout);
      const output = text(box.stdout);
      await new Promise(resolve => box.stdout?.once('data', resolve));
      assert.equal(box.kill('SIGTERM'), true);
      assert.deepEqual(await box.ended, { exitStatus: 6, ...QUIET });
      assert.equal(await output, 'ready\nTERM\n');
      for (const signal of ['SIGTERM', 'SIGKILL'] as const) assert.equal(box.kill(signal), false);
    });

    test('SIGKILL ends it', async () => {
      const box = await start({ command: ['sleep', '1000'] }, { backend, stdin: 'ignore' });
      assert.equal(box.kill('SIGKILL'), true);
      const { exitStatus } = await box.ended;
      assert.equal(exitStatus, 137);
      assert.equal(box.kill('SIGKILL'), false);
    });

    test('child processes of the same program are none of its business', async () => {
      const children = Array.from({ length: 20 }, (_, index) => {
        const child = spawn('sh', ['-c', `exit ${index}`], { stdio: 'ignore' });
        return new Promise(resolve => child.on('close', resolve));
      });
      const boxes = Array.from({ length: 20 }, (_, index) =>
        run({ command: ['bash', '-c', `exit ${index}`] }, { backend, reject: false }),
      );
      const more = promisify(execFile)('sh', ['-c', 'echo more']);
      assert.deepEqual(
        await Promise.all(children),
        Array.from({ length: 20 }, (_, index) => index),
      );
      assert.deepEqual(
        (await Promise.all(boxes)).map(({ exitStatus }) => exitStatus),
        Array.from({ length: 20 }, (_, index) => index),
      );
      assert.equal((await more).stdout, 'more\n');
    });

    test('the event loop stays alive as long as a box runs, and no longer', async () => {
      const program = (command: string) =>
        `import { start } from ${JSON.stringify(library)};
         const box = await start({ command: ['bash', '-c', ${JSON.stringify(command)}] }, { backend: '${backend}', stdin: 'ignore' });
         box.ended.then(({ exitStatus }) => console.log('ended', exitStatus));`;
      for (const [command, output] of [
        ['true', 'ended 0\n'],
        ['sleep 0.3; echo late; exit 2', 'late\nended 2\n'],
      ] as const) {
        const { status, stdout } = await execute(process.execPath, ['--input-type=module', '-e', program(command)]);
        assert.deepEqual([status, stdout], [0, output]);
      }
    });
  });
}

describe('many boxes', () => {
  const box: BoxInput = { command: ['/bin/true'] };

  test('a thousand, in waves of fifty', { timeout: 120_000 }, async () => {
    await run(box);
    const before = openDescriptors();
    for (let wave = 0; wave < 20; wave++) {
      const results = await Promise.all(Array.from({ length: 50 }, () => run(box)));
      assert.ok(results.every(({ exitStatus }) => exitStatus === 0));
      assert.deepEqual(descendants(), []);
    }
    await descriptorsBack(before);
  });

  test('five hundred at once, ended in any order', { timeout: 120_000 }, async () => {
    const before = openDescriptors();
    const running = [];
    for (let index = 0; index < 500; index++) {
      running.push(
        await start({ command: ['/bin/sleep', '1000'] }, { stdin: 'ignore', stdout: 'ignore', stderr: 'ignore' }),
      );
    }
    assert.equal(new Set(running.map(({ pid }) => pid)).size, 500);
    assert.equal(descendants().length, 500);
    for (const { kill } of running.toReversed()) assert.equal(kill('SIGKILL'), true);
    const ends = await Promise.all(running.map(({ ended }) => ended));
    assert.ok(ends.every(({ exitStatus, signal }) => exitStatus === 137 && signal === 'SIGKILL'));
    await descriptorsBack(before);
  });
});

describe('beside others', () => {
  test('who listen for SIGCHLD too', async () => {
    let heard = 0;
    const listener = () => {
      heard += 1;
    };
    process.on('SIGCHLD', listener);
    const second = await import(`${library}?second`).then((copy: { run: typeof run }) => copy.run);
    const results = await Promise.all([
      run({ command: ['bash', '-c', 'exit 1'] }, { reject: false }),
      second({ command: ['bash', '-c', 'exit 2'] }, { reject: false }),
    ]);
    assert.deepEqual(
      results.map(({ exitStatus }) => exitStatus),
      [1, 2],
    );
    assert.ok(heard > 0);
    assert.ok(process.listeners('SIGCHLD').includes(listener));
    process.off('SIGCHLD', listener);
  });

  test('in a worker, ffi refuses and says what to do; the script works', async () => {
    const program = (backend: string) =>
      `const { parentPort } = require('node:worker_threads');
       import(${JSON.stringify(library)}).then(({ run }) => run({ command: ['bash', '-c', 'echo here; exit 3'] }, { backend: '${backend}', reject: false }))
         .then(({ exitStatus, stdout }) => parentPort.postMessage(\`\${exitStatus} \${stdout}\`), error => parentPort.postMessage(error.name + ': ' + error.message));`;
    const answer = (backend: string) =>
      new Promise((resolve, reject) => {
        const worker = new Worker(program(backend), { eval: true });
        worker.on('message', resolve).on('error', reject);
      });
    assert.equal(await answer('script'), '3 here\n');
    assert.match(String(await answer('ffi')), /^StartError: .*worker thread.*main thread.*backend: 'script'/);
  });
});

describe('script', () => {
  test('is the text of the script, and no box is started', async () => {
    const rendered = await script({ command: ['echo', 'from the script'] });
    assert.match(rendered, /^#!\/usr\/bin\/env bash\n/);
    assert.equal((await execute('bash', [], { input: rendered })).stdout, 'from the script\n');
    await assert.rejects(script({ command: [] }), BoxError);
  });
});

describe('StartError', () => {
  test('a box that cannot be started rejects with the status a shell would have', async () => {
    const cases: readonly (readonly [BoxInput, number])[] = [
      [{ command: ['/nonexistent'] }, 127],
      [{ command: ['/etc'] }, 126],
      [{ command: ['true'], cwd: '/nonexistent' }, 125],
    ];
    for (const [box, exitStatus] of cases) {
      await assert.rejects(run(box), error => {
        assert.ok(error instanceof StartError);
        assert.equal(error.exitStatus, exitStatus);
        return true;
      });
    }
  });
});
