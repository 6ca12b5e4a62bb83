import assert from 'node:assert/strict';
import { test } from 'node:test';
import { execute, nsgenPath } from './support/cli.js';

const ignoring = (command: string) =>
  execute('/bin/bash', ['-c', `trap '' HUP PIPE RTMIN RTMIN+3 RTMAX; ${command}`, process.execPath, nsgenPath]);

test('what nsgen was started to ignore, above 31 where Node resets nothing too, is not ignored in the box', async () => {
  const outside = await ignoring('grep SigIgn /proc/self/status');
  assert.match(outside.stdout, /^SigIgn:\s+8000001200001001\n$/, outside.stderr);
  for (const backend of ['ffi', 'script']) {
    const inside = await ignoring(`"$0" "$1" run --backend ${backend} -- cat /proc/self/status`);
    assert.match(inside.stdout, /^SigIgn:\s+0000000000000000$/m, inside.stderr);
  }
});

test('the plan resets those and no others', async () => {
  const { stdout, stderr } = await ignoring('"$0" "$1" plan --json -- true');
  const numbers = [...stdout.matchAll(/rt_sigaction\((\d+), \{sa_handler=SIG_DFL/g)].map(([, number]) =>
    Number(number),
  );
  assert.deepEqual(numbers, [13, 25, 34, 37, 64], stderr);
});
