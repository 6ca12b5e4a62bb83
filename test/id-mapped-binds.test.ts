import assert from 'node:assert/strict';
import { chownSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, test } from 'node:test';
import { type BoxInput, run, script } from '../src/index.js';
import { execute, nsgenPath } from './support/cli.js';
import { descendants, hostState } from './support/leftovers.js';
import { ownDirectory } from './support/own-directory.js';
import { problemsOf } from './support/problems.js';

const directory = ownDirectory('id-mapped');
const source = join(directory, 'source');
mkdirSync(join(source, 'inner'), { recursive: true });
writeFileSync(join(source, 'file'), '');
chownSync(join(source, 'file'), 1000, 1001);

const range = (containerID: number, hostID: number, size = 1) => ({ containerID, hostID, size });

/** Root of the source stays root, and 1000:1001 becomes 5:7. */
const MAPPED = {
  type: 'bind' as const,
  source,
  destination: '/mnt',
  uidMappings: [range(0, 0), range(1000, 5)],
  gidMappings: [range(1001, 7), range(0, 0)],
};
const box = (mount: object, command: readonly string[]): BoxInput => ({
  command: [...command],
  mounts: [{ ...MAPPED, ...mount }],
});

describe('binds that map the owners of files', () => {
  const before = hostState();
  afterEach(() => {
    assert.deepEqual(descendants(), []);
    assert.deepEqual(
      hostState().filter(line => !line.startsWith('cgroup')),
      before.filter(line => !line.startsWith('cgroup')),
    );
  });

  test('owners are mapped both ways, again and again, and no descriptor is left', async () => {
    await run(box({}, ['true']));
    const open = readdirSync('/proc/self/fd').length;
    for (let round = 0; round < 5; round += 1) {
      const made = `made-${round}`;
      const words = `stat -c '%u %g' /mnt/file; touch /mnt/${made}; chown 5:7 /mnt/${made}; ls /proc/self/fd | wc -l`;
      const { stdout } = await run(box({}, ['sh', '-c', words]));
      assert.equal(stdout, '5 7\n4\n');
      const { uid, gid } = statSync(join(source, made));
      assert.deepEqual([uid, gid], [1000, 1001]);
    }
    assert.equal(readdirSync('/proc/self/fd').length, open);
  });

  test('read-only too, and alone', async () => {
    const words = ['sh', '-c', 'grep -o " /mnt ro,.*idmapped" /proc/self/mountinfo'];
    const { stdout } = await run(box({ readOnly: true, recursive: false }, words));
    assert.match(stdout, /^ \/mnt ro,relatime,idmapped$/m);
  });

  test('a file system that cannot is named', async () => {
    await assert.rejects(run(box({ source: '/proc' }, ['true'])), {
      name: 'StartError',
      message:
        /^bind "\/proc" on "\/mnt", uids .*: mount_setattr: EINVAL .*: the file system of the source, or one below/,
    });
  });

  test('ranges that overlap, and a caller without the right', async () => {
    await assert.rejects(run(box({ uidMappings: [range(0, 0, 2), range(1, 1)] }, ['true'])), {
      name: 'StartError',
      message: /^uidMappings, gidMappings of a bind: EINVAL: .* ranges must not overlap/,
    });
    const file = join(directory, 'box.json');
    writeFileSync(file, JSON.stringify(box({}, ['true'])));
    const words = [process.execPath, nsgenPath, 'run', '-f', file];
    const { status, stderr } = await execute('setpriv', ['--bounding-set', '-setuid', '--', ...words]);
    assert.equal(status, 125);
    assert.match(
      stderr,
      /^nsgen: uidMappings, gidMappings of a bind: EPERM: .* take CAP_SETUID and CAP_SETGID[^\n]*\n$/,
    );
  });

  test('the script refuses them by name', async () => {
    await assert.rejects(script(box({}, ['true'])), {
      name: 'BoxError',
      message: /^mounts\[0\]\.uidMappings: the script/,
    });
  });

  test('bad ones are refused', () => {
    const problems = (mount: object, more: object = {}) =>
      problemsOf({ command: ['true'], mounts: [{ ...MAPPED, ...mount }], ...more });
    assert.deepEqual(problems({ gidMappings: undefined }), ['mounts[0].uidMappings: needs gidMappings too']);
    assert.deepEqual(problems({ uidMappings: undefined }), ['mounts[0].gidMappings: needs uidMappings too']);
    assert.deepEqual(problems({ uidMappings: [] }), ['mounts[0].uidMappings: must have a range']);
    assert.deepEqual(problems({ uidMappings: [{ containerID: -1, hostID: 0.5, size: 0 }] }), [
      'mounts[0].uidMappings[0].containerID: must not be negative',
      'mounts[0].uidMappings[0].hostID: must be a whole number',
      'mounts[0].uidMappings[0].size: must be at least 1',
    ]);
    assert.deepEqual(problems({}, { namespaces: { user: 'new' } }), [
      'mounts[0].uidMappings: needs rights over the file system of the source: not in a user namespace of its own',
    ]);
  });
});
