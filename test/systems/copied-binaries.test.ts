import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { packageRoot } from '../../src/package-root.js';
import { execute, type Finished } from '../support/cli.js';
import { makeRootfs } from '../support/rootfs.js';
import { pidsOf, startLiveBox } from './live-box.js';
import { as, BACKENDS, leavingNothing, nsgenCommand, run, USERS, withoutTimes } from './side-by-side.js';

/** docs/systems/copied-binaries.md */
const SHELL = '/bin/bash';
const SAME_BOX = ['--rootfs', 'box', '--chroot', '--share', 'uts,ipc,cgroup', '--no-loopback'];
const DEFAULT_BOX = ['--rootfs', 'box'];

let directory = '';

before(() => {
  directory = mkdtempSync(join(tmpdir(), 'nsgen-test-copied-'));
  renameSync(makeRootfs(['bash', 'ps', 'ls', 'kill', 'ip'], ['proc', 'dev']), join(directory, 'box'));
  for (const path of [directory, join(directory, 'box')]) chmodSync(path, 0o755);
});

after(() => rmSync(directory, { recursive: true }));

/** In the directory that has the box, with nothing left in it. */
const runHere = async (command: readonly string[], input: string): Promise<Finished> => {
  const finished = await run(command, input, directory);
  assert.deepEqual(readdirSync(join(directory, 'box/proc')), []);
  return { ...finished, stdout: withoutTimes(finished.stdout) };
};

const linksOf = (text: string): readonly (string | undefined)[] =>
  [...text.matchAll(/^\d+: ([^:@]+)/gm)].map(([, name]) => name);

for (const user of USERS) {
  const mapped = user === 'root' ? [] : ['--user', '--map-root-user'];
  const literal = as(user, [
    ...['unshare', '-p', '-n', '-f', ...mapped, '--mount-proc=box/proc'],
    ...['chroot', 'box', SHELL],
  ]);

  test(`${user}: by hand, two processes and one interface`, () =>
    leavingNothing(async () => {
      const processes = await runHere(literal, 'ps -ef\n');
      assert.match(processes.stdout, /^UID .*\n0 +1 +0 \S+ \/bin\/bash\n0 +2 +1 \S+ ps -ef\n$/);
      const links = await runHere(literal, 'ip a\n');
      assert.deepEqual(linksOf(links.stdout), ['lo']);
      assert.doesNotMatch(links.stdout, /UP|127\.0\.0\.1/);
    }));

  for (const backend of BACKENDS) {
    const box = (...flags: string[]) => nsgenCommand(user, ['run', '--backend', backend, ...flags, SHELL]);

    test(`${user}, ${backend}: the same flags, the same output`, () =>
      leavingNothing(async () => {
        const input =
          'ps -ef\nip a\nls / /bin/\nls /proc/self/ns\nkill -l\ntype -P ps ip ls kill\necho $$ $PPID $PWD $UID\nexit 11\n';
        const expected = await runHere(literal, input);
        assert.deepEqual([expected.status, expected.stderr], [11, '']);
        assert.deepEqual(await runHere(box(...SAME_BOX), input), expected);
      }));

    test(`${user}, ${backend}: the default box shows the same processes; its loopback is up`, () =>
      leavingNothing(async () => {
        const input = 'ps -ef\nls / /bin/\nkill -l\necho $$ $PPID $PWD $UID\nexit 11\n';
        assert.deepEqual(await runHere(box(...DEFAULT_BOX), input), await runHere(literal, input));
        const { stdout } = await runHere(box(...DEFAULT_BOX), 'ip a\n');
        assert.deepEqual(linksOf(stdout), ['lo']);
        assert.match(stdout, /<LOOPBACK,UP,LOWER_UP>.*inet 127\.0\.0\.1\/8.*inet6 ::1\/128/s);
      }));

    test(`${user}, ${backend}: the host sees the shell in the box; the box sees nothing of the host`, () =>
      leavingNothing(async () => {
        for (const command of [literal, box(...SAME_BOX), box(...DEFAULT_BOX)]) {
          const live = await startLiveBox(command, directory);
          assert.deepEqual(pidsOf(live.pid).slice(-2), [live.pid, 1]);
          const { stdout } = await execute('ps', ['-ef']);
          assert.match(stdout, new RegExp(`^\\S+ +${live.pid} .* /bin/bash$`, 'm'));
          assert.equal(await live.ask('echo /proc/[0-9]*'), '/proc/1');
          assert.equal(await live.ask(`{ kill -0 ${process.pid} || echo no such process; } 2>&-`), 'no such process');
          // The mount is the box's own: the host's directory stays empty while the box runs.
          assert.deepEqual(readdirSync(join(directory, 'box/proc')), []);
          assert.deepEqual(await live.end(), { status: 0 });
        }
      }));

    test(`${user}, ${backend}: what pivot_root adds to chroot: no mount of the host is left inside`, () =>
      leavingNothing(async () => {
        const input = 'while read -r _ _ _ _ point _; do echo $point; done </proc/self/mountinfo\n';
        const [chroot, pivot] = [await runHere(box(...SAME_BOX), input), await runHere(box(...DEFAULT_BOX), input)];
        // chroot(2) hides mounts outside the root from mountinfo; a rootfs that is no mount point has none for "/".
        assert.equal(chroot.stdout, '/proc\n');
        const points = pivot.stdout.trimEnd().split('\n');
        const own = points.filter(point => !/^\/(proc|dev)\/\w+$/.test(point));
        assert.deepEqual(own, ['/', '/proc', '/dev']);
        for (const point of ['/dev/pts', '/dev/shm', '/proc/sys']) assert.ok(points.includes(point), pivot.stdout);
      }));
  }
}

test('bash box.sh does what the literal commands do, as the page shows', () =>
  leavingNothing(async () => {
    const { status, stdout } = await run(nsgenCommand('root', ['script', ...SAME_BOX, SHELL]), '', directory);
    assert.equal(status, 0);
    const script = join(directory, 'box.sh');
    writeFileSync(script, stdout);
    const input = 'ps -ef\nip a\necho $$\nexit 12\n';
    const literal = ['unshare', '-p', '-n', '-f', '--mount-proc=box/proc', 'chroot', 'box', SHELL];
    assert.deepEqual(await runHere(['bash', script], input), await runHere(literal, input));

    const page = readFileSync(join(packageRoot, 'docs/systems/copied-binaries.md'), 'utf8');
    const shown = [...page.matchAll(/^# (bash box\.sh --dry-run .*)\n((?:[^#`].*\n)+)/gm)];
    assert.equal(shown.length, 2);
    for (const [, command = '', output = ''] of shown)
      assert.equal((await runHere(['bash', '-c', command], '')).stdout.replaceAll(' \n', '\n'), output);
  }));
