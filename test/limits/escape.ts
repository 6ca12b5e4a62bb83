import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { type BoxInput, start } from '../../src/index.js';
import { assertNothingLeft, ownTemporaryDirectory } from '../differential/leftovers.js';
import { cgroupOf } from '../support/cgroups.js';
import { descendants } from '../support/leftovers.js';
import { makeRootfs, removeRootfs } from '../support/rootfs.js';

/**
 * A command that tries to leave its cgroup. Where nothing stops it, it succeeds, and the test says so: an attack that
 * never works proves nothing. It changes nothing but the cgroup that it knows, by its limit, for its own.
 */

const LIMIT = 47;

/** Begins with a process in a session of its own whose parent is gone; then a word for each way that worked. */
const ATTACK = `
use strict;
use POSIX;
my $pid = fork;
if (defined $pid && !$pid) { POSIX::setsid(); if (!fork) { sleep 1000 } POSIX::_exit(0) }
waitpid $pid, 0 if defined $pid;

sub put {
  my ($file, $text) = @_;
  my $descriptor = POSIX::open($file, O_WRONLY) // return 0;
  my $written = POSIX::write($descriptor, $text, length $text);
  POSIX::close($descriptor);
  return defined $written;
}
sub limit { open my $file, "<", "$_[0]/pids.max" or return ""; my $line = <$file>; chomp $line; return $line }

my @worked;
my $place = "/tmp/attack";
mkdir $place;
for my $mount (["-o", "pids", "-t", "cgroup"], ["-t", "cgroup2"]) {
  next if system("mount -n -i @$mount none $place 2>/dev/null");
  # Whose it is: its own has its limit.
  if (limit($place) eq "${LIMIT}") {
    push @worked, "sees its own";
    push @worked, "sees others" if grep { !-l && -d } glob "$place/nsgen-*";
    # Opened and no more: it would be the whole host's.
    push @worked, "release_agent" if defined POSIX::open("$place/release_agent", O_WRONLY);
    push @worked, "inner cgroup" if mkdir("$place/inner") && put("$place/inner/cgroup.procs", $$);
    push @worked, "limit" if put("$place/pids.max", "${LIMIT + 1}");
  } elsif (-e "$place/cgroup.procs") {
    push @worked, "sees above" if !-e "$place/cgroup.type" && glob "$place/*/pids.max";
  }
  system("umount -n -i $place");
}
# By what the host has mounted: the top of the hierarchy.
open my $mounts, "<", "/proc/self/mountinfo";
for (<$mounts>) {
  next unless / - cgroup2 / || / - cgroup .*\\bpids\\b/;
  my $point = (split)[4];
  push @worked, "left" if glob("$point/*/pids.max") && put("$point/cgroup.procs", $$);
}
$| = 1;
my %seen;
print join(", ", sort grep { !$seen{$_}++ } @worked), "\\n";
<STDIN>`;

interface Attempt {
  readonly said: string;
  /** Of each process of the box, the directory of its cgroup. */
  readonly directories: readonly string[];
}

async function attempt(backend: 'ffi' | 'script', box: BoxInput): Promise<Attempt> {
  const running = await start(box, { backend, stdin: 'pipe', stdout: 'pipe', stderr: 'inherit' });
  const said = await new Promise<string>(resolve => {
    let text = '';
    running.stdout?.on('data', chunk => {
      text += String(chunk);
      if (text.endsWith('\n')) resolve(text.trimEnd());
    });
    running.stdout?.once('close', () => resolve(`ended: ${text}`));
  });
  const processes = [running.pid, ...descendants(running.pid)].filter(pid => nameOf(pid) === 'perl');
  const directories = processes.map(pid => cgroupOf(pid, 'pids').directory);
  running.stdin?.end();
  await running.ended;
  return { said, directories };
}

const nameOf = (pid: number): string => readFileSync(`/proc/${pid}/comm`, 'latin1').trim();

/** Below the cgroup of the box, if not in it. */
const isInside = (directory: string): boolean => /\/nsgen-\d+-\d+-\d+(-\d+)?(\/inner)?$/.test(directory);

export function testEscapes(): void {
  describe('a command that tries to leave its cgroup', () => {
    const temporary = ownTemporaryDirectory();
    let rootfs: string;
    before(() => {
      rootfs = makeRootfs(['sh', 'perl', 'mount', 'umount'], ['proc', 'tmp', 'dev']);
    });
    after(async () => {
      removeRootfs(rootfs);
      await assertNothingLeft(temporary);
      temporary.remove();
    });

    const command: [string, ...string[]] = ['perl', '-e', ATTACK];
    const resources = { pids: { limit: LIMIT } };
    const tmpfs = { type: 'tmpfs', destination: '/tmp' } as const;
    // What perl loads.
    const modules = execFileSync('perl', ['-e', 'print join "\\n", grep -d, @INC'], { encoding: 'utf8' })
      .split('\n')
      .map(path => ({ type: 'bind', source: path, destination: path, readOnly: true }) as const);
    const BOXES: Readonly<Record<string, readonly [() => BoxInput, said: RegExp, stays: boolean]>> = {
      'root, in the tree of the host, does': [() => ({ command, resources, mounts: [tmpfs] }), /\bleft\b/, false],
      'root, in a rootfs, stays in it, although it may change its own limit': [
        () => ({ command, resources, rootfs, mounts: [tmpfs, ...modules] }),
        /^inner cgroup, limit, sees its own$/,
        true,
      ],
      'root of a user namespace, in a rootfs, stays in it': [
        () => ({
          command,
          resources,
          rootfs,
          namespaces: { user: 'new' },
          mounts: [tmpfs, ...modules],
        }),
        /^(inner cgroup, limit, sees its own)?$/,
        true,
      ],
    };
    for (const [name, [box, said, stays]] of Object.entries(BOXES))
      for (const backend of ['ffi', 'script'] as const)
        test(`${backend}: ${name}`, async () => {
          const result = await attempt(backend, box());
          assert.match(result.said, said);
          // The first, and the one that has made itself independent before anything else.
          assert.equal(result.directories.length, 2);
          if (stays) assert.deepEqual(result.directories.filter(isInside), result.directories);
          else assert.ok(isInside(result.directories[1] ?? ''), `what it left behind is in ${result.directories[1]}`);
        });
  });
}
