import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { BACKEND_NAMES, CommandError, run } from '../../src/index.js';
import { execute, nsgen, nsgenPath } from '../support/cli.js';

/** A box that the kernel kills for its memory, and those that only look so. */

const FILL = ['tail', '/dev/zero'];
const LINE = 'memory limit 20M reached; killed by the kernel (oom)\n';

/** Its shell ends with 137 too. */
const IN_A_CHILD = ['bash', '-c', 'tail /dev/zero; exit $?'];

export function testKilling(): void {
  for (const backend of BACKEND_NAMES) {
    describe(`out of memory, ${backend}`, () => {
      test('the line says so', async () => {
        const { status, stderr } = await nsgen(['run', '--backend', backend, '--memory', '20M', '--', ...FILL]);
        assert.deepEqual(
          { status, stderr },
          { status: 137, stderr: `${backend === 'ffi' ? 'nsgen' : 'box.sh'}: ${LINE}` },
        );
      });

      test('so does the library, of a command or of a child of its', async () => {
        const resources = { memory: { limit: '20M' } };
        for (const command of [FILL, IN_A_CHILD]) {
          const result = await run({ command, resources }, { backend, reject: false });
          assert.deepEqual([result.exitStatus, result.outOfMemory, result.stats], [137, true, undefined]);
        }
        const counted = await run({ command: FILL, resources, accounting: true }, { backend, reject: false });
        assert.equal(counted.stats?.oomKills, 1);
        assert.equal(counted.stats?.memory.limit, 20 * 2 ** 20);
        await assert.rejects(run({ command: FILL, resources }, { backend }), error => {
          assert.ok(error instanceof CommandError);
          assert.match(error.message, /\(memory limit reached\)/);
          return true;
        });
      });

      test('not of what ends with 137 for another reason, nor of what goes on', async () => {
        for (const [program, exitStatus] of [
          ['exit 137', 137],
          ['bash -c "kill -KILL \\$\\$"; exit $?', 137],
          ['tail /dev/zero; exit 3', 3],
        ] as const) {
          const box = { command: ['bash', '-c', program], resources: { memory: { limit: '20M' } } };
          const end = await run(box, { backend, reject: false });
          assert.deepEqual([end.exitStatus, end.outOfMemory], [exitStatus, false], program);
        }
      });
    });
  }

  test('out of memory, by the script alone', async () => {
    const script = execFileSync(process.execPath, [nsgenPath, 'script', '--memory', '20M', '--', ...FILL]);
    const { status, stderr } = await execute('bash', ['-s'], { input: script });
    assert.deepEqual({ status, stderr }, { status: 137, stderr: `box.sh: ${LINE}` });
  });
}
