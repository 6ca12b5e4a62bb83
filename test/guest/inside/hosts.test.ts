import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { packageRoot } from '../../../src/package-root.js';
import { execute, nsgenPath } from '../../support/cli.js';

/** Where a box has its cgroup on a host with version 2 alone, and what nsgen moves out of the way for it. */

const TOP = '/sys/fs/cgroup';
const OWN = `${TOP}/hosts-${process.pid}`;
const ORDINARY = 1000;
const LEAF = 'nsgen-callers';
const LIMITS = '--memory 300m --cpus 1 --pids-limit 50';

const read = (path: string): string => readFileSync(path, 'utf8').trim();

/** A cgroup of this test, with controllers that it may pass on. */
function makeCgroup(name: string, owner?: number): string {
  const directory = join(OWN, name);
  mkdirSync(directory);
  const files = ['', 'cgroup.procs', 'cgroup.subtree_control', 'cgroup.threads'].map(file => join(directory, file));
  if (owner !== undefined) assert.equal(spawnSync('chown', [String(owner), ...files]).status, 0);
  return directory;
}

function removeTree(directory: string): void {
  for (const entry of readdirSync(directory, { withFileTypes: true }))
    if (entry.isDirectory()) removeTree(join(directory, entry.name));
  rmdirSync(directory);
}

const IN_CGROUP = 'echo $$ >"$1/cgroup.procs" && shift && run=$2 && eval "$1"';
const IN_CONTAINER = `echo $$ >"$1/cgroup.procs" && shift && exec unshare --cgroup --mount --propagation private bash -c '
  umount ${TOP} && mount -t cgroup2 cgroup2 ${TOP} && run=$2 && eval "$1"' container "$@"`;

/** Runs a program of bash in a cgroup, in which $run is nsgen run. */
async function runIn(how: string, directory: string, backend: string, program: string) {
  const command = `${process.execPath} ${nsgenPath} run --backend ${backend}`;
  const { status, stdout, stderr } = await execute('bash', ['-c', how, 'bash', directory, program, command]);
  return { status, stdout, stderr };
}

const nobody = `setpriv --reuid ${ORDINARY} --regid ${ORDINARY} --clear-groups --`;
const WAY = 'systemd-run --user --scope -p Delegate=yes nsgen ...';

describe('hosts of version 2', () => {
  before(() => {
    mkdirSync(OWN);
    for (const directory of [TOP, OWN]) writeFileSync(`${directory}/cgroup.subtree_control`, '+cpu +memory +pids');
  });
  after(() => removeTree(OWN));

  for (const backend of ['ffi', 'script']) {
    test(`${backend}: the box is in a cgroup of its own, which its namespace hides, and no fork escapes`, async () => {
      const directory = makeCgroup(`plain-${backend}`);
      const program = `$run --memory 300m --share cgroup -- cat /proc/self/cgroup; $run --memory 300m -- cat /proc/self/cgroup`;
      const { status, stdout, stderr } = await runIn(IN_CGROUP, directory, backend, program);
      assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
      const [own = '', hidden] = stdout.split('\n');
      // The nearest whose children have memory: root is not at home in a cgroup that is not the top.
      assert.match(own, new RegExp(`^0::${OWN.replace(TOP, '')}/nsgen-\\d+-\\d+-\\d+$`));
      assert.equal(hidden, '0::/');
      assert.deepEqual(
        readdirSync(OWN).filter(name => name.startsWith('nsgen-')),
        [],
      );
      const alone = await runIn(IN_CGROUP, directory, backend, `$run --pids-limit 1 -- sh -c '(:); echo escaped' 2>&1`);
      assert.match(alone.stdout, /fork/);
      assert.doesNotMatch(alone.stdout, /escaped/);
    });

    test(`${backend}: in a container nsgen, and who has started it, go out of the way; all at once too`, async () => {
      const directory = makeCgroup(`container-${backend}`);
      const one = `$run ${LIMITS} -- cat /proc/self/cgroup ${TOP}/cgroup.procs >/dev/null && `;
      const program = `for n in 1 2 3; do $run ${LIMITS} -- echo $n & done; wait
        ${one} cat /proc/self/cgroup ${TOP}/cgroup.subtree_control ${TOP}/cgroup.procs; ls -d ${TOP}/*/`;
      const { status, stdout, stderr } = await runIn(IN_CONTAINER, directory, backend, program);
      assert.equal(stderr, '');
      assert.equal(status, 0);
      const lines = stdout.trim().split('\n');
      assert.deepEqual(lines.slice(0, 3).sort(), ['1', '2', '3']);
      assert.deepEqual(lines.slice(3), [`0::/${LEAF}`, 'cpu memory pids', `${TOP}/${LEAF}/`]);
    });

    test(`${backend}: in a container others are in the way: who they are, and everybody stays where they were`, async () => {
      const directory = makeCgroup(`others-${backend}`);
      const program = `sleep 1000 & $run ${LIMITS} -- true; echo $?; kill $!; cat /proc/self/cgroup; ls -d ${TOP}/*/ 2>&1; echo $!`;
      const { stdout, stderr } = await runIn(IN_CONTAINER, directory, backend, program);
      const lines = stdout.trim().split('\n');
      assert.deepEqual(lines.slice(0, 2), ['125', '0::/']);
      assert.match(lines[2] ?? '', /No such file or directory/);
      assert.equal(
        stderr.replace(/^[^:]*: /, ''),
        `resources.memory.limit: memory, cpu, pids cannot be switched on in ${TOP}: other processes are in the way: ${lines[3]} (sleep): ` +
          `start nsgen in a cgroup of its own (${WAY}), or name another with --cgroup-parent\n`,
      );
      assert.equal(read(`${directory}/cgroup.subtree_control`), '');
    });

    test(`${backend}: an ordinary user, in a subtree that is theirs`, async () => {
      const directory = makeCgroup(`delegated-${backend}`, ORDINARY);
      const program = `${nobody} $run ${LIMITS} --share cgroup -- cat /proc/self/cgroup; cat /proc/self/cgroup`;
      const { status, stdout, stderr } = await runIn(IN_CGROUP, directory, backend, program);
      assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
      const place = directory.replace(TOP, '');
      const [box = '', caller] = stdout.split('\n');
      assert.match(box, new RegExp(`^0::${place}/nsgen-\\d+-\\d+-\\d+$`));
      assert.equal(caller, `0::${place}/${LEAF}`);
      assert.deepEqual(
        readdirSync(directory).filter(name => name.startsWith('nsgen-')),
        [LEAF],
      );
      assert.equal(read(`${directory}/cgroup.subtree_control`), 'cpu memory pids');
    });

    test(`${backend}: an ordinary user, where nothing is theirs, or they may not go`, async () => {
      const foreign = makeCgroup(`foreign-${backend}`);
      const own = makeCgroup(`theirs-${backend}`, ORDINARY);
      const cannot = (where: string) =>
        `resources.memory.limit: cannot make a cgroup for memory in ${where}: this process may not write there (EACCES): start nsgen where the cgroups are yours: ${WAY}, or --cgroup-parent\n`;
      const plain = await runIn(IN_CGROUP, foreign, backend, `${nobody} $run --memory 300m -- true`);
      assert.equal(plain.stderr.replace(/^[^:]*: /, ''), cannot(foreign));
      assert.equal(plain.status, 125);
      const named = await runIn(
        IN_CGROUP,
        foreign,
        backend,
        `${nobody} $run --memory 300m --cgroup-parent ${own.replace(TOP, '')} -- true`,
      );
      assert.equal(named.stderr.replace(/^[^:]*: /, ''), cannot(OWN));
    });

    test(`${backend}: a parent several levels down gets its controllers from the top on`, async () => {
      const directory = makeCgroup(`deep-${backend}`);
      mkdirSync(`${directory}/a`);
      mkdirSync(`${directory}/a/b`);
      const parent = `${directory.replace(TOP, '')}/a/b`;
      const program = `$run --memory 300m --cgroup-parent ${parent} --share cgroup -- cat /proc/self/cgroup`;
      const { status, stdout, stderr } = await runIn(IN_CGROUP, directory, backend, program);
      // The caller itself is on the way.
      assert.match(stderr, new RegExp(`in ${directory}: other processes are in the way: `));
      assert.deepEqual({ status, stdout }, { status: 125, stdout: '' });
      const again = await runIn(IN_CGROUP, OWN.replace(/[^/]*$/, ''), backend, program);
      assert.equal(again.stderr, '');
      assert.match(again.stdout, new RegExp(`^0::${parent}/nsgen-`));
      for (const path of [directory, `${directory}/a`, `${directory}/a/b`])
        assert.equal(read(`${path}/cgroup.subtree_control`), 'memory');
      assert.deepEqual(
        readdirSync(`${directory}/a/b`).filter(name => name.startsWith('nsgen-')),
        [],
      );
    });

    test(`${backend}: a view shows the box's own cgroup, for an ordinary user too, and has no release_agent`, async () => {
      const directory = makeCgroup(`view-${backend}`, ORDINARY);
      const view = '--mount type=cgroup,dst=/mnt,readonly';
      const look = `bash --norc -c 'cat /mnt/pids.max; [[ -e /mnt/release_agent ]] || grep " /mnt " /proc/self/mountinfo'`;
      for (const who of ['', nobody]) {
        const seen = await runIn(IN_CGROUP, directory, backend, `${who} $run --pids-limit 7 ${view} -- ${look}`);
        assert.deepEqual({ status: seen.status, stderr: seen.stderr }, { status: 0, stderr: '' });
        assert.match(seen.stdout, /^7\n\d+ \d+ \S+ \/ \/mnt ro,nosuid,nodev,noexec,relatime - cgroup2 [^\n]+\n$/);
      }
    });
  }

  test('a process that starts several boxes finds the same place after it has been moved', async () => {
    const directory = makeCgroup('library');
    const program = `
      import { readFileSync } from 'node:fs';
      import { run } from ${JSON.stringify(join(packageRoot, 'dist', 'index.js'))};
      const box = { command: ['cat', '/proc/self/cgroup'], namespaces: { cgroup: 'shared' }, resources: { pids: { limit: 9 } } };
      for (const n of [1, 2, 3]) process.stdout.write((await run(box)).stdout);
      process.stdout.write(readFileSync('/proc/self/cgroup'));`;
    const how = `echo '${program.replace(/'/g, `'\\''`)}' | ${process.execPath} --input-type=module -`;
    const { stdout, stderr } = await runIn(IN_CONTAINER, directory, '', how);
    assert.equal(stderr, '');
    assert.match(stdout, /^0::\/nsgen-\d+-\d+-1\n0::\/nsgen-\d+-\d+-2\n0::\/nsgen-\d+-\d+-3\n0::\/nsgen-callers\n$/);
    assert.ok(!existsSync(`${directory}/nsgen-callers/nsgen-callers`));
  });
});
