import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { compareWorlds, lookInside, NOT_LIMITED, signalsShown } from '../../src/compare/comparison.js';
import { probeCommand, probeText, SECTIONS, type SectionName, SIGNALS_COMMAND } from '../../src/compare/probe.js';
import { lookOn, readWorld, type World } from '../../src/compare/world.js';
import { type BoxInput, parseBox } from '../../src/index.js';
import { execute } from '../support/cli.js';
import { makeRootfs, removeRootfs } from '../support/rootfs.js';
import { start } from './columns.js';

const TRUE: BoxInput = { command: ['true'] };

async function look(input: BoxInput): Promise<World> {
  const { world, unseen } = await lookInside('ffi', parseBox(input));
  assert.ok(world !== undefined, unseen);
  return world;
}

const different = (one: World, other: World): readonly SectionName[] =>
  compareWorlds(one, other)
    .filter(({ same }) => !same)
    .map(({ name }) => name);

describe('the probe', () => {
  it('is clean POSIX sh', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'nsgen-test-probe-'));
    try {
      const file = join(directory, 'probe.sh');
      writeFileSync(file, `#!/bin/sh${probeText}`);
      const { status, stdout } = await execute('shellcheck', ['--shell=sh', file]);
      assert.equal(stdout, '');
      assert.equal(status, 0);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  for (const shell of ['/usr/bin/dash', '/usr/bin/bash']) {
    it(`reaches its end in ${shell}, and says nothing on stderr`, async () => {
      const mark = randomBytes(16).toString('hex');
      const onlooker = lookOn(parseBox(TRUE));
      const run = await start(probeCommand(mark, shell), {});
      assert.equal(run.stderr.toString('utf8'), '');
      assert.equal(run.exitStatus, 0);
      const world = readWorld(run.stdout, mark, onlooker.until(), await besides(''));
      for (const section of SECTIONS) assert.doesNotMatch(world.get(section) ?? '', /not visible here/, section);
    });
  }

  it('that does not reach its end is an error, not a world', async () => {
    const mark = randomBytes(16).toString('hex');
    const onlooker = lookOn(parseBox(TRUE));
    const { stdout } = await start(probeCommand(mark), {});
    const cut = stdout.subarray(0, stdout.lastIndexOf(mark));
    assert.throws(
      () => readWorld(cut, mark, onlooker.until(), { signals: '', resources: '' }),
      /no section privileges/,
    );
  });

  describe('where there is little to look with', () => {
    let rootfs: string;
    before(() => {
      rootfs = makeRootfs(['sh']);
    });
    after(() => removeRootfs(rootfs));

    it('says which sections it cannot see', async () => {
      const world = await look({ ...TRUE, rootfs });
      const lacking = SECTIONS.filter(section => /not visible here/.test(world.get(section) ?? ''));
      assert.deepEqual(lacking, [
        'ps -ef',
        'ps -eo pid,ppid,user,stat,comm,args',
        'namespaces',
        'names',
        'directories',
        'descriptors',
        'ip',
        'environment',
        'privileges',
        'signals',
      ]);
    });

    it('says so too where there is no /proc', async () => {
      const world = await look({ ...TRUE, rootfs, proc: false });
      const seen = SECTIONS.filter(section => !/not visible here/.test(world.get(section) ?? ''));
      assert.deepEqual(seen, ['environment', 'resources']);
    });
  });
});

/** A comparison that calls everything the same proves nothing: each section must be able to differ. */
describe('two boxes that are not the same', () => {
  const CASES: readonly (readonly [string, BoxInput, readonly SectionName[]])[] = [
    ['in their host names', { ...TRUE, hostname: 'other' }, ['names']],
    ['in their environment', { ...TRUE, env: { A: 'b' } }, ['environment']],
    ['in the order of their environment', { ...TRUE, env: { HOME: '/root' } }, []],
    ['in their working directories', { ...TRUE, cwd: '/usr' }, ['directories']],
    ['in their loopback interface', { ...TRUE, loopback: false }, ['network', 'ip']],
    ['in their net namespaces', { ...TRUE, namespaces: { net: 'shared' } }, ['namespaces', 'network', 'ip']],
    ['in their ipc namespaces', { ...TRUE, namespaces: { ipc: 'shared' } }, ['namespaces']],
    [
      'in their cgroup namespaces',
      { ...TRUE, namespaces: { cgroup: 'shared' } },
      ['namespaces', 'mountinfo', 'cgroup'],
    ],
    [
      'in their clocks',
      { ...TRUE, namespaces: { time: 'new' }, timeOffsets: { boottime: 3600 } },
      ['namespaces', 'clocks'],
    ],
    ['in a limit of memory', { ...TRUE, resources: { memory: { limit: '100M' } } }, ['mountinfo', 'resources']],
    ['in being accounted for', { ...TRUE, accounting: true }, ['mountinfo', 'resources']],
    [
      'in a cgroup, where its namespace is shared',
      { ...TRUE, namespaces: { cgroup: 'shared' }, resources: { pids: { limit: 100 } } },
      ['namespaces', 'mountinfo', 'cgroup', 'resources'],
    ],
    ['in one mount', { ...TRUE, mounts: [{ type: 'tmpfs', destination: '/srv' }] }, ['mountinfo']],
    [
      'in what they show of processes',
      { ...TRUE, proc: false },
      ['self', 'ps -ef', 'ps -eo pid,ppid,user,stat,comm,args', 'mountinfo', 'process'],
    ],
  ];
  for (const [what, input, sections] of CASES) {
    it(what, async () => {
      assert.deepEqual(different(await look(TRUE), await look(input)), sections);
    });
  }

  it('in the size of a mount', async () => {
    const box = (size: string): BoxInput => ({ ...TRUE, mounts: [{ type: 'tmpfs', destination: '/srv', size }] });
    assert.deepEqual(different(await look(box('1m')), await look(box('2m'))), ['mountinfo']);
  });

  it('in the value of a limit', async () => {
    const box = (limit: number): BoxInput => ({ ...TRUE, resources: { pids: { limit } } });
    assert.deepEqual(different(await look(box(100)), await look(box(101))), ['resources']);
  });

  const CALLERS: readonly (readonly [string, string, readonly SectionName[]])[] = [
    ['in an open descriptor', 'exec 7</dev/null', ['descriptors']],
    ['in how a descriptor is open', 'exec 2<>/dev/null', ['descriptors']],
    ['in a limit', 'ulimit -n 100', ['limits']],
    ['in umask', 'umask 0137', ['status']],
    ['in a blocked signal', 'set -- env --block-signal=TERM "$@"', ['signals']],
    ['in an ignored signal', `trap '' USR1`, ['status', 'signals']],
    ['in the bounding set', 'set -- setpriv --bounding-set=-sys_time "$@"', ['status', 'privileges']],
    ['in no new privileges', 'set -- setpriv --no-new-privs "$@"', ['status', 'privileges']],
    ['in the parent death signal', 'set -- setpriv --pdeathsig TERM "$@"', ['privileges']],
    ['in the session', 'set -- setsid --wait "$@"', ['ps -eo pid,ppid,user,stat,comm,args', 'process']],
    ['in niceness', 'set -- nice -n 3 "$@"', ['ps -eo pid,ppid,user,stat,comm,args', 'process']],
    ['in the oom score', 'echo 300 >/proc/self/oom_score_adj', ['process']],
    [
      'in user ids',
      'set -- setpriv --reuid=1 --clear-groups "$@"',
      ['ps -ef', 'ps -eo pid,ppid,user,stat,comm,args', 'status', 'privileges'],
    ],
    [
      'in a user namespace',
      'set -- unshare --user --map-root-user "$@"',
      ['namespaces', 'id maps', 'status', 'privileges'],
    ],
  ];
  for (const [what, caller, sections] of CALLERS) {
    it(what, async () => {
      const seen = different(await lookFrom(''), await lookFrom(caller));
      for (const section of sections) assert.ok(seen.includes(section), `${section} is not among ${seen.join(', ')}`);
    });
  }
});

/** The probe without a box around it, in a process prepared by bash. */
async function lookFrom(caller: string): Promise<World> {
  const mark = randomBytes(16).toString('hex');
  const onlooker = lookOn(parseBox(TRUE));
  const run = await start(probeCommand(mark), { caller });
  return readWorld(run.stdout, mark, onlooker.until(), await besides(caller));
}

const besides = async (caller: string) => ({
  signals: signalsShown(await start(SIGNALS_COMMAND, { caller })),
  resources: NOT_LIMITED,
});
