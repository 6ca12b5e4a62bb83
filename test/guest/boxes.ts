import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BoxInput } from '../../src/index.js';
import { assertSame, runColumns } from '../differential/columns.js';
import { execute, nsgenPath } from '../support/cli.js';
import { descendants, hostState } from '../support/leftovers.js';
import { patience } from './patience.js';

/** Boxes of each kind that every guest starts in all ways: few, because a guest is slow. */

interface Sample {
  readonly box: BoxInput;
  readonly caller?: string;
  readonly stdout: RegExp;
  /** Whether the probe looks too: a hundred processes, and each takes a guest 30 ms. */
  readonly probe?: true;
}

const ORDINARY = ['--reuid', '1000', '--regid', '1000', '--clear-groups', '--'];

const SAMPLES: Readonly<Record<string, Sample>> = {
  'the default box': {
    box: { command: ['ps', '-eo', 'pid,args'] },
    probe: true,
    stdout: /^\s*PID COMMAND\n\s*1 ps -eo pid,args\n$/,
  },
  'a box with a root of programs': {
    box: { command: ['bash', '-c', 'echo "$$ $0 $HOSTNAME"'], hostname: 'web', rootfs: { from: ['bash'] } },
    stdout: /^1 bash web\n$/,
  },
  'a box of an ordinary user': {
    box: { command: ['sh', '-c', 'echo "$(id -u) $$"; cat /proc/self/uid_map'] },
    caller: `exec setpriv ${ORDINARY.join(' ')} "$@"`,
    stdout: /^0 1\n\s+0\s+1000\s+1\n$/,
  },
};

export function testSamples(): void {
  for (const [name, { box, caller, stdout, probe = false }] of Object.entries(SAMPLES))
    test(`${name} is the same by both backends and as a script`, async t => {
      if (caller !== undefined && !(await isReadable())) return t.skip('this checkout is in a private directory');
      const before = hostState();
      const { run } = assertSame(await runColumns(box, { caller, probe }), { fails: false });
      assert.equal(run.stderr.toString(), '');
      assert.match(run.stdout.toString(), stdout);
      assert.equal(run.exitStatus, 0);
      assert.deepEqual(hostState(), before);
      assert.deepEqual(descendants(), []);
    });
}

/** In a guest it always is. */
const isReadable = async () =>
  (await execute('setpriv', [...ORDINARY, 'test', '-r', nsgenPath])).status === 0 || patience > 1;
