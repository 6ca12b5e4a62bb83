import assert from 'node:assert/strict';
import { closeSync, constants, openSync, readFileSync } from 'node:fs';
import { afterEach, test } from 'node:test';
import { statOf } from '../../src/host/process.js';
import { execute } from '../support/cli.js';
import { descendants, hostState } from '../support/leftovers.js';
import { ownDirectory } from '../support/own-directory.js';
import { Session } from '../support/session.js';
import { until } from '../support/until.js';
import { commandFor, runPod, shell, WAYS } from './ways.js';

/** What becomes of the lines that the boxes of a pod write. */

const directory = ownDirectory('pods-output');
const state = hostState();
const started: Session[] = [];
const SLEEP = { command: ['sleep', 'infinity'] };

afterEach(() => {
  for (const { child } of started.splice(0)) child.kill('SIGKILL');
  assert.deepEqual(descendants(), []);
  assert.deepEqual(hostState(), state);
});

for (const way of WAYS)
  test(`${way}: who has the output of a box open outside keeps nobody waiting, and no line is lost`, async () => {
    const last = `trap "seq -f y%g 20000; printf last; exit 3" TERM; echo up; while :; do sleep 0.05; done`;
    const pod = { pod: 'held', boxes: { one: { command: shell(last) }, two: SLEEP } };
    const [program = '', ...args] = commandFor(way, directory, pod);
    const session = new Session(program, args);
    started.push(session);
    await session.until(/one \| up/);
    const box = descendants(session.pid).find(pid => statOf(pid)?.name === 'sh') ?? assert.fail();
    const held = [1, 2].map(stream => openSync(`/proc/${box}/fd/${stream}`, constants.O_WRONLY));
    try {
      process.kill(session.pid, 'SIGTERM');
      let ended = false;
      session.ended.then(() => {
        ended = true;
      });
      await until(() => ended, 'the pod has ended');
    } finally {
      for (const descriptor of held) closeSync(descriptor);
    }
    assert.equal((await session.ended).status, 3, session.output.slice(-500));
    const lines = Array.from({ length: 20_000 }, (_, index) => `one | y${index + 1}\n`).join('');
    assert.ok(session.output === `one | up\n${lines}one | last`, session.output.slice(-200));
  });

test('ffi: what cannot be written is said, and the boxes have closed pipes', async () => {
  const pod = { pod: 'full', boxes: { one: { command: ['yes'] }, two: { command: ['true'] } } };
  const words = commandFor('ffi', directory, pod);
  const { status, stderr } = await execute('sh', ['-c', 'exec "$@" >/dev/full', 'sh', ...words]);
  assert.equal(status, 125, stderr);
  assert.match(stderr, /^nsgen: .*ENOSPC/m);
  assert.doesNotMatch(stderr, /^ +at /m);
});

/** Bytes of a line from which on a script makes several of it. */
const LONGEST_LINE = 2 ** 20;

for (const way of ['script', 'pod.sh'] as const) {
  test(`${way}: a line that is too long comes as several`, async () => {
    for (const length of [LONGEST_LINE, LONGEST_LINE + 1]) {
      const long = `head -c ${length} /dev/zero | tr "\\0" y; echo; echo end`;
      const pod = { pod: 'long', boxes: { a: { command: shell(long) }, b: { command: ['true'] } } };
      const { status, stdout } = await runPod(way, directory, pod);
      assert.equal(status, 0);
      const further = 'a | y\n'.repeat(length - LONGEST_LINE);
      const expected = `a | ${'y'.repeat(LONGEST_LINE)}\n${further}a | end\n`;
      assert.ok(stdout === expected, `${stdout.length} ${stdout.slice(-200)}`);
    }
  });

  test(`${way}: the memory of what labels the lines is not the box's to take`, async () => {
    const endless = 'head -c 30000000 /dev/zero; echo end >&2; exec sleep infinity';
    const pod = { pod: 'endless', boxes: { a: { command: shell(endless) }, b: SLEEP } };
    const session = new Session('sh', ['-c', 'exec "$@" >/dev/null', 'sh', ...commandFor(way, directory, pod)]);
    started.push(session);
    await session.until(/a \| end/);
    const peaks = descendants(session.pid).flatMap(pid =>
      ['sed', 'fold'].includes(statOf(pid)?.name ?? '') ? [peakOf(pid)] : [],
    );
    assert.equal(peaks.length, 8);
    assert.ok(Math.max(...peaks) < 20_000, String(peaks));
    process.kill(session.pid, 'SIGTERM');
    await session.ended;
  });
}

/** Of its resident memory, in KiB. */
const peakOf = (pid: number): number =>
  Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]);
