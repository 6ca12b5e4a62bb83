import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, rmdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { cgroupName } from '../../src/host/cgroup/name.js';
import { script } from '../../src/index.js';
import { execute } from '../support/cli.js';
import { ownCgroups } from '../support/own-cgroup.js';
import { ownDirectory } from '../support/own-directory.js';

/** The script of a box with limits, where the caller has exported what it uses itself. */

const own = ownCgroups();
const legacy = { skip: own.directory('pids') === '' ? 'there is no controller pids of version 1 here' : false };
const LIMITS = { resources: { pids: { limit: 20 }, memory: { limit: '64M' } } } as const;

describe('what the caller has exported changes no limit', legacy, () => {
  test('and opens no file of a cgroup in the box', async () => {
    const text = await script({ ...LIMITS, command: ['bash', '-c', 'echo /proc/self/fd/*'] });
    const names = [
      'home_files',
      'cgroup_files',
      'cgroups',
      'cgroup_of',
      'parent_of',
      'descriptor',
      'namespace_suffix',
      'stats',
    ];
    const env = { ...process.env, ...Object.fromEntries(names.map(name => [name, '7 '])) };
    const expected = await execute('bash', ['-s'], { input: text });
    const { status, stdout, stderr } = await execute('bash', ['-s'], { input: text, env });
    assert.deepEqual([status, stdout, stderr], [0, expected.stdout, '']);
  });

  test('nor who the caller is', async () => {
    const text = await script({ ...LIMITS, command: ['bash', '-c', 'readlink /proc/self/ns/user; echo $EUID'] });
    const expected = await execute('bash', ['-s'], { input: text });
    for (const EUID of ['1000', '0', 'x', 'SECONDS[$(echo run >&2)]']) {
      const { status, stdout, stderr } = await execute('bash', ['-s'], { input: text, env: { ...process.env, EUID } });
      assert.deepEqual([status, stdout, stderr], [0, expected.stdout, ''], EUID);
    }
  });

  test('nor what the commands do', async () => {
    const text = await script({ ...LIMITS, accounting: true, command: ['grep', 'pids', '/proc/self/cgroup'] });
    const names = ['true', 'continue', 'break', 'shopt', ':', 'rmdir', 'mkdir', 'cd', 'set_limit', 'find_cgroups'];
    const functions = names.map(name => [`BASH_FUNC_${name}%%`, '() { /bin/echo "$FUNCNAME" ran; return 1; }']);
    const env = { ...process.env, ...Object.fromEntries(functions), optional_controller: 'pids' };
    const expected = await execute('bash', ['-s'], { input: text });
    const { status, stdout, stderr } = await execute('bash', ['-s', '--', '--stats', '/dev/null'], {
      input: text,
      env,
    });
    assert.deepEqual([status, stdout, stderr], [0, expected.stdout, '']);
    assert.deepEqual(own.below(), []);
  });
});

test(
  'a process with lines in its name, and the number of one that has left a cgroup, stops no script',
  legacy,
  async () => {
    const program = join(ownDirectory('environment'), 'two\nlines');
    symlinkSync('/bin/sleep', program);
    const process = spawn(program, ['1000'], { stdio: 'ignore' });
    const left = `${own.directory('pids')}/${cgroupName(0, { pid: process.pid ?? 0, start: '1' })}`;
    mkdirSync(left);
    try {
      const text = await script({ ...LIMITS, command: ['echo', 'from the box'] });
      const { status, stdout, stderr } = await execute('bash', ['-s'], { input: text });
      assert.deepEqual([status, stdout, stderr], [0, 'from the box\n', '']);
      assert.equal(existsSync(left), false);
    } finally {
      const ended = new Promise(resolve => process.on('close', resolve));
      process.kill('SIGKILL');
      await ended;
      if (existsSync(left)) rmdirSync(left);
    }
  },
);
