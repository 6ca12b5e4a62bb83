import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, describe, test } from 'node:test';
import { BACKEND_NAMES, type BackendName, run, StartError } from '../src/index.js';
import { type Finished, nsgen, nsgenPath } from './support/cli.js';
import { descendants, hostState } from './support/leftovers.js';
import { ownDirectory } from './support/own-directory.js';
import { makeRootfs, removeRootfs } from './support/rootfs.js';
import { delay } from './support/session.js';

/** A rootfs whose owner wants out of the box, and an operator who does not think. */

const directory = ownDirectory('hostile');
/** Of the host's, and out of reach of every box here. */
const secret = join(directory, 'secret');
mkdirSync(secret);
writeFileSync(join(secret, 'marker'), 'of the host\n');
const source = join(directory, 'source');
mkdirSync(source);
writeFileSync(join(source, 'marker'), 'bound\n');
const sourceFile = join(source, 'marker');

const rootfs = makeRootfs(['bash', 'cat', 'ls', 'stat'], ['inner', 'tmp', 'proc']);
after(() => removeRootfs(rootfs));
const inRootfs = (path: string) => join(rootfs, path);

/** A box that waits for something that never comes is a failure, not a test that hangs. */
const runBox = (backend: BackendName, flags: readonly string[], script: string): Promise<Finished> =>
  nsgen(['run', '--backend', backend, '--rootfs', rootfs, ...flags, '--', 'bash', '-c', script], {
    timeout: 20_000,
    killSignal: 'SIGKILL',
  });

const state = hostState();
afterEach(() => {
  assert.deepEqual(descendants(), []);
  assert.deepEqual(hostState(), state);
  assert.deepEqual(readdirSync(secret), ['marker']);
});

/** Runs `body` with the place /data of the rootfs made by `make`. */
async function withData(make: (path: string) => void, body: () => Promise<void>): Promise<void> {
  const path = inRootfs('data');
  make(path);
  try {
    await body();
  } finally {
    rmSync(path, { recursive: true, force: true });
  }
}
const link = (target: string) => (path: string) => symlinkSync(target, path);
const fifo = (path: string) => void execFileSync('mkfifo', [path]);
const device = (path: string) => void execFileSync('mknod', [path, 'c', '1', '3']);

const WAYS_UP = '../'.repeat(20);

for (const backend of BACKEND_NAMES) {
  describe(`a hostile rootfs, ${backend}`, () => {
    for (const target of ['/inner', 'inner', './inner/../inner', `${WAYS_UP}inner`, '/proc/../inner']) {
      test(`a mount point that is a symlink to ${target} stays in the rootfs`, () =>
        withData(link(target), async () => {
          const { status, stdout, stderr } = await runBox(backend, ['--bind', `${source}:/data`], 'cat /inner/marker');
          assert.deepEqual([status, stdout, stderr], [0, 'bound\n', '']);
          const tmpfs = await runBox(backend, ['--tmpfs', '/data'], 'stat -f -c %T /inner');
          assert.deepEqual([tmpfs.status, tmpfs.stdout], [0, 'tmpfs\n']);
        }));
    }

    for (const [name, target] of [
      ['an absolute path of the host', secret],
      ['a path of the host by ..', `${WAYS_UP}${secret.slice(1)}`],
      ['itself', 'data'],
      ['a descriptor', '/proc/self/fd/3'],
      ['a working directory', '/proc/self/cwd/deeper'],
    ] as const) {
      test(`a mount point that is a symlink to ${name} is refused`, () =>
        withData(link(target), async () => {
          for (const flag of [`--bind=${source}:/data`, '--tmpfs=/data']) {
            const { status, stdout, stderr } = await runBox(backend, [flag], 'echo started');
            assert.deepEqual([status, stdout], [125, ''], stderr);
            assert.match(stderr, /on "\/data"/);
          }
        }));
    }

    test('a mount point whose way leads through the root of another process', () =>
      withData(link(`/proc/1/root${secret}`), async () => {
        const { status, stdout } = await runBox(backend, ['--bind', `${source}:/data`], 'echo started');
        assert.deepEqual([status, stdout], [125, '']);
      }));

    test("a bind whose source is a symlink is the operator's affair, and resolved on the host", async () => {
      const pointer = join(directory, `pointer-${backend}`);
      symlinkSync(source, pointer);
      const { stdout } = await runBox(backend, ['--bind', `${pointer}:/inner`], 'cat /inner/marker');
      assert.equal(stdout, 'bound\n');
    });

    for (const [name, make] of [
      ['a FIFO', fifo],
      ['a device', device],
    ] as const) {
      test(`${name} as mount point: a file may go there, a directory not; nobody waits`, () =>
        withData(make, async () => {
          const file = await runBox(backend, ['--bind', `${sourceFile}:/data`], 'cat /data');
          assert.deepEqual([file.status, file.stdout], [0, 'bound\n'], file.stderr);
          for (const flag of [`--bind=${source}:/data`, '--tmpfs=/data']) {
            assert.equal((await runBox(backend, [flag], 'echo started')).status, 125);
          }
        }));

      test(`${name} as working directory or program: refused at once`, () =>
        withData(make, async () => {
          assert.equal((await runBox(backend, ['-w', '/data'], 'echo started')).status, 125);
          const program = await nsgen(['run', '--backend', backend, '--rootfs', rootfs, '--', '/data'], {
            timeout: 20_000,
            killSignal: 'SIGKILL',
          });
          assert.equal(program.status, 126);
        }));
    }

    for (const [name, make] of [
      ['a symlink to a file of the host', link(join(secret, 'marker'))],
      ['a symlink to a missing file of the host', link(join(secret, 'new'))],
      ['a symlink to itself', link('data')],
      ['a symlink to a descriptor', link('/proc/self/fd/2')],
      ['a hard link to a file of the host', (path: string) => linkSync(join(secret, 'marker'), path)],
      ['a FIFO', fifo],
      ['a device', device],
    ] as const) {
      test(`a file or symlink in the place of ${name}: the host's is left alone, nobody waits`, async () => {
        const flag = `--add-file=${sourceFile}:/data:640`;
        await withData(make, async () => {
          const { status, stdout, stderr } = await runBox(backend, [flag], 'stat -c "%F %h %a" /data; cat /data');
          assert.deepEqual([status, stdout, stderr], [0, 'regular file 1 640\nbound\n', '']);
          assert.equal(readFileSync(join(secret, 'marker'), 'utf8'), 'of the host\n');
        });
        await withData(make, async () => {
          const { status, stdout, stderr } = await runBox(backend, ['--symlink=inner:/data'], 'stat -c "%N" /data');
          assert.deepEqual([status, stdout, stderr], [0, "'/data' -> 'inner'\n", '']);
          assert.equal(readFileSync(join(secret, 'marker'), 'utf8'), 'of the host\n');
        });
      });
    }

    for (const [name, target, expected] of [
      ['a directory of the rootfs, by an absolute path', '/inner', 0],
      ['a directory of the rootfs, by ..', `${WAYS_UP}inner`, 0],
      ['a directory of the host', secret, 125],
      ['a directory of the host, by ..', `${WAYS_UP}${secret.slice(1)}`, 125],
      ['the root of another process', `/proc/1/root${secret}`, 125],
    ] as const) {
      test(`files and symlinks below a symlink to ${name}`, () =>
        withData(link(target), async () => {
          const flags = [`--add-file=${sourceFile}:/data/file`, '--symlink=file:/data/link'];
          try {
            const { status, stdout, stderr } = await runBox(backend, flags, 'cat /inner/link');
            assert.deepEqual([status, stdout], [expected, expected === 0 ? 'bound\n' : ''], stderr);
          } finally {
            for (const made of ['inner/file', 'inner/link']) rmSync(inRootfs(made), { force: true });
          }
        }));
    }

    for (const type of ['sysfs', 'mqueue', 'devpts', 'proc', 'cgroup']) {
      test(`a place for ${type} that is a symlink stays in the rootfs, or is refused`, async () => {
        await withData(link('/inner'), async () => {
          const flags = ['--mount', `type=${type},dst=/data`];
          const { stdout, stderr } = await runBox(backend, flags, 'cat /proc/self/mountinfo');
          assert.match(stdout, / \/inner r[wo],/, stderr);
        });
        await withData(link(secret), async () => {
          const { status, stdout } = await runBox(backend, ['--mount', `type=${type},dst=/data`], 'echo started');
          assert.deepEqual([status, stdout], [125, '']);
        });
      });
    }

    test('/proc is a symlink: it is followed inside the rootfs only', async () => {
      const proc = inRootfs('proc');
      for (const [target, expected] of [
        ['inner', 0],
        ['/inner', 0],
        [`${WAYS_UP}inner`, 0],
        [secret, 125],
        [`${WAYS_UP}proc`, 125],
      ] as const) {
        rmSync(proc, { recursive: true });
        symlinkSync(target, proc);
        try {
          const { status, stdout, stderr } = await runBox(backend, [], 'cat /inner/self/comm');
          assert.equal(status, expected, `${target}: ${stderr}`);
          assert.equal(stdout, expected === 0 ? 'cat\n' : '');
        } finally {
          rmSync(proc);
          mkdirSync(proc);
        }
      }
    });

    test('a working directory by symlink stays in the rootfs', () =>
      withData(link(secret), async () => {
        const { status, stdout } = await runBox(backend, ['-w', '/data'], 'cat marker');
        assert.deepEqual([status, stdout], [125, '']);
        for (const dots of ['/inner/../../..', `/${WAYS_UP}`]) {
          const up = await runBox(backend, ['-w', dots], 'ls');
          assert.match(up.stdout, /^inner$/m, up.stderr);
        }
      }));

    test('nothing of the host is in the mount table, and no way leads up', async () => {
      const script = 'cat /proc/self/mountinfo; cd /; cd ../../..; ls; echo "$PWD"; ls -l /proc/self/fd';
      const { stdout, status } = await runBox(backend, ['--bind', `${source}:/inner`], script);
      assert.equal(status, 0);
      const points = stdout.split('\n').flatMap(line => (/^\d+ \d+ \d+:\d+ /.test(line) ? [line.split(' ')[4]] : []));
      assert.deepEqual(points.slice(0, 6), ['/', '/proc', '/dev', '/dev/pts', '/dev/shm', '/inner']);
      // What is masked and read-only in there.
      assert.ok(
        points.slice(6).every(point => point?.startsWith('/proc/')),
        points.join(' '),
      );
      assert.match(stdout, /^inner$/m);
      assert.ok(!existsSync(inRootfs('inner/marker')));
    });
  });

  describe(`a careless operator, ${backend}`, () => {
    test('the rootfs in itself', async () => {
      const { status, stdout, stderr } = await runBox(backend, ['--bind', `${rootfs}:/inner`], 'ls /inner');
      assert.equal(status, 0, stderr);
      assert.match(stdout, /^tmp$/m);
    });

    test('two mounts in one place: the last is seen', async () => {
      const flags = ['--bind', `${source}:/inner`, '--bind', `${secret}:/inner`];
      assert.equal((await runBox(backend, flags, 'cat /inner/marker')).stdout, 'of the host\n');
    });

    test('a mount on /proc after it was mounted', async () => {
      const { stdout } = await runBox(backend, ['--bind', `${source}:/proc`], 'cat /proc/marker');
      assert.equal(stdout, 'bound\n');
    });

    test('the rootfs by a symlink, with slashes, with dots', async () => {
      const pointer = join(directory, `rootfs-${backend}`);
      symlinkSync(rootfs, pointer);
      for (const path of [pointer, `${rootfs}///`, `${rootfs}/./inner/..`]) {
        for (const change of ['pivot_root', 'chroot'] as const) {
          const { stdout } = await run(
            {
              command: ['cat', '/proc/self/comm'],
              rootfs: { path, change },
              mounts: [{ type: 'tmpfs', destination: '/inner' }],
            },
            { backend },
          );
          assert.equal(stdout, 'cat\n', `${path} ${change}`);
        }
      }
    });

    test('the root of the host as rootfs: refused', async () => {
      for (const change of ['pivot_root', 'chroot'] as const) {
        const box = { command: ['cat', '/proc/self/comm'], rootfs: { path: '/', change } };
        await assert.rejects(run(box, { backend }), { name: 'BoxError', message: /^rootfs: must not be "\/"/ });
      }
    });

    test('a rootfs that is mounted read-only, or on a tmpfs of the host', async () => {
      const { stdout, stderr } = await nsgen([
        ...['run', '--backend', backend, '--tmpfs', '/mnt', '--', 'bash', '-c'],
        `mkdir /mnt/box && cp -a ${rootfs}/. /mnt/box/ && mount -o remount,ro /mnt && ` +
          `${process.execPath} ${nsgenPath} run --backend ${backend} --rootfs /mnt/box -- cat /proc/self/comm`,
      ]);
      assert.equal(stdout, 'cat\n', stderr);
    });
  });
}

describe('a rootfs that changes while its box is started, ffi', () => {
  test('a mount point that is now a directory, now a way out: never out', { timeout: 60_000 }, async () => {
    const [one, two] = [inRootfs('data'), inRootfs('other')];
    mkdirSync(one);
    symlinkSync(secret, two);
    // renameat2(RENAME_EXCHANGE) has no program of its own; two renames leave a moment without either, which is fine.
    const swap = 'while :; do mv -T "$1" "$1.x"; mv -T "$2" "$1"; mv -T "$1.x" "$2"; done 2>/dev/null';
    const swapper = spawn('bash', ['-c', swap, 'bash', one, two], { stdio: 'ignore' });
    try {
      const outcomes = { bound: 0, refused: 0 };
      for (let round = 0; round < 200; round++) {
        const mounts = [{ type: 'bind' as const, source, destination: '/data' }];
        const command = ['cat', '/proc/self/mountinfo'];
        const table = await run({ command, rootfs, mounts, dev: false, privileged: true }).then(
          ({ stdout }) => stdout,
          (error: unknown) => {
            assert.ok(error instanceof StartError, String(error));
            assert.match(error.message, /^bind .* on "\/data": (openat2|move_mount|mknodat|mkdirat)\b.*: E[A-Z]+ /);
          },
        );
        outcomes[table === undefined ? 'refused' : 'bound'] += 1;
        if (table === undefined) continue;
        // A mount outside would have gone with the old root: three are all, and the third is where it belongs. It goes
        // too when its mount point is replaced from outside, since Linux 3.18.
        const points = table
          .trimEnd()
          .split('\n')
          .map(line => line.split(' ')[4] ?? '');
        assert.deepEqual(points.slice(0, 2), ['/', '/proc'], table);
        assert.ok(points.slice(2).every(point => /^\/(data|other)/.test(point)) && points.length <= 3, table);
      }
      assert.ok(outcomes.bound > 0 && outcomes.refused > 0, JSON.stringify(outcomes));
    } finally {
      swapper.kill('SIGKILL');
      await new Promise(resolve => swapper.on('close', resolve));
      // The mv that was under way is not the shell's any more.
      await delay(200);
      for (const name of readdirSync(rootfs))
        if (/^(data|other)/.test(name)) rmSync(inRootfs(name), { recursive: true, force: true });
    }
  });
});
