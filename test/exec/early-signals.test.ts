import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { execute, nsgenPath } from '../support/cli.js';

/**
 * nsgen exec executes itself again before it joins a box: src/backends/ffi/program-file.ts. strace(1) sends it a signal
 * on the way there, when it makes the mount that it executes itself from.
 */
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
  test(`${signal} ends nsgen exec when nothing has been started yet`, async () => {
    const joined = spawn('sleep', ['1000'], { stdio: 'ignore' });
    const closed = once(joined, 'close');
    try {
      const trace = [
        '--follow-forks',
        '--quiet=all',
        '--trace=open_tree',
        `--inject=open_tree:signal=${signal}:when=1`,
      ];
      const words = [process.execPath, nsgenPath, 'exec', String(joined.pid), '--', 'echo', 'started'];
      const { stdout, stderr, ...end } = await execute('strace', [...trace, ...words]);
      assert.match(stderr, /open_tree\(AT_FDCWD, "\/proc\/self\/exe", /);
      assert.deepEqual([stdout, end], ['', { status: null, signal }]);
    } finally {
      joined.kill('SIGKILL');
      await closed;
    }
  });
