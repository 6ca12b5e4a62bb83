import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { makeRootfs, removeRootfs } from '../support/rootfs.js';

/**
 * What a command does that wants out of its box. Its tool is perl, which has the system calls that no program of coreutils
 * makes.
 */

const secret = mkdtempSync(join(tmpdir(), 'break-out-'));
after(() => rmSync(secret, { recursive: true, force: true }));
chmodSync(secret, 0o755);
writeFileSync(join(secret, 'marker'), 'of the host\n');

export const rootfs = makeRootfs(['bash', 'perl', 'setpriv', 'cat', 'ls'], ['proc', 'dev', 'tmp', 'jail']);
chmodSync(rootfs, 0o755);
after(() => removeRootfs(rootfs));

/** A line that says so begins with it. */
export const OUT = 'OUT';
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
  my $exe = readlink("/proc/$pid/exe"); print "${OUT} exe $exe\\n" unless $exe =~ m{^(?:/usr/bin/(?:perl|bash|setpriv)|/memfd:nsgen-init \\(deleted\\))$};
}
`;

const ATTACKS = { up: UP, uncover: UNCOVER, reenter: REENTER, move: MOVE, links: LINKS };
type Attack = keyof typeof ATTACKS;

for (const [name, text] of Object.entries(ATTACKS))
  writeFileSync(join(rootfs, `${name}.pl`), `$| = 1;${LOOK}${text}print "done\\n";`);

/** All of them, the one that takes the root away at last. Each prints "done" at its end. */
const ORDER: readonly Attack[] = ['links', 'reenter', 'up', 'move', 'uncover'];
export const allAttacks = ORDER.map(name => `perl /${name}.pl`).join('; ');
export const NUMBER_OF_ATTACKS = ORDER.length;

/** Each in a process of its own: one that has moved itself elsewhere says nothing about the next. */
export const attack = (name: Attack): readonly string[] => ['perl', `/${name}.pl`];
