import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, test } from 'node:test';
import { execute, type Finished, nsgen, nsgenPath } from './support/cli.js';
import { installForEveryone } from './support/installed.js';
import { descendants, hostState } from './support/leftovers.js';
import { ownDirectory } from './support/own-directory.js';
import { makeRootfs } from './support/rootfs.js';
import { delay, Session } from './support/session.js';

/** What is under an overlay stays as it is, however the box ends; what is over it is what overlayfs says it is. */

const directory = ownDirectory('overlay');
chmodSync(directory, 0o755);
const rootfs = makeRootfs(['bash', 'cat', 'ls', 'mkdir', 'rm', 'sleep', 'true'], ['proc', 'a/b', 'etc']);
chmodSync(rootfs, 0o755);
writeFileSync(join(rootfs, 'etc/motd'), 'of the rootfs\n');
writeFileSync(join(rootfs, 'a/b/deep'), 'of the rootfs\n');
const UID = 65534;

const WAYS = ['ffi', 'script', 'bash box.sh'] as const;
type Way = (typeof WAYS)[number];

let scripts = 0;
async function wordsFor(way: Way, flags: readonly string[]): Promise<readonly string[]> {
  if (way !== 'bash box.sh') return [process.execPath, nsgenPath, 'run', '--backend', way, ...flags, '--'];
  const { stdout, status } = await nsgen(['script', ...flags, '--', 'true']);
  assert.equal(status, 0);
  const path = join(directory, `box-${++scripts}.sh`);
  writeFileSync(path, stdout);
  return ['bash', path, '--'];
}

async function runBox(way: Way, flags: readonly string[], script: string): Promise<Finished> {
  const [program = '', ...args] = await wordsFor(way, flags);
  return execute(program, [...args, 'bash', '-c', script], { timeout: 20_000, killSignal: 'SIGKILL' });
}

/** Every name, kind, mode, owner, time and content. */
const checksum = (path: string): string =>
  execFileSync('bash', [
    '-c',
    `cd -- "$1" && { find . -printf '%p %y %m %U %G %s %l %T@ %C@\\n' | sort; find . -type f -exec sha256sum {} + | sort; } | sha256sum`,
    'sum',
    path,
  ]).toString();

const untouched = checksum(rootfs);
const state = hostState().filter(line => !line.startsWith('file '));
afterEach(() => {
  assert.deepEqual(descendants(), []);
  assert.deepEqual(
    hostState().filter(line => !line.startsWith('file ')),
    state,
  );
  assert.equal(checksum(rootfs), untouched);
});

let uppers = 0;
const newUpper = (): string => join(directory, `upper-${++uppers}`);
const overlay = ['--rootfs', rootfs, '--overlay'];
/** What nsgen itself makes in a root, and so in upper. */
const contents = (upper: string): readonly string[] =>
  readdirSync(upper)
    .filter(name => name !== 'dev')
    .sort();
const CHANGE = 'rm /etc/motd; rm -r /a; mkdir /a; echo new >/new; echo more >>/usr/bin/cat';

for (const way of WAYS) {
  describe(`an overlay, ${way}`, () => {
    for (const user of ['share', 'unshare']) {
      const userNamespace = [`--${user}`, 'user'];

      test(`keeps what the box changes in upper, and finds it again (${user} user)`, async () => {
        const upper = newUpper();
        const flags = ['--rootfs', rootfs, '--overlay-upper', upper, ...userNamespace];
        assert.deepEqual(summary(await runBox(way, flags, `${CHANGE}; exit 3`)), [3, '', '']);
        assert.deepEqual(contents(upper), ['a', 'etc', 'new', 'usr']);
        assert.equal(lstatSync(upper).mode & 0o7777, 0o755);
        assert.equal(lstatSync(`${upper}.work`).mode & 0o7777, 0o700);
        assert.equal(readFileSync(join(upper, 'new'), 'utf8'), 'new\n');
        const whiteout = lstatSync(join(upper, 'etc/motd'));
        assert.ok(whiteout.isCharacterDevice() && whiteout.rdev === 0, 'a whiteout: overlayfs(5)');
        const again = await runBox(way, flags, 'echo /a/* /etc/* /n*; rm /new; exec /usr/bin/cat /new');
        assert.deepEqual([again.status, again.stdout], [1, '/a/* /etc/* /new\n']);
        assert.deepEqual(contents(upper), ['a', 'etc', 'usr']);
      });
    }

    test('keeps what it makes itself in upper: mount points, and nothing in the rootfs', async () => {
      const upper = newUpper();
      const flags = ['--rootfs', rootfs, '--overlay-upper', upper, '--tmpfs', '/made/here', '--bind', '/etc:/etc2:ro'];
      assert.deepEqual(summary(await runBox(way, flags, 'echo /made/*')), [0, '/made/here\n', '']);
      assert.deepEqual(contents(upper), ['etc2', 'made']);
    });

    test('a command that fails, or does not exist, or is killed, changes nothing below', async () => {
      assert.equal((await runBox(way, overlay, `${CHANGE}; exit 7`)).status, 7);
      assert.equal((await runBox(way, [...overlay, '--share', 'pid'], `${CHANGE}; kill -KILL $$`)).status, 137);
      const [program = '', ...args] = await wordsFor(way, overlay);
      assert.equal((await execute(program, [...args, '/nonexistent'])).status, 127);
    });

    test('the box, or what started it, is killed: nothing is changed below, nothing stays mounted', async () => {
      for (const whom of ['box', 'starter'] as const) {
        const [program = '', ...args] = await wordsFor(way, overlay);
        const session = new Session(program, [...args, 'bash', '-c', `${CHANGE}; echo ready; exec sleep 1000`]);
        await session.until(/ready/);
        const box = await sleepBelow(session.pid);
        process.kill(whom === 'box' ? box : session.pid, 'SIGKILL');
        await session.ended;
        for (let tries = 0; isSleep(box); tries++) {
          assert.ok(tries < 500, 'the box outlives what started it');
          await delay(20);
        }
      }
    });

    test('a second box is refused an upper, and a work directory, that is in use; not one that was', async () => {
      const upper = newUpper();
      const flags = ['--rootfs', rootfs, '--overlay-upper', upper];
      const [program = '', ...args] = await wordsFor(way, flags);
      const session = new Session(program, [...args, 'bash', '-c', 'echo ready; read -r; echo end']);
      await session.until(/ready/);
      const sameWork = ['--rootfs', rootfs, '--overlay-upper', newUpper(), '--overlay-work', `${upper}.work`];
      for (const other of WAYS) {
        for (const taken of [flags, [...flags, '--unshare', 'user'], sameWork]) {
          const { status, stdout, stderr } = await runBox(other, taken, 'echo inside');
          assert.deepEqual([status, stdout], [125, '']);
          assert.match(stderr, / in use/);
        }
      }
      session.type('\n');
      assert.deepEqual((await session.ended).status, 0);
      for (let round = 0; round < 5; round++)
        assert.deepEqual(summary(await runBox(way, flags, 'sleep 1000 <&0 & echo again')), [0, 'again\n', '']);
    });

    test('two overlays may be on top of each other, and three may not', async () => {
      const tower = async (depth: number): Promise<Finished> => {
        const words = await wordsFor(way, ['--overlay-lower', join(directory, 'base'), ...['--overlay-lower', rootfs]]);
        const mounts = Array.from({ length: depth }, () => 'mount -t overlay -o "lowerdir=$0:$1" none "$0"').join(
          ' && ',
        );
        return execute('unshare', [
          ...['--mount', '--propagation', 'private', '--', 'bash', '-c', `${mounts} && shift && exec "$@"`],
          ...[join(directory, 'base'), join(directory, 'empty'), ...words, 'bash', '-c', 'echo inside'],
        ]);
      };
      for (const name of ['base', 'empty']) mkdirSync(join(directory, name), { recursive: true });
      assert.deepEqual(summary(await tower(1)), [0, 'inside\n', '']);
      const { status, stdout, stderr } = await tower(2);
      assert.deepEqual([status, stdout], [125, '']);
      assert.match(
        stderr,
        way === 'ffi' ? /EINVAL .*a lower layer may be an overlay, but not of overlays/ : /overlay.*failed/s,
      );
    });
  });
}

const summary = ({ status, stdout, stderr }: Finished) => [status, stdout, stderr];

/** It says that it is ready a moment before it is sleep. */
async function sleepBelow(pid: number): Promise<number> {
  for (let tries = 0; tries < 500; tries++) {
    const box = descendants(pid).find(isSleep);
    if (box !== undefined) return box;
    await delay(10);
  }
  process.kill(pid, 'SIGKILL');
  throw new Error('the command is not there');
}

function isSleep(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8') === 'sleep\x001000\0';
  } catch {
    return false;
  }
}

test('two boxes that start at the same moment never have one upper', async () => {
  const upper = newUpper();
  const flags = ['--rootfs', rootfs, '--overlay-upper', upper];
  // mkdir: one of two that ran at once would find it made already.
  const script = 'mkdir /alone && sleep 0.05 && rm -r /alone && echo alone';
  const results = await Promise.all(
    Array.from({ length: 12 }, (_, index) => runBox(WAYS[index % WAYS.length] ?? 'ffi', flags, script)),
  );
  const outcomes = results.map(({ status, stdout, stderr }) =>
    status === 0 ? stdout : (/in use/.exec(stderr)?.[0] ?? stderr),
  );
  assert.ok(outcomes.includes('alone\n'), outcomes.join());
  assert.deepEqual(
    outcomes.filter(outcome => outcome !== 'alone\n' && outcome !== 'in use'),
    [],
  );
});

describe('an overlay that is refused before anything is done', () => {
  const file = join(directory, 'file');
  writeFileSync(file, '');
  const link = join(directory, 'link');
  symlinkSync('empty', link);
  symlinkSync(rootfs, join(directory, 'to-rootfs'));
  mkdirSync(join(directory, 'empty'), { recursive: true });
  mkdirSync(join(directory, 'full/work'), { recursive: true });
  mkdirSync(join(directory, 'other'));
  const at = (name: string): string => join(directory, name);
  const shown = (name: string): string => JSON.stringify(at(name));

  const REFUSED: readonly (readonly [flags: readonly string[], ...lines: readonly string[]])[] = [
    [
      ['--overlay-lower', at('none'), '--overlay-lower', file],
      `overlay.lower[0]: there is no directory ${shown('none')}`,
      `overlay.lower[1]: there is no directory ${shown('file')}`,
    ],
    [['--rootfs', at('none'), '--overlay'], `rootfs: there is no directory ${shown('none')}`],
    [
      ['--rootfs', rootfs, '--overlay-upper', link],
      `overlay.upper: ${shown('link')} is a symbolic link: name the directory that it leads to`,
    ],
    [
      ['--rootfs', rootfs, '--overlay-upper', `${link}/`],
      `overlay.upper: ${shown('link')} is a symbolic link: name the directory that it leads to`,
    ],
    [['--rootfs', rootfs, '--overlay-upper', file], `overlay.upper: ${shown('file')} is not a directory`],
    [
      ['--rootfs', rootfs, '--overlay-upper', at('none/upper')],
      `overlay.upper: there is no directory ${shown('none')} to make ${shown('none/upper')} in`,
    ],
    [
      ['--rootfs', rootfs, '--overlay-upper', at('up'), '--overlay-work', at('full')],
      `overlay.work: ${shown('full')} is not empty (it has "work"): overlayfs empties its work directory`,
    ],
    [
      ['--rootfs', rootfs, '--overlay-upper', at('up'), '--overlay-work', '/dev/shm/nsgen-work'],
      `overlay.work: "/dev/shm/nsgen-work" is not on the file system of ${shown('up')}: overlayfs needs it there`,
    ],
    [
      ['--rootfs', rootfs, '--overlay-upper', join(at('to-rootfs'), 'new')],
      `overlay.upper: is inside ${JSON.stringify(rootfs)} (rootfs): layers must not contain each other`,
    ],
    [
      ['--rootfs', rootfs, '--overlay-lower', at('to-rootfs')],
      'rootfs: is the same directory as overlay.lower[0]: each layer must be one of its own',
    ],
    [['--overlay-lower', '/proc/self/root', '--overlay-lower', rootfs], 'overlay.lower[0]: must not lead to "/"'],
  ];
  for (const backend of ['ffi', 'script']) {
    for (const [flags, ...lines] of REFUSED) {
      test(`${backend}: ${lines.join(', ').replaceAll(directory, '')}`, async () => {
        const names = readdirSync(directory);
        const { status, stdout, stderr } = await nsgen(['run', '--backend', backend, ...flags, '--', 'true']);
        assert.deepEqual(
          stderr.trimEnd().split('\n'),
          lines.map(line => `nsgen: ${line}`),
        );
        assert.deepEqual([status, stdout], [2, '']);
        assert.deepEqual(readdirSync(directory), names);
      });
    }
  }

  test('box.sh by itself refuses them too', async () => {
    for (const [flags] of REFUSED) {
      const names = readdirSync(rootfs);
      const { status, stdout, stderr } = await runBox('bash box.sh', flags, 'echo inside');
      assert.ok(status === 2 || status === 125, `${flags.join(' ')}: ${status}`);
      assert.equal(stdout, '');
      assert.match(stderr, /^box\.sh: |: failed$/m);
      assert.deepEqual(readdirSync(rootfs), names);
      assert.deepEqual(readdirSync(join(directory, 'full')), ['work']);
    }
  });
});

describe('an overlay of an ordinary user', () => {
  const installed = installForEveryone(join(directory, 'nsgen'));
  const asNobody = ['--reuid', String(UID), '--regid', String(UID), '--clear-groups', '--'];

  for (const backend of ['ffi', 'script']) {
    test(`${backend}: kept, and thrown away`, async () => {
      const place = join(directory, `of-nobody-${backend}`);
      execFileSync('install', ['-d', '-o', String(UID), place]);
      const upper = join(place, 'upper');
      const run = (flags: readonly string[], script: string) =>
        execute(
          'setpriv',
          [
            ...asNobody,
            ...[...installed, 'run', '--backend', backend, '--rootfs', rootfs, ...flags, '--', 'bash', '-c', script],
          ],
          { cwd: '/' },
        );
      assert.deepEqual(summary(await run(['--overlay'], 'echo x >/new; cat /new')), [0, 'x\n', '']);
      // Of the rootfs, which is another's, it may change what it may change: nothing but its own.
      assert.deepEqual(summary(await run(['--overlay-upper', upper], 'echo x >/new; cat /new')), [0, 'x\n', '']);
      assert.ok(existsSync(join(upper, 'new')));
      assert.equal(lstatSync(join(upper, 'new')).uid, UID);
      const { status } = await run(['--overlay-upper', upper], 'rm /new; [[ ! -e /new ]]');
      assert.equal(status, 0);
      // The kernel's work directory has no permissions at all.
      execFileSync('rm', ['-rf', place]);
    });
  }
});

/** Not by accident: the same changes without an overlay are changes. */
test('the checksum sees what an overlay prevents', async () => {
  const copy = join(directory, 'copy');
  execFileSync('cp', ['-a', rootfs, copy]);
  const before = checksum(copy);
  await runBox('ffi', ['--rootfs', copy], 'echo >/new');
  assert.notEqual(checksum(copy), before);
});
