import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { BACKEND_NAMES, type BoxInput, run, start } from '../../../src/index.js';
import { initElf } from '../../../src/init/elf.js';
import { descendants, hostState } from '../../support/leftovers.js';

/** nsgen's own init on a real kernel of this architecture: its size, what it does as pid 1, and the end of the box. */

const LARGEST = 1024;
/** Kilobytes, as /proc says: four pages of this kernel's. */
const MOST_RESIDENT = 16;

/** An orphan, which only pid 1 can reap; until then it is in the table of processes. */
const ORPHAN = `orphan=$(sh -c 'sleep 0.01 >/dev/null & echo $!')
for try in $(seq 200); do [ -e "/proc/$orphan" ] || break; sleep 0.05; done
if [ -e "/proc/$orphan" ]; then grep State "/proc/$orphan/status"; else echo reaped; fi`;
const LOOK = `cat /proc/1/comm; sha256sum </proc/1/exe; ps -o pid=,ppid=,comm= -p 1,$$
grep -h -E '^(VmRSS|Rss):' /proc/1/status /proc/1/smaps_rollup; ${ORPHAN}; exit 10`;

const LISTENING = `trap 'echo got; exit 9' USR1; echo ready; while :; do sleep 0.05 & wait $!; done`;

test('it has at most 1 KB', () => {
  assert.ok(initElf('arm64').length <= LARGEST, `${initElf('arm64').length} bytes`);
});

for (const [program, status] of [
  ['exit 0', 0],
  ['exit 255', 255],
  ['kill -s TERM $$', 143],
  ['kill -s KILL $$', 137],
] as const)
  test(`${program} gives ${status}`, async () => {
    const { exitStatus, stderr } = await run(boxOf(program), { reject: false });
    assert.deepEqual([exitStatus, stderr], [status, '']);
  });

test('a program that is not there gives 127, and it says so', async () => {
  const { exitStatus, stderr } = await run({ command: ['nope'], init: true }, { reject: false });
  assert.deepEqual([exitStatus, stderr], [127, 'nsgen-init: cannot execute nope\n']);
});

for (const backend of BACKEND_NAMES) {
  describe(`a box with an init, by ${backend}`, () => {
    test('pid 1 is it, takes next to no memory, and reaps orphans', async () => {
      const before = hostState();
      const { exitStatus, stdout, stderr } = await run(boxOf(LOOK), { backend, reject: false });
      assert.deepEqual([exitStatus, stderr], [10, '']);
      const [name, digest, first, second, status, rollup, end] = stdout.split('\n').map(line => line.trim());
      const expected = createHash('sha256').update(initElf('arm64')).digest('hex');
      assert.deepEqual([name, digest, end], ['nsgen-init', `${expected}  -`, 'reaped']);
      assert.match(`${first}\n${second}`, /^1 +0 nsgen-init\n2 +1 sh$/);
      for (const line of [status, rollup]) {
        const resident = Number(/^\w+:\s+(\d+) kB$/.exec(line ?? '')?.[1]);
        assert.ok(resident > 0 && resident <= MOST_RESIDENT, stdout);
      }
      assert.deepEqual(hostState(), before);
    });

    test('it passes a signal on, once', async () => {
      const box = await start(boxOf(LISTENING), { backend, stdin: 'ignore', stdout: 'pipe', stderr: 'inherit' });
      let output = '';
      box.stdout?.setEncoding('utf8').on('data', text => {
        output += text;
        if (output === 'ready\n') box.kill('SIGUSR1');
      });
      const closed = box.stdout && once(box.stdout, 'close');
      assert.equal((await box.ended).exitStatus, 9);
      await closed;
      assert.equal(output, 'ready\ngot\n');
      assert.deepEqual(descendants(), []);
    });
  });
}

function boxOf(program: string): BoxInput {
  return { command: ['sh', '-c', program], init: true };
}
