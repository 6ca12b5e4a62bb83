import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kernelIsAtLeast } from '../../src/host/kernel.js';
import { nsgen } from '../support/cli.js';

/** Linux 6.1, which guests have, is the last where execve(2) does not enter the time namespace of the children. */
export function testTimeNamespace(): void {
  const words = ['--unshare', 'time', '--', 'readlink', '/proc/self/ns/time', '/proc/self/ns/time_for_children'];

  test('a command is in the time namespace of its box, or there is none', async () => {
    const script = await nsgen(['run', '--backend', 'script', ...words]);
    assert.match(script.stdout, /^(time:\[\d+\])\n\1\n$/);
    const ffi = await nsgen(['run', '--backend', 'ffi', ...words]);
    if (kernelIsAtLeast(6, 2)) assert.match(ffi.stdout, /^(time:\[\d+\])\n\1\n$/);
    else
      assert.deepEqual(ffi, {
        status: 125,
        signal: null,
        stdout: '',
        stderr: 'nsgen: namespaces.time: the ffi backend needs Linux 6.2 for it: use --backend script\n',
      });
  });
}
