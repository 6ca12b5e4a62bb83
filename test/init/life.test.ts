import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { type BoxInput, run } from '../../src/index.js';
import { initElf } from '../../src/init/elf.js';
import { execute, nsgenPath } from '../support/cli.js';
import { ownDirectory } from '../support/own-directory.js';
import { Session } from '../support/session.js';

/** What tini promises of itself, and what a pid namespace makes of its pid 1. */

const BACKENDS = ['ffi', 'script'] as const;
const KILOBYTE = 1024;
const MOST_RESIDENT = 16 * KILOBYTE;

const output = async (box: BoxInput, backend: (typeof BACKENDS)[number] = 'ffi') => {
  const { exitStatus, stdout, stderr } = await run(box, { backend, reject: false });
  return { exitStatus, stdout, stderr };
};

/** Asks pid 1 for each signal, and says what comes, as number:si_code. */
const ECHO = `
import ctypes, os, signal, sys
every = set(range(1, 65)) - {9, 17, 19, 32, 33}
signal.pthread_sigmask(signal.SIG_BLOCK, every)
libc = ctypes.CDLL(None)
for number in sorted(every):
    os.kill(1, number)
    info = signal.sigtimedwait(every, 5)
    print(number, info.si_signo if info else 'lost', info.si_code if info else '')
libc.sigqueue(1, 40, ctypes.c_void_p(77))
info = signal.sigtimedwait(every, 5)
print('queued', info.si_signo, info.si_code)
print('more', signal.sigtimedwait(every, 0.1))
`;

for (const backend of BACKENDS) {
  describe(`a box with an init, by ${backend}`, () => {
    test('the command gets every signal that pid 1 is sent, once', async () => {
      const { stdout, stderr } = await output({ command: ['python3', '-c', ECHO], init: true }, backend);
      assert.equal(stderr, '');
      const all = stdout.trimEnd().split('\n');
      const [lines, [queued, more]] = [all.slice(0, -2), all.slice(-2)];
      assert.equal(lines.length, 59);
      for (const line of lines) {
        const [sent, got, code] = line.split(' ');
        assert.deepEqual([got, code], [sent, '0'], line);
      }
      // With what the sender gave it: si_code is SI_QUEUE.
      assert.equal(queued, 'queued 40 -1');
      assert.equal(more, 'more None');
    });

    test('it has the rights and the memory of next to nothing', async () => {
      const look = 'grep VmRSS /proc/1/status; grep Rss /proc/1/smaps_rollup; grep -c . /proc/1/maps; cat /proc/1/maps';
      const { stdout } = await output({ command: ['sh', '-c', look], init: true }, backend);
      assert.match(stdout, /VmRSS:\s+\d+ kB\nRss:\s+\d+ kB\n/);
      const [rss = 0, rollup = 0] = [...stdout.matchAll(/(\d+) kB/g)].map(([, size]) => Number(size) * KILOBYTE);
      assert.ok(rss <= MOST_RESIDENT && rollup <= MOST_RESIDENT, stdout);
      assert.match(stdout, /^00400000-00401000 r-xp .* \/memfd:nsgen-init \(deleted\)$/m);
      assert.match(stdout, /rw-p .*\[stack\]$/m);
    });

    test('ps shows its name, and nothing of how it was opened', async () => {
      const look =
        'cat /proc/1/comm; tr "\\0" "|" </proc/1/cmdline; echo; readlink /proc/1/exe; ls /proc/1/fd; ps -o pid=,ppid=,comm=,args= 1 2';
      const { stdout } = await output({ command: ['sh', '-c', look], init: true }, backend);
      assert.equal(
        stdout,
        [
          'nsgen-init',
          `nsgen-init|exec|sh|-c|${look}|`,
          '/memfd:nsgen-init (deleted)',
          '0\n1\n2',
          `      1       0 nsgen-init      nsgen-init exec sh -c ${look}`,
          `      2       1 sh              sh -c ${look}`,
          '',
        ].join('\n'),
      );
    });

    test('nothing goes on when the command has ended', async () => {
      const mark = `1000.${randomBytes(4).readUInt32LE()}`;
      const { exitStatus } = await output({ command: ['sh', '-c', `sleep ${mark} & exit 3`], init: true }, backend);
      assert.equal(exitStatus, 3);
      assert.doesNotMatch(execFileSync('ps', ['-eo', 'args']).toString(), new RegExp(`^sleep ${mark}`, 'm'));
    });

    test('a program that is not there', async () => {
      const { exitStatus, stderr } = await output({ command: ['no-such-program'], init: true }, backend);
      assert.deepEqual(
        { exitStatus, stderr },
        { exitStatus: 127, stderr: 'nsgen-init: cannot execute no-such-program\n' },
      );
    });

    test('what nsgen is sent, the command gets once', async () => {
      const program = `trap 'echo "<got>"' TERM; echo "<ready>"; for i in 1 2 3 4 5 6 7; do sleep 0.1 & wait $!; done; exit 9`;
      const words = [nsgenPath, 'run', '--backend', backend, '--init', '--', 'bash', '-c', program];
      const session = new Session(process.execPath, words);
      await session.until(/<ready>/);
      process.kill(session.pid, 'SIGTERM');
      assert.equal((await session.ended).status, 9);
      assert.equal(session.output.split('<got>').length - 1, 1);
    });

    test('what a key of the terminal sends, the command gets once, and stops by', async () => {
      const program = `trap 'echo "<int>"' INT; echo "<ready>"; for i in 1 2 3 4 5 6 7; do sleep 0.1 & wait $!; done; exit 9`;
      const file = join(directory, `keys-${backend}`);
      writeFileSync(file, program);
      // script(1) has $SHELL run it, and a dash that had stayed would end by the key that its child has outlived.
      const words = `exec ${process.execPath} ${nsgenPath} run --backend ${backend} --init -- bash ${file}`;
      const session = new Session('script', ['-qefc', words, '/dev/null']);
      await session.until(/<ready>/);
      session.type('\x03');
      assert.equal((await session.ended).status, 9);
      assert.equal(session.output.split('<int>').length - 1, 1);
    });
  });
}

/** The init as a file of its own, as an auditor has it. */
const directory = ownDirectory('init-life');
const file = join(directory, 'init');
writeFileSync(file, initElf(process.arch === 'arm64' ? 'arm64' : 'x64'), { mode: 0o755 });

const GROUPS = 'ps -o pid=,pgid=,sid=,tpgid= 2';
for (const [how, options, groups] of [
  ['a session of its own has a group, and the terminal', 'setsid --ctty', '2 2 1 2'],
  ["the caller's session stays in its group, and leaves the terminal alone", '', '2 0 0 0'],
] as const) {
  test(`the command of an init in ${how}`, async () => {
    const words = `unshare -pf --kill-child --mount-proc ${options} ${file} sh -c '${GROUPS}; true'`;
    const { stdout } = await execute('script', ['-qec', words, '/dev/null']);
    assert.equal(stdout.trim().replace(/\s+/g, ' '), groups);
  });
}

/** Children of a child that has gone, in hundreds; then, in the end, how many have ended and been reaped by nobody. */
const orphans = (count: number, expected: number) => `
for (1..${count / 100}) {
  my $middle = fork // die;
  unless ($middle) { for (1..100) { exit unless fork } exit }
  waitpid $middle, 0;
}
my ($running, $zombies);
for (1..1000) {
  ($running, $zombies) = (0, 0);
  for my $file (glob '/proc/[0-9]*/stat') {
    open(my $stat, '<', $file) or next;
    my ($pid, $state) = (<$stat> // '') =~ /^(\\d+) .*\\) (\\S)/ or next;
    if ($state eq 'Z') { $zombies++ } elsif ($pid != 1 && $pid != $$) { $running++ }
  }
  last if !$running && $zombies == ${expected};
  select undef, undef, undef, 0.02;
}
print "$running running, $zombies zombies\\n";
`;

describe('ten thousand orphans', () => {
  for (const backend of BACKENDS) {
    test(`leave no zombie behind, by ${backend}`, async () => {
      const { stdout } = await output({ command: ['perl', '-e', orphans(10_000, 0)], init: true }, backend);
      assert.equal(stdout, '0 running, 0 zombies\n');
    });

    test(`pile up without an init, by ${backend}`, async () => {
      const { stdout } = await output({ command: ['perl', '-e', orphans(10_000, 10_000)] }, backend);
      assert.equal(stdout, '0 running, 10000 zombies\n');
    });
  }
});

test('the mask and the ignored signals of the command are those that the init was started with', async () => {
  const start = `
import os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, {10, 36})
signal.signal(1, signal.SIG_IGN)
os.execv(sys.argv[1], sys.argv[1:])
`;
  const lines = async (words: readonly string[]) => {
    const { stdout } = await execute('python3', ['-c', start, ...words, '/bin/cat', '/proc/self/status']);
    return stdout.match(/^(?:SigBlk|SigIgn|SigCgt):.*$/gm);
  };
  const [direct, behind] = [await lines(['/usr/bin/env']), await lines([file])];
  assert.ok(direct?.[0]?.endsWith('0000000800000200'), String(direct));
  assert.deepEqual(behind, direct);
});
