import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, describe, test } from 'node:test';
import { BACKEND_NAMES, type BackendName, type BoxInput, CommandError, run, StartError, script } from '../src/index.js';
import { packageRoot } from '../src/package-root.js';
import { execute } from './support/cli.js';
import { descendants, hostState } from './support/leftovers.js';
import { ownDirectory } from './support/own-directory.js';
import { makeRootfs, removeRootfs } from './support/rootfs.js';
import { whileSwapping } from './support/swapping.js';

/**
 * Somebody swaps a directory of the rootfs for a symlink to the host, and back, up to some hundred thousand times a second,
 * while boxes start: what is mounted must land in the rootfs or not at all, and nothing is ever made on the host.
 */

const directory = ownDirectory('swapped');
const secret = join(directory, 'secret');
mkdirSync(secret);
writeFileSync(join(secret, 'marker'), 'of the host\n');
const source = join(directory, 'source');
mkdirSync(source);
writeFileSync(join(source, 'file'), 'bound\n');

const rootfs = makeRootfs(['cat'], ['proc', 'dev', 'here/deeper']);
symlinkSync(secret, join(rootfs, 'there'));
symlinkSync(secret, join(rootfs, 'not-dev'));
mkdirSync(join(rootfs, 'not-proc/self'), { recursive: true });
writeFileSync(join(rootfs, 'not-proc/self/mountinfo'), '');
after(() => removeRootfs(rootfs));

const state = hostState();
afterEach(() => {
  assert.deepEqual(descendants(), []);
  assert.deepEqual(hostState(), state);
  assert.deepEqual(readdirSync(secret), ['marker']);
});

const AT_ONCE = 4;

/** The mount table that each box shows; undefined for one that was refused. */
async function tables(backend: BackendName, box: BoxInput, count: number): Promise<readonly (string | undefined)[]> {
  const once = backend === 'ffi' ? direct(box) : byScript(await script(box));
  const shown: (string | undefined)[] = [];
  const worker = async () => {
    while (shown.length < count) shown.push(await once());
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return shown;
}

const direct = (box: BoxInput) => () =>
  run(box).then(
    ({ stdout }) => stdout,
    (error: unknown) => {
      assert.ok(error instanceof StartError || isUnseen(error), String(error));
      return undefined;
    },
  );

/** The table itself is in /proc: where that is swapped, cat may find none. */
const isUnseen = (error: unknown) => error instanceof CommandError && error.result.exitStatus === 1;

const byScript = (text: string) => async () => {
  const { status, stdout, stderr } = await execute('bash', ['-s'], { input: text });
  assert.ok(status === 0 || status === 125 || /^\S*cat: /.test(stderr), stderr);
  return status === 0 ? stdout : undefined;
};

interface Mount {
  readonly id: string;
  readonly parent: string;
  readonly point: string;
  readonly options: string;
  readonly type: string;
}

function mountsOf(table: string): readonly Mount[] {
  return table
    .trimEnd()
    .split('\n')
    .map(line => {
      const [id = '', parent = '', , , point = '', options = ''] = line.split(' ');
      return { id, parent, point, options, type: / - (\S+) /.exec(line)?.[1] ?? '' };
    });
}

const SHOW = ['/usr/bin/cat', '/proc/self/mountinfo'];

for (const backend of BACKEND_NAMES) {
  describe(`a rootfs that changes while its box is started, ${backend}`, () => {
    test('mount points that lead now into the rootfs, now out of it', { timeout: 120_000 }, () =>
      whileSwapping(join(rootfs, 'here'), join(rootfs, 'there'), backend === 'ffi' ? 0 : 0.03, async () => {
        const shown = await tables(
          backend,
          {
            command: SHOW,
            rootfs,
            mounts: [
              { type: 'tmpfs', destination: '/here/deeper' },
              { type: 'bind', source, destination: '/here/made/by nsgen', readOnly: true },
              { type: 'bind', source: join(source, 'file'), destination: '/here/file', readOnly: true },
            ],
          },
          500,
        );
        const started = shown.flatMap(table => (table === undefined ? [] : [mountsOf(table)]));
        // Where a mount has missed the rootfs, its line is missing in the table: it has gone with the old root.
        for (const mounts of started) {
          const found = mounts.filter(({ point }) => /^\/(?:here|there)\//.test(point));
          assert.deepEqual(
            found.map(({ point }) => point.replace(/^\/(?:here|there)/, '')),
            ['/deeper', '/made/by\\040nsgen', '/file'],
          );
          const [, made, file] = found;
          assert.match(made?.options ?? '', /^ro,/);
          assert.match(file?.options ?? '', /^ro,/);
        }
        assert.ok(started.length > 0 && started.length < shown.length, `${started.length} of ${shown.length} started`);
      }),
    );

    test('a source that is now one directory, now another, is read-only all the same', {
      timeout: 120_000,
    }, async () => {
      const [one, two] = [join(directory, `one-${backend}`), join(directory, `two-${backend}`)];
      mkdirSync(one);
      symlinkSync(source, two);
      await whileSwapping(one, two, 0, async () => {
        const mounts = [{ type: 'bind' as const, source: one, destination: '/proc/tty', readOnly: true }];
        const shown = await tables(backend, { command: SHOW, rootfs, mounts }, 200);
        for (const table of shown) {
          assert.ok(table !== undefined, 'either can be bound');
          const bound = mountsOf(table).find(({ point }) => point === '/proc/tty');
          assert.match(bound?.options ?? 'not there', /^ro,/, table);
        }
      });
    });

    test('a masked file, in a directory that is swapped for another, is masked or the box is refused', {
      timeout: 120_000,
    }, async () => {
      const names = [`masked-${backend}`, `unmasked-${backend}`] as const;
      const [one, two] = [join(rootfs, names[0]), join(rootfs, names[1])];
      for (const [path, name] of [
        [one, 'of one'],
        [two, 'of two'],
      ] as const) {
        mkdirSync(path);
        writeFileSync(join(path, 'marker'), `${name}\n`);
      }
      // Under both names there is a file to be masked; what is swapped is the directory that it is in.
      await whileSwapping(one, two, backend === 'ffi' ? 0 : 0.03, async () => {
        const mask = `/${names[0]}/marker`;
        const shown = await tables(backend, { command: SHOW, rootfs, maskedPaths: [mask] }, 100);
        const started = shown.flatMap(table => (table === undefined ? [] : [mountsOf(table)]));
        for (const mounts of started) {
          const masks = mounts.filter(({ point }) => names.some(name => point === `/${name}/marker`));
          assert.deepEqual(
            masks.map(({ type }) => type),
            ['tmpfs'],
          );
        }
        assert.ok(started.length > 0);
      });
    });

    test('a /dev that leads out of the rootfs as soon as something is mounted there', { timeout: 120_000 }, () =>
      whileSwapping(join(rootfs, 'dev'), join(rootfs, 'not-dev'), backend === 'ffi' ? 0 : 0.01, async () => {
        for (const table of await tables(backend, { command: SHOW, rootfs }, 150)) {
          if (table === undefined) continue;
          const points = mountsOf(table).map(({ point }) => point.replace(/^\/not-dev/, '/dev'));
          assert.deepEqual(
            points.filter(point => point.startsWith('/dev')),
            ['/dev', '/dev/pts', '/dev/shm'],
          );
        }
      }),
    );

    test('a /proc that is another directory while paths in it are masked', { timeout: 120_000 }, async () => {
      const covered = (table: string | undefined) => {
        const mounts = mountsOf(table ?? '');
        const proc = mounts.find(({ type, point }) => type === 'proc' && /^\/(?:not-)?proc$/.test(point));
        if (proc === undefined) return undefined;
        return mounts.flatMap(({ parent, point, options }) =>
          parent === proc.id ? [`${point.replace(/^\/(?:not-)?proc/, '')} ${options}`] : [],
        );
      };
      const box = { command: SHOW, rootfs, dev: false };
      const expected = covered((await tables(backend, box, 1))[0]);
      assert.ok(
        expected?.some(line => line.startsWith('/sys ro,')),
        expected?.join(),
      );
      await whileSwapping(join(rootfs, 'proc'), join(rootfs, 'not-proc'), backend === 'ffi' ? 0 : 0.005, async () => {
        for (const table of await tables(backend, box, 150)) {
          const found = covered(table);
          if (found !== undefined) assert.deepEqual(found, expected);
        }
      });
    });

    test('a path with ".." while something else is renamed is looked up again', { timeout: 120_000 }, async () => {
      const [one, two] = [join(directory, `this-${backend}`), join(directory, `that-${backend}`)];
      for (const path of [one, two]) mkdirSync(path);
      symlinkSync(`/${'here/deeper/../../'.repeat(60)}here/deeper`, join(rootfs, `long-${backend}`));
      await whileSwapping(one, two, 0, async () => {
        const mounts = [{ type: 'tmpfs' as const, destination: `/long-${backend}` }];
        const shown = await tables(backend, { command: SHOW, rootfs, mounts }, 200);
        for (const table of shown)
          assert.ok(table !== undefined && mountsOf(table).some(({ point }) => point === '/here/deeper'));
      });
    });
  });
}

/** A program that starts one box again and again by the library, and writes how each has ended on a line of its own. */
const starting = (box: BoxInput, times: number) => `
import { run, StartError } from ${JSON.stringify(join(packageRoot, 'dist', 'index.js'))};
for (let round = 0; round < ${times}; round++) {
  const options = { stdin: 'inherit', reject: false };
  const { exitStatus, stdout = '' } = await run(${JSON.stringify(box)}, options).catch(error => {
    if (error instanceof StartError) return error;
    throw error;
  });
  console.log(stdout + 'ended ' + exitStatus);
}`;
const program = (text: string): readonly string[] => [process.execPath, '--input-type=module', '--eval', text];

/** What each box has written, with the line of its end. */
const endsOf = (output: string): readonly string[] => output.split(/(?<=^ended \d+\n)/m).filter(text => text !== '');

/** By script, this is the one thing that stays open: its header says so. */
test('a working directory that is now a descriptor of the host: never there, ffi', { timeout: 120_000 }, async () => {
  const [one, two] = [join(rootfs, 'work'), join(rootfs, 'descriptor')];
  mkdirSync(one);
  symlinkSync('/proc/self/fd/0', two);
  const box = { command: ['/usr/bin/cat', 'marker'], rootfs, cwd: '/work' };
  await whileSwapping(one, two, 0, async () => {
    const words = program(starting(box, 400));
    const { status, stdout, stderr } = await execute('bash', ['-c', 'exec "$@" <"$0"', secret, ...words]);
    assert.equal(status, 0, stderr);
    const ends = endsOf(stdout);
    assert.equal(ends.length, 400);
    // The directory of the rootfs has no such file, or the box is refused.
    for (const text of ends) assert.match(text, /^ended (?:1|125)\n$/);
  });
});

/** A mount of the host that looks like the rootfs. How each box ends is a line of its own. */
const WITH_MOUNT = 'mount -n -t tmpfs tmpfs "$1" && cp -a -- "$2"/. "$1"/ && shift 2 && exec "$@"';

const STARTS: Readonly<Record<BackendName, (box: BoxInput, times: number) => Promise<readonly string[]>>> = {
  ffi: async (box, times) => program(starting(box, times)),
  script: async (box, times) => {
    const file = join(directory, 'swapped.sh');
    writeFileSync(file, await script(box));
    return ['bash', '-c', `for ((i = 0; i < ${times}; i++)); do bash "$0" 2>/dev/null; echo "ended $?"; done`, file];
  },
};

for (const [backend, times, pause] of [
  ['ffi', 500, 0.005],
  ['script', 150, 0.02],
] as const) {
  test(`a rootfs that is swapped for a mount of the host is either, with all its mounts, ${backend}`, {
    timeout: 120_000,
  }, async () => {
    const [one, two] = [join(directory, `root-${backend}`), join(directory, `link-${backend}`)];
    const host = join(directory, `host-${backend}`);
    for (const path of [one, host]) mkdirSync(path);
    execFileSync('cp', ['-a', `${rootfs}/.`, one]);
    symlinkSync(host, two);
    const words = await STARTS[backend]({ command: SHOW, rootfs: one, dev: false }, times);
    const inside = ['--mount', '--propagation', 'private', 'bash', '-c', WITH_MOUNT, 'host', host, rootfs, ...words];
    await whileSwapping(one, two, pause, async () => {
      const { status, stdout, stderr } = await execute('unshare', inside);
      assert.equal(status, 0, stderr);
      const ends = endsOf(stdout);
      assert.equal(ends.length, times);
      for (const text of ends) {
        assert.match(text, /ended (?:0|125)\n$/);
        if (text.endsWith('ended 0\n')) assert.match(text, / \/proc\/sys ro,/);
      }
      assert.ok(ends.some(text => text.endsWith('ended 0\n')));
    });
  });
}
