import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, describe, test } from 'node:test';
import { BACKEND_NAMES } from '../src/index.js';
import { execute, type Finished, nsgen } from './support/cli.js';
import { descendants, hostState } from './support/leftovers.js';
import { ownDirectory } from './support/own-directory.js';
import { makeRootfs, removeRootfs } from './support/rootfs.js';

/**
 * A command that wants out of its box. Its tool is perl, which has the system calls that no program of coreutils makes.
 * Each attack is also made on a box that can be left that way: an attack that never works proves nothing.
 */

const directory = ownDirectory('break-out');
chmodSync(directory, 0o755);
const secret = join(directory, 'secret');
mkdirSync(secret);
writeFileSync(join(secret, 'marker'), 'of the host\n');

const rootfs = makeRootfs(['bash', 'perl', 'setpriv', 'cat', 'ls'], ['proc', 'dev', 'tmp', 'jail']);
chmodSync(rootfs, 0o755);
after(() => removeRootfs(rootfs));

const state = hostState();
afterEach(() => {
  assert.deepEqual(descendants(), []);
  assert.deepEqual(hostState(), state);
});

const OUT = 'OUT';
/** x86-64 and arm64 have other numbers. */
const NUMBERS =
  process.arch === 'x64'
    ? { umount2: 166, setns: 308, unshare: 272, mount: 165, pivot_root: 155 }
    : { umount2: 39, setns: 268, unshare: 97, mount: 40, pivot_root: 41 };

/** What all attacks end with: a look at the host's file by the host's path, from every root that was reached. */
const LOOK = `
my ($root, $jail, $none) = ("/", "/jail", "");
sub look { my $how = shift; for my $place (@_) { print "${OUT} $how $place\\n" if -e "$place${secret}/marker" } }
`;

/** mkdir, chroot, and up: the working directory stays outside of the new root, and ".." does not stop there. chroot(2) */
const UP = `
opendir(my $here, "/") or die; mkdir "/jail"; chroot "/jail" or print "chroot: $!\\n"; chdir($here);
chdir ".." for 1..64; look("up", "."); chroot "."; look("up, and chroot", "");
`;

/** What is mounted over the host's root is taken away, and the namespace entered again: its root is what was below. umount(2) */
const UNCOVER = `
open(my $ns, "<", "/proc/self/ns/mnt") or print "ns: $!\\n";
for my $flags (0, 2) { for (1..8) { syscall(${NUMBERS.umount2}, $root, $flags) } look("umount", "", "/..") }
syscall(${NUMBERS.setns}, fileno($ns), 0) if $ns; look("setns after umount", "", "/..");
`;

/** Into the box's own mount namespace again: its root is what lies on top of all there. setns(2) */
const REENTER = `
if (open(my $ns, "<", "/proc/self/ns/mnt")) { syscall(${NUMBERS.setns}, fileno($ns), 0); look("setns", "", "/..") }
`;

/** The root gives way to another, in a copy of the box's mounts. mount(2): MS_BIND|MS_REC is 20480; pivot_root(2) */
const MOVE = `
syscall(${NUMBERS.unshare}, 0x20000); syscall(${NUMBERS.mount}, $jail, $jail, $none, 20480, 0);
chdir $jail; mkdir "old"; my $old = "old"; my $here = "."; syscall(${NUMBERS.pivot_root}, $here, $old);
look("pivot_root", "", "/old", "/old/..", "/..");
opendir(my $held, "/old"); chdir($held); syscall(${NUMBERS.umount2}, $here, 2);
chdir ".." for 1..64; look("up after umount", ".", "/..");
`;

/** What /proc says of all processes is seen from the box's root. proc(5) */
const LINKS = `
opendir(my $proc, "/proc"); my @pids = ("self", grep { /^[0-9]+$/ } readdir $proc);
for my $pid (@pids) {
  for my $link ("root", "cwd", map { "fd/$_" } 0..63) { look("/proc", "/proc/$pid/$link", "/proc/$pid/$link/..") }
  my $exe = readlink("/proc/$pid/exe"); print "${OUT} exe $exe\\n" unless $exe =~ m{^/usr/bin/(?:perl|bash|setpriv)$};
}
`;

const ATTACKS = { up: UP, uncover: UNCOVER, reenter: REENTER, move: MOVE, links: LINKS };
type Attack = keyof typeof ATTACKS;

for (const [name, text] of Object.entries(ATTACKS))
  writeFileSync(join(rootfs, `${name}.pl`), `$| = 1;${LOOK}${text}print "done\\n";`);

/** Each in a process of its own: one that has moved itself elsewhere says nothing about the next. */
const attack = (name: Attack): readonly string[] => ['perl', `/${name}.pl`];

const runBox = (flags: readonly string[], command: readonly string[]): Promise<Finished> =>
  nsgen(['run', '--rootfs', rootfs, ...flags, '--', ...command], { timeout: 20_000, killSignal: 'SIGKILL' });

const WITHOUT = {
  'with all capabilities': [],
  'without CAP_SYS_ADMIN': ['setpriv', '--bounding-set', '-sys_admin', '--inh-caps=-all', '--'],
  'without CAP_SYS_CHROOT': ['setpriv', '--bounding-set', '-sys_chroot', '--inh-caps=-all', '--'],
  'without either': ['setpriv', '--bounding-set', '-sys_admin,-sys_chroot', '--inh-caps=-all', '--'],
} as const;

for (const backend of BACKEND_NAMES) {
  describe(`no way out, ${backend}`, () => {
    for (const [namespaces, flags] of Object.entries({ root: [], 'a user namespace': ['--unshare', 'user'] })) {
      for (const [capabilities, words] of Object.entries(WITHOUT)) {
        test(`${namespaces}, ${capabilities}`, async () => {
          for (const name of ['up', 'uncover', 'reenter', 'move', 'links'] as const) {
            const box = ['--backend', backend, ...flags];
            const { status, stdout, stderr } = await runBox(box, [...words, ...attack(name)]);
            assert.equal(status, 0, `${name}: ${stderr}`);
            assert.match(stdout, /^done$/m, name);
            assert.ok(!stdout.includes(OUT), `${name}: ${stdout}`);
          }
        });
      }
    }

    test('there is one mount at the root, and nothing below it', async () => {
      const { stdout } = await runBox(['--backend', backend], ['cat', '/proc/self/mountinfo']);
      const roots = stdout.split('\n').filter(line => line.split(' ')[4] === '/');
      assert.equal(roots.length, 1, stdout);
    });

    test('a root entered by chroot alone can be left: what the attack is worth', async () => {
      const { stdout } = await runBox(['--backend', backend, '--chroot'], attack('up'));
      assert.match(stdout, new RegExp(`^${OUT} up`, 'm'));
    });
  });
}

describe('what the attacks are worth', () => {
  /** The root is laid over the host's, as switch_root(8) does it, and the host stays below. */
  const COVERED = [
    ...['--fork', '--pid', '--mount', '--propagation', 'private', 'bash', '-c'],
    `cd "$1" && mount --rbind . . && cd "$1" && mount -t proc proc proc && mount --move . / && shift &&
     exec unshare --root=. -- "$@"`,
    ...['bash', rootfs],
  ];

  test("a root that only covers the host's is uncovered", async () => {
    const { stdout, stderr } = await execute('unshare', [...COVERED, ...attack('uncover')]);
    assert.match(stdout, new RegExp(`^${OUT} setns after umount`, 'm'), stderr);
  });

  test('a link of /proc leads to the host where pids are shared with it', async () => {
    const { stdout } = await runBox(['--share', 'pid'], attack('links'));
    assert.match(stdout, new RegExp(`^${OUT} /proc /proc/${process.pid}/root$`, 'm'));
  });
});
