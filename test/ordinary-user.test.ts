import assert from 'node:assert/strict';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, test } from 'node:test';
import { BACKEND_NAMES } from '../src/index.js';
import { execute, type Finished } from './support/cli.js';
import { installForEveryone } from './support/installed.js';
import { descendants, hostState } from './support/leftovers.js';
import { ownDirectory } from './support/own-directory.js';

/** What someone can do who is not root: here nobody, of no group, with nothing but the package. */

const directory = ownDirectory('ordinary-user');
chmodSync(directory, 0o755);
const installed = installForEveryone(join(directory, 'nsgen'));
const UID = 65534;
const AS_NOBODY = ['setpriv', `--reuid=${UID}`, `--regid=${UID}`, '--clear-groups', '--'];

const asNobody = (command: readonly string[], before: readonly string[] = []): Promise<Finished> => {
  const [program = '', ...args] = [...AS_NOBODY, ...before, ...command];
  return execute(program, args, { cwd: '/', env: { PATH: process.env.PATH, HOME: '/nonexistent', LC_ALL: 'C' } });
};

const state = hostState();
afterEach(() => {
  assert.deepEqual(descendants(), []);
  assert.deepEqual(hostState(), state);
});

/** Where there may be no more of something: the limit is that of a user namespace of the user's, not of the host. */
const withLimit = (file: string, value: number) => [
  ...['unshare', '--user', '--map-current-user', '--keep-caps', '--', 'sh', '-c'],
  ...[`echo ${value} >${file} && exec setpriv --inh-caps=-all --ambient-caps=-all -- "$@"`, 'sh'],
];

for (const backend of BACKEND_NAMES) {
  const run = (flags: readonly string[], command: readonly string[], before?: readonly string[]) =>
    asNobody([...installed, 'run', '--backend', backend, ...flags, '--', ...command], before);

  describe(`an ordinary user, ${backend}`, () => {
    test('gets a box by way of a user namespace; root inside is the caller outside', async () => {
      const { status, stdout, stderr } = await run(
        [],
        [
          'sh',
          '-c',
          'id -u; id -g; cat /proc/self/uid_map /proc/self/gid_map /proc/self/setgroups; echo $$; ps -e -o pid=',
        ],
      );
      assert.equal(stderr, '');
      const words = stdout.trim().split(/\s+/);
      assert.deepEqual(words.slice(0, 10), ['0', '0', '0', String(UID), '1', '0', String(UID), '1', 'deny', '1']);
      assert.equal(words.length, 12, 'two processes: sh and ps');
      assert.equal(status, 0);
    });

    test('makes files that are its own', async () => {
      const place = join(directory, `files-${backend}`);
      await execute('install', ['-d', '-o', String(UID), place]);
      assert.equal((await run(['-w', place], ['touch', 'made'])).status, 0);
      assert.equal((await execute('stat', ['-c', '%u %g', join(place, 'made')])).stdout, `${UID} ${UID}\n`);
    });

    test('has names, mounts, a network and a rootfs of its own', async () => {
      const flags = ['--hostname', 'mine', '--tmpfs', '/mnt', '--bind', '/etc:/opt:ro'];
      const script = 'hostname; stat -f -c %T /mnt; ls /opt/passwd; touch /opt/new 2>&1; ip -brief link | wc -l';
      const { stdout, status, stderr } = await run(flags, ['sh', '-c', script]);
      assert.equal(stderr, '');
      assert.deepEqual(stdout.split('\n').slice(0, 3), ['mine', 'tmpfs', '/opt/passwd']);
      assert.match(stdout, /Read-only file system\n1\n/);
      assert.equal(status, 0);
    });

    test('ends as the command ends', async () => {
      assert.equal((await run([], ['bash', '-c', 'exit 9'])).status, 9);
      assert.equal((await run([], ['nsgen-nonexistent'])).status, 127);
    });

    test('is told, in one line, what it needs when it wants no user namespace', async () => {
      const { status, stdout, stderr } = await run(['--share', 'user'], ['true']);
      assert.deepEqual([status, stdout], [125, '']);
      assert.match(stderr, /^[^\n]*EPERM[^\n]*\n$/);
      assert.match(stderr, backend === 'ffi' ? /use --unshare user/ : /a box with a user namespace/);
    });

    test('is told, in one line, that user namespaces are switched off, by whom and what to do', async () => {
      const { status, stdout, stderr } = await run([], ['true'], withLimit('/proc/sys/user/max_user_namespaces', 0));
      assert.deepEqual([status, stdout], [125, '']);
      assert.match(stderr, /^[^\n]*\/proc\/sys\/user\/max_user_namespaces is 0[^\n]*root[^\n]*administrator[^\n]*\n$/);
    });
  });
}

describe('an ordinary user, bash box.sh', () => {
  test('a script made by root works for the user, with the same world', async () => {
    const path = join(directory, 'box.sh');
    const [node = '', ...nsgen] = installed;
    const { stdout } = await execute(node, [...nsgen, 'script', '--', 'id', '-u']);
    writeFileSync(path, stdout);
    assert.equal((await asNobody(['bash', path])).stdout, '0\n');
    assert.match(readFileSync(path, 'utf8'), /map-root-user/);
  });
});
