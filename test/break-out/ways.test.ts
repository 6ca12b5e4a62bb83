import assert from 'node:assert/strict';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, describe, test } from 'node:test';
import { ownPods, printed } from '../pods/detached-pods.js';
import { commandFor, type Way } from '../pods/ways.js';
import { execute, type Finished, nsgen } from '../support/cli.js';
import { descendants } from '../support/leftovers.js';
import { makeRootfs, removeRootfs } from '../support/rootfs.js';
import { allAttacks, NUMBER_OF_ATTACKS, OUT, rootfs } from './attacks.js';

/** The same attacks from wherever else a command can be: below an init, in a box that goes on alone, joined to it, in a pod. */

const { parent, clear, start, logged } = ownPods('break-out-ways');

const otherRootfs = makeRootfs(['perl'], ['proc', 'dev', 'tmp']);
chmodSync(otherRootfs, 0o755);
writeFileSync(join(otherRootfs, 'of-the-other'), '');
after(() => removeRootfs(otherRootfs));

afterEach(async () => {
  await clear();
  assert.deepEqual(descendants(), []);
});

const LIMIT = { timeout: 60_000, killSignal: 'SIGKILL' } as const;
const ATTACKS = ['bash', '-c', `${allAttacks}; echo all done`];
const FOREVER = ['perl', '-e', 'sleep 1000'];

/** A box alone, by nsgen or by what it prints. */
async function run(way: Way, words: readonly string[], command: readonly string[]): Promise<Finished> {
  const all = ['--rootfs', rootfs, ...words, '--', ...command];
  if (way !== 'pod.sh') return nsgen(['run', '--backend', way, ...all], LIMIT);
  const { stdout } = await nsgen(['script', ...all]);
  return execute('bash', ['-s'], { ...LIMIT, input: stdout });
}

/** Two boxes with different roots; the one that attacks ends the other at last. */
const podOf = (user: string, attacks: readonly string[]) => ({
  pod: 'p',
  user,
  boxes: {
    other: { command: FOREVER, rootfs: otherRootfs },
    sly: { command: [...attacks.slice(0, -1), `${attacks.at(-1)}; kill -KILL -1`], rootfs },
  },
});

type Attempt = (way: Way, user: boolean) => Promise<string>;

const unshared = (user: boolean): readonly string[] => (user ? ['--unshare', 'user'] : []);

const PLACES: Readonly<Record<string, Attempt>> = {
  'below an init': async (way, user) => (await run(way, ['--init', ...unshared(user)], ATTACKS)).stdout,

  'in a box that goes on alone': async (way, user) => {
    const words = ['--detach', '--name', 'alone', ...unshared(user)];
    assert.deepEqual((await run(way, words, ATTACKS)).status, 0);
    return logged('alone', /^all done$/m);
  },

  'joined to a box': async (way, user) => {
    const words = ['--detach', '--name', 'joined', ...unshared(user)];
    assert.deepEqual(await nsgen(['run', '--rootfs', rootfs, ...words, '--', ...FOREVER]), printed('joined\n'));
    if (way !== 'pod.sh') return (await nsgen(['exec', '--backend', way, 'joined', '--', ...ATTACKS], LIMIT)).stdout;
    const script = await nsgen(['script', 'exec', 'joined', '--', ...ATTACKS]);
    return (await execute('bash', ['-s'], { ...LIMIT, input: script.stdout })).stdout;
  },

  'in a pod': async (way, user) => {
    const [program = '', ...words] = commandFor(way, parent, podOf(user ? 'new' : 'auto', ATTACKS));
    return (await execute(program, words, LIMIT)).stdout.replace(/^sly {3}\| /gm, '');
  },

  'in a pod that goes on alone': async (way, user) => {
    assert.equal((await start(way, podOf(user ? 'new' : 'auto', ATTACKS))).status, 0);
    return logged('p.sly', /^all done$/m);
  },

  'joined to a box of a pod': async (way, user) => {
    const boxes = { other: { command: FOREVER, rootfs: otherRootfs }, sly: { command: FOREVER, rootfs } };
    assert.equal((await start(way, { pod: 'p', user: user ? 'new' : 'auto', boxes })).status, 0);
    const backend = way === 'pod.sh' ? 'script' : way;
    return (await nsgen(['exec', '--backend', backend, 'p.sly', '--', ...ATTACKS], LIMIT)).stdout;
  },
};

/** Who starts it, and whether in a user namespace: what a script does about that is the same whoever runs it. */
const WAYS = [
  ['ffi', [false, true]],
  ['script', [false]],
  ['pod.sh', [true]],
] as const;

for (const [place, attempt] of Object.entries(PLACES)) {
  describe(`no way out, ${place}`, () => {
    for (const [way, users] of WAYS)
      for (const user of users)
        test(`${way === 'pod.sh' ? 'by the script alone' : way}${user ? ', in a user namespace' : ''}`, async () => {
          const seen = await attempt(way, user);
          assert.equal(seen.match(/^done$/gm)?.length, NUMBER_OF_ATTACKS, seen);
          assert.match(seen, /^all done$/m);
          assert.ok(!seen.includes(OUT), seen);
        });
  });
}

/** What the boxes of a pod can do to each other: as root with all capabilities, and as somebody else. PTRACE_SEIZE is 0x4206. */
const REACH = `
opendir(my $proc, "/proc"); my @pids = grep { /^[0-9]+$/ } readdir $proc;
for my $pid (grep { $_ > 1 && $_ != $$ && $_ != getppid } @pids) {
  print "file\n" if -e "/proc/$pid/root/of-the-other";
  print "memory\n" if syscall(${process.arch === 'x64' ? 101 : 117}, 0x4206, $pid, 0, 0) == 0;
}
print "end\n";`;

describe('what boxes of a pod can do to each other', () => {
  const reach = async (way: Way, before: readonly string[]) => {
    writeFileSync(join(rootfs, 'reach.pl'), `$| = 1;${REACH}`);
    const [program = '', ...words] = commandFor(
      way,
      parent,
      podOf('auto', ['bash', '-c', [...before, 'perl', '/reach.pl'].join(' ')]),
    );
    const { stdout, stderr } = await execute(program, words, LIMIT);
    return `${stdout}${stderr}`.replace(/^sly {3}\| /gm, '');
  };
  const NOBODY = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups', '--inh-caps=-all', '--'];
  const LESS = ['setpriv', '--bounding-set', '-all', '--inh-caps=-all', '--'];
  for (const way of ['ffi', 'script', 'pod.sh'] as const)
    test(`with the same rights all, with less nothing, ${way}`, async () => {
      assert.equal(await reach(way, []), 'file\nmemory\nend\n');
      for (const words of [NOBODY, LESS]) assert.equal(await reach(way, words), 'end\n');
    });
});
