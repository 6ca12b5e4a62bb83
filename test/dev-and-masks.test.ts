import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, lstatSync, mkdirSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, describe, test } from 'node:test';
import { BACKEND_NAMES, type BackendName } from '../src/index.js';
import { execute, type Finished, nsgenPath } from './support/cli.js';
import { descendants, hostState } from './support/leftovers.js';
import { ownDirectory } from './support/own-directory.js';
import { makeRootfs, removeRootfs } from './support/rootfs.js';

/** A rootfs whose owner has put something of their own where /dev, its entries and masked paths are. */

const directory = ownDirectory('dev');
const secret = join(directory, 'secret');
mkdirSync(secret);
writeFileSync(join(secret, 'marker'), 'of the host\n');
const PROGRAMS = ['bash', 'cat', 'chmod', 'ls', 'mkdir', 'mount', 'rm', 'script', 'sh', 'stat', 'tty', 'umount'];
const rootfs = makeRootfs(PROGRAMS, ['proc', 'inner', 'tmp']);
after(() => removeRootfs(rootfs));
const inRootfs = (path: string) => join(rootfs, path);

const WITHOUT_MKNOD = ['setpriv', '--bounding-set', '-mknod', '--'];
const CALLERS: Readonly<Record<string, readonly string[]>> = { 'with mknod': [], 'without mknod': WITHOUT_MKNOD };

const runBox = (
  backend: BackendName,
  script: string,
  flags: readonly string[] = [],
  caller: readonly string[] = [],
): Promise<Finished> => {
  const words = ['run', '--backend', backend, '--rootfs', rootfs, ...flags, '--', 'bash', '-c', script];
  const [program = '', ...args] = [...caller, process.execPath, nsgenPath, ...words];
  return execute(program, args, { timeout: 20_000, killSignal: 'SIGKILL' });
};

const state = hostState();
const nodesOfHost = () => ['null', 'tty'].map(name => statSync(`/dev/${name}`)).map(({ mode, rdev }) => [mode, rdev]);
const nodes = nodesOfHost();
afterEach(() => {
  assert.deepEqual(descendants(), []);
  assert.deepEqual(hostState(), state);
  assert.deepEqual(readdirSync(secret), ['marker']);
  assert.deepEqual(nodesOfHost(), nodes);
  rmSync(inRootfs('dev'), { recursive: true, force: true });
});

/** What must be so in any box with a /dev. */
const IS_DEV =
  `[[ $(stat -c '%F %t:%T' /dev/null /dev/tty) == $'character special file 1:3\\ncharacter special file 5:0' ]] && ` +
  `[[ $(stat -f -c %T /dev /dev/pts /dev/shm) == $'tmpfs\\ndevpts\\ntmpfs' ]] && echo is dev`;

for (const backend of BACKEND_NAMES) {
  describe(`/dev in a hostile rootfs, ${backend}`, () => {
    for (const target of ['/inner', 'inner', '../../../inner']) {
      test(`/dev is a symlink to ${target}: it stays in the rootfs`, async () => {
        symlinkSync(target, inRootfs('dev'));
        const { stdout, stderr } = await runBox(backend, `${IS_DEV}; stat -f -c %T /inner`);
        assert.deepEqual([stdout, stderr], ['is dev\ntmpfs\n', '']);
        assert.deepEqual(readdirSync(inRootfs('inner')), []);
      });
    }

    for (const target of ['/dev', secret, '/proc/self/fd/3', '/proc/1/root/dev', 'dev']) {
      test(`/dev is a symlink to ${target}: refused`, async () => {
        symlinkSync(target, inRootfs('dev'));
        const { status, stdout, stderr } = await runBox(backend, 'echo started');
        assert.deepEqual([status, stdout], [125, ''], stderr);
        assert.match(stderr, /mount a \/dev/);
      });
    }

    test('/dev is a file: refused', async () => {
      writeFileSync(inRootfs('dev'), '');
      const { status, stdout, stderr } = await runBox(backend, 'echo started');
      assert.deepEqual([status, stdout], [125, ''], stderr);
    });

    test('/dev is missing: it is made', async () => {
      assert.equal((await runBox(backend, IS_DEV)).stdout, 'is dev\n');
      assert.deepEqual(readdirSync(inRootfs('dev')), []);
    });

    for (const [name, caller] of Object.entries(CALLERS)) {
      test(`what the rootfs has as null, tty, pts, shm, ptmx, fd is covered, ${name}`, async () => {
        mkdirSync(inRootfs('dev'));
        writeFileSync(inRootfs('dev/null'), 'of the rootfs\n');
        execFileSync('mknod', [inRootfs('dev/tty'), 'c', '1', '5']);
        for (const entry of ['pts', 'shm']) symlinkSync(secret, inRootfs(`dev/${entry}`));
        for (const entry of ['ptmx', 'fd']) mkdirSync(inRootfs(`dev/${entry}`));
        const script = `${IS_DEV}; cat /dev/null /proc/interrupts; ls /dev`;
        const { stdout, stderr } = await runBox(backend, script, [], caller);
        const names = 'fd full null ptmx pts random shm stderr stdin stdout tty urandom zero';
        assert.deepEqual([stdout, stderr], [`is dev\n${names.replaceAll(' ', '\n')}\n`, '']);
        assert.ok(lstatSync(inRootfs('dev/null')).isFile());
      });

      test(`what is done to the nodes inside does nothing to those of the host, ${name}`, async () => {
        const script =
          'chmod 600 /dev/null /dev/tty /proc/interrupts; rm -f /dev/null; echo x >/dev/zero && echo written';
        assert.match((await runBox(backend, script, [], caller)).stdout, /^written$/m);
      });

      test(`a terminal of its own, ${name}`, async () => {
        const { stdout } = await runBox(backend, 'script -qec tty /dev/null', [], caller);
        assert.equal(stdout.trim(), '/dev/pts/0');
      });
    }

    test("a mask is never the rootfs's null device, nor what a mount of the box puts there", async () => {
      mkdirSync(inRootfs('dev'));
      writeFileSync(inRootfs('dev/null'), 'of the rootfs\n');
      writeFileSync(inRootfs('tmp/file'), 'to be masked\n');
      const flags = ['--mask', '/tmp/file'];
      for (const further of [['--no-dev'], ['--bind', `${inRootfs('dev')}:/dev`], []]) {
        const script = 'cat /tmp/file; stat -c %t:%T /tmp/file';
        const { stdout, stderr } = await runBox(backend, script, [...flags, ...further]);
        assert.deepEqual([stdout, stderr], ['1:3\n', ''], further.join(' '));
      }
      rmSync(inRootfs('tmp/file'));
    });

    for (const [name, caller] of Object.entries(CALLERS)) {
      test(`a host whose /dev/null is an ordinary file: refused, where it would be used, ${name}`, async () => {
        const fake = join(directory, 'fake');
        writeFileSync(fake, 'secret\n');
        const host = ['unshare', '--mount', '--', 'bash', '-c', 'mount --bind "$0" /dev/null && exec "$@"', fake];
        const masks = await runBox(backend, 'cat /proc/interrupts', ['--no-dev'], [...host, ...caller]);
        assert.deepEqual([masks.status, masks.stdout], [125, ''], masks.stderr);
        assert.match(masks.stderr, /\/dev\/null of the host is not the device of that name/);
        const dev = await runBox(backend, IS_DEV, [], [...host, ...caller]);
        // System calls make the node without looking at the host's; cp copies what is there.
        const made = backend === 'ffi' && caller.length === 0;
        assert.deepEqual([dev.status, dev.stdout], made ? [0, 'is dev\n'] : [125, ''], dev.stderr);
        if (!made) assert.match(dev.stderr, /of the host is not the device of that name/);
      });
    }

    test('a masked path that is a symlink out of the rootfs masks nothing outside', async () => {
      symlinkSync(secret, inRootfs('tmp/out'));
      const { status, stderr } = await runBox(backend, 'true', [
        '--mask',
        '/tmp/out',
        '--read-only-path',
        '/tmp/out/x',
      ]);
      assert.deepEqual([status, stderr], [0, '']);
      symlinkSync('/tmp/loop', inRootfs('tmp/loop'));
      const loop = await runBox(backend, 'echo started', ['--mask', '/tmp/loop']);
      assert.deepEqual([loop.status, loop.stdout], [125, ''], loop.stderr);
      for (const name of ['out', 'loop']) rmSync(inRootfs(`tmp/${name}`));
    });

    test('writing to read-only paths, and to a read-only root', async () => {
      const script = 'echo x >/proc/sys/kernel/hostname; echo x >/x; echo x >/dev/shm/x && echo written';
      const { stdout, stderr } = await runBox(backend, script, ['--read-only']);
      assert.equal(stdout, 'written\n');
      assert.equal(stderr.match(/Read-only file system/g)?.length, 2, stderr);
    });

    test('in a user namespace, what is uncovered is still out of reach for an ordinary user', async () => {
      const nobody = 'setpriv --reuid 65534 --regid 65534 --clear-groups --'.split(' ');
      const script =
        'umount /proc/sys && umount /proc/timer_list && { : <>/proc/sys/vm/drop_caches || echo refused; cat /proc/timer_list || echo refused; } 2>/dev/null';
      for (const path of [directory, rootfs]) chmodSync(path, 0o755);
      mkdirSync(inRootfs('dev'));
      const { stdout } = await runBox(backend, script, [], nobody);
      assert.equal(stdout, 'refused\nrefused\n');
    });
  });
}
