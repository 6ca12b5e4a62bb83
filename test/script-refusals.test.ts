import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type BoxInput, script } from '../src/index.js';

/** Boxes that nsgen run takes, and bash cannot carry out: refused by name when the script is asked for. */

const command = ['true'];
const bind = (options: object) => ({ type: 'bind' as const, source: '/srv', destination: '/mnt', ...options });
const files = (content: string, count: number): BoxInput['files'] =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`/${index}`, content]));

describe('what a script cannot do', () => {
  for (const propagation of ['shared', 'rshared'] as const) {
    test(`a bind that is restricted after one that is ${propagation}`, async () => {
      const mounts = [bind({ readOnly: true }), bind({ propagation }), bind({}), bind({ noexec: true })];
      await assert.rejects(script({ command, mounts }), {
        name: 'BoxError',
        message: 'mounts[3]: the script cannot restrict a bind after one that is shared (mounts[1]): put it before',
      });
      await script({ command, mounts: mounts.slice(0, 3) });
    });
  }

  test('more content of files than a variable of the environment can hold', async () => {
    const take = (content: string, count: number) =>
      script({ command, rootfs: '/srv/box', files: files(content, count) });
    await take('x'.repeat(48 * 1024), 2);
    await assert.rejects(take('x'.repeat(48 * 1024 + 1), 2), {
      name: 'BoxError',
      message: 'files: the script can hold 98304 bytes of them, not 98306: bind some',
    });
    await assert.rejects(take("'".repeat(48 * 1024), 1), { name: 'BoxError', message: /not 196608: bind some$/ });
  });
});
