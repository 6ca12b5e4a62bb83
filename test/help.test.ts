import assert from 'node:assert/strict';
import { test } from 'node:test';
import { execute, nsgen, nsgenPath } from './support/cli.js';

const HELP = [['--help'], ['run', '--help'], ['script', '--help'], ['plan', '--help'], ['compare', '--help']];
const ESCAPE = '\u001b';

/** The environment decides for citty: these variables would make it print no colours anywhere. */
const { NO_COLOR: _, TERM: _term, TEST: _test, CI: _ci, ...rest } = process.env;
const env = { ...rest, TERM: 'xterm' };

for (const args of HELP) {
  test(`nsgen ${args.join(' ')} is plain text in a pipe, and says how to call it`, async () => {
    const { status, stdout, stderr } = await nsgen(args, { env });
    assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
    assert.ok(!stdout.includes(ESCAPE), JSON.stringify(stdout));
    assert.match(
      stdout,
      args.length > 1 ? /^USAGE nsgen \w+ \[OPTIONS\] \[--\] COMMAND \[ARGUMENT\.\.\.\]$/m : /^USAGE nsgen /m,
    );
  });
}

for (const name of ['top', 'prune', 'rootfs', 'exec', 'ps', 'stop', 'kill', 'wait', 'logs', 'rm', 'inspect'])
  test(`nsgen ${name} --help is plain text in a pipe`, async () => {
    const { status, stdout, stderr } = await nsgen([name, '--help'], { env });
    assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
    assert.ok(!stdout.includes(ESCAPE), JSON.stringify(stdout));
    assert.match(stdout, new RegExp(`^USAGE nsgen ${name} \\[OPTIONS\\]`, 'm'));
  });

test('nsgen alone is a usage error, in plain text', async () => {
  const { status, stdout, stderr } = await nsgen([], { env });
  assert.deepEqual({ status, stdout }, { status: 2, stdout: '' });
  assert.ok(!stderr.includes(ESCAPE) && stderr.includes('USAGE nsgen'), JSON.stringify(stderr));
});

test('on a terminal the help has colours, unless NO_COLOR is set', async () => {
  const help = `'${process.execPath}' '${nsgenPath}' run --help`;
  const coloured = await execute('script', ['-qec', help, '/dev/null'], { env });
  assert.ok(coloured.stdout.includes(ESCAPE));
  const plain = await execute('script', ['-qec', help, '/dev/null'], { env: { ...env, NO_COLOR: '1' } });
  assert.ok(plain.stdout.includes('USAGE') && !plain.stdout.includes(ESCAPE));
});
