import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { execute, nsgenPath } from './support/cli.js';
import { ownDirectory } from './support/own-directory.js';

/** What a box sees of the cgroups, and what it can reach from there: release_agent is CVE-2022-0492. */

ownDirectory('cgroup-view');

const hierarchies = readFileSync('/proc/self/cgroup', 'utf8')
  .trimEnd()
  .split('\n')
  .map(line => line.split(':').slice(0, 3))
  .filter(([number]) => number !== '0');
/** Where this test is at the root, a box that stays there sees it. */
const atRoot = hierarchies.filter(([, , path]) => path === '/').map(([, list = '']) => list);
const legacy = atRoot.length === 0 && 'there is no hierarchy of version 1 whose root this test is in';

/** In its own mount namespace: looks into every view, and mounts each hierarchy itself. */
const LOOK = `found() { find "$1" -maxdepth 1 -name release_agent; }
for view in /mnt /mnt/*/; do found "$view"; done
for names in ${atRoot.map(list => `'${list}'`).join(' ')}; do
  if mount -t cgroup -o "$names" none /tmp; then found /tmp; umount /tmp; else echo "cannot mount $names"; fi
done
mount -t cgroup -o none,name=nsgen-test none /tmp 2>/dev/null && { umount /tmp; echo 'a hierarchy of its own'; }
:`;

const VIEW = ['--mount', 'type=cgroup,dst=/mnt,readonly'];
const nsgen = (backend: string, flags: readonly string[], ...command: readonly string[]) =>
  execute(process.execPath, [nsgenPath, 'run', '--backend', backend, ...flags, '--', ...command]);
const outcome = ({ status, stdout, stderr }: Awaited<ReturnType<typeof nsgen>>) => ({ status, stdout, stderr });
const said = (stdout: string) => ({ status: 0, stdout, stderr: '' });

describe('release_agent', { skip: legacy }, () => {
  test('is found where a box is made without care: in the cgroup of its caller', async () => {
    const naive = ['unshare', '--cgroup', '--mount', '--propagation', 'private'];
    const { stdout } = await execute('setpriv', [
      '--',
      ...naive,
      'bash',
      '--norc',
      '-c',
      LOOK.replaceAll('/mnt', '/none'),
    ]);
    assert.equal(stdout, '/tmp/release_agent\n'.repeat(atRoot.length));
  });

  for (const backend of ['ffi', 'script']) {
    for (const flags of [[], ['--memory', '50m'], ['--unshare', 'user']])
      test(`is not, by ${backend} ${flags.join(' ')}: in the view, or in what the box mounts itself`, async () => {
        const { status, stdout, stderr } = await nsgen(backend, [...VIEW, ...flags], 'bash', '--norc', '-c', LOOK);
        assert.deepEqual({ status, stdout, stderr }, said(''));
      });

    test(`a hierarchy that only the box could mount is refused, by ${backend}`, async () => {
      const { stdout, stderr } = await execute('unshare', [
        ...['--mount', '--propagation', 'private', '--', 'bash', '-c'],
        `umount "$(findmnt -n -o TARGET -t cgroup -O ${atRoot.at(0)} | head -n 1)" && shift && exec "$@"`,
        ...['bash', '', process.execPath, nsgenPath, 'run', '--backend', backend, ...VIEW, '--', 'true'],
      ]);
      assert.equal(stdout, '');
      assert.equal(
        stderr.replace(/^[^:]*: /, ''),
        `mounts: the box could mount the cgroup hierarchy ${atRoot.at(0)}, and see its root: mount it first, so that the box can have a cgroup of its own there, or use --unshare user\n`,
      );
    });
  }
});

describe('a view of the cgroups', () => {
  const inView = (controller: string, file: string, unified: string) =>
    existsSync(`/sys/fs/cgroup/${controller}`) ? `/mnt/${controller}/${file}` : `/mnt/${unified}`;

  for (const backend of ['ffi', 'script']) {
    test(`by ${backend}: its roots are the cgroups of the box, whatever the limits are`, async () => {
      const files = [
        inView('pids', 'pids.max', 'pids.max'),
        inView('memory', 'memory.limit_in_bytes', 'memory.max'),
        inView('cpu', 'cpu.shares', 'cpu.weight'),
      ];
      const flags = [...VIEW, '--pids-limit', '1', '--memory', '2m', '--cpu-shares', '512'];
      const { status, stdout, stderr } = await nsgen(backend, flags, 'cat', ...files);
      assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
      assert.match(stdout, /^1\n2097152\n(512|20|59)\n$/);
      const tree = await nsgen(backend, flags, 'grep', '-c', ' / /mnt.* - cgroup', '/proc/self/mountinfo');
      assert.equal(tree.stderr, '');
      const all = await nsgen(backend, flags, 'grep', '-c', ' /mnt.* - cgroup', '/proc/self/mountinfo');
      assert.equal(tree.stdout, all.stdout);
    });

    test(`by ${backend}: one that can be written to, with limits, is refused`, async () => {
      const refused = await nsgen(
        backend,
        ['--mount', 'type=cgroup,dst=/mnt,readonly=false', '--memory', '50m'],
        'true',
      );
      assert.deepEqual(outcome(refused), {
        status: 2,
        stdout: '',
        stderr: 'nsgen: mounts[0]: must be readOnly: the box could change its own limits there\n',
      });
    });
  }
});
