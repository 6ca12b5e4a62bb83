import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { afterEach, describe, test } from 'node:test';
import { isAlive } from '../../src/host/process.js';
import { nsgen } from '../support/cli.js';
import { ownCgroups } from '../support/own-cgroup.js';
import { until } from '../support/until.js';
import { ownBoxes, startDetached } from './named-boxes.js';

/** A box, detached, that wants to be taken for another, or to be left alone. */

const { parent, named, clear } = ownBoxes('hostile');
const own = ownCgroups();

afterEach(async () => {
  await clear();
  assert.deepEqual(own.below(), []);
});

/** pidfd_open(2) and pidfd_getfd(2) have the same numbers on every processor; 8 is LOCK_UN. */
const UNLOCK = `
  my $life = syscall(438, syscall(434, 1, 0), 3, 0);
  open(my $file, ">&=", $life) or die "no life: $!";
  flock($file, 8) or die "locked: $!";
  truncate($file, 0);
  $| = 1;
  print "unlocked";
  sleep 1000;`;

for (const way of ['ffi', 'script'] as const) {
  test(`${way}: one that takes the lock off its file has not ended`, async () => {
    await startDetached(way, ['--name', 'sly', '--unshare', 'user', '--', 'perl', '-e', UNLOCK]);
    await until(() => readFileSync(join(parent, 'sly/log'), 'utf8') === 'unlocked', 'it has taken the lock off');
    const { status, process: init, problem } = named('sly') ?? assert.fail();
    assert.deepEqual([status, problem], ['running', 'somebody in the box has written to life']);
    assert.equal((await nsgen(['rm', 'sly'])).status, 125);
    assert.equal((await nsgen(['stop', '-t', '0', 'sly'])).status, 0);
    assert.equal(isAlive(init ?? assert.fail()), false);
    assert.deepEqual([named('sly')?.status, named('sly')?.exitStatus], ['ended', 137]);
  });
}

const cgroupOf = (pid: number | undefined, controller: string): string =>
  new RegExp(`:${controller}:(.*)`).exec(readFileSync(`/proc/${pid}/cgroup`, 'utf8'))?.[1] ?? '';

describe('cgroups of version 1', { skip: own.directory('pids') === '' || own.directory('freezer') === '' }, () => {
  test('one that is in a cgroup of the name of that of another does not take the other with it', async () => {
    await startDetached('ffi', ['--name', 'victim', '--pids-limit', '20', '--', 'sleep', '1000']);
    await startDetached('ffi', ['--name', 'sly', '--unshare', 'user', '--', 'sleep', '1000']);
    const name = basename(cgroupOf(named('victim')?.process?.pid, 'pids'));
    assert.match(name, /^nsgen-/);
    const same = join(own.directory('pids'), 'other', name);
    mkdirSync(same, { recursive: true });
    writeFileSync(join(same, 'cgroup.procs'), String(named('sly')?.process?.pid));
    assert.equal((await nsgen(['stop', '-t', '0', 'sly'])).status, 0);
    assert.equal(named('victim')?.status, 'running');
    // Whose name it has did not make it: nobody but who did removes it.
    rmdirSync(same);
    rmdirSync(dirname(same));
  });

  test('one that is frozen is stopped', async () => {
    await startDetached('ffi', ['--name', 'ice', '--freezer', '--', 'sleep', '1000']);
    const name = basename(cgroupOf(named('ice')?.process?.pid, 'freezer'));
    writeFileSync(join(own.directory('freezer'), name, 'freezer.state'), 'FROZEN');
    assert.equal((await nsgen(['stop', '-t', '0', 'ice'])).status, 0);
    assert.deepEqual([named('ice')?.status, named('ice')?.exitStatus], ['ended', 137]);
  });
});

const HOSTILE = '\u009b31m\u202e\u2028\u{e0001}';

test('what nsgen ps prints moves no cursor', async () => {
  await startDetached('ffi', ['--name', 'loud', '--', 'sh', '-c', 'sleep 1000', HOSTILE]);
  for (const flags of [[], ['--json']]) {
    const { stdout } = await nsgen(['ps', ...flags]);
    assert.match(stdout, /loud/);
    assert.doesNotMatch(stdout, /[\p{Zl}\p{Zp}]|[^\P{C}\n]/u);
  }
  const [box] = JSON.parse((await nsgen(['ps', '--json'])).stdout);
  assert.equal(box.command[3], HOSTILE);
});
