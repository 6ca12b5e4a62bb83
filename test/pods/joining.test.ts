import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, test } from 'node:test';
import { BACKEND_NAMES, type BackendName } from '../../src/backends/backend.js';
import { packageRoot } from '../../src/package-root.js';
import { nsgen } from '../support/cli.js';
import { until } from '../support/until.js';
import { ownPods, printed, withoutNotes } from './detached-pods.js';
import { LOOK_AT_INIT, requireBareInit } from './init.js';
import { shell } from './ways.js';

/** A further box in a pod that runs, and a pod that is made for one. */

const { parent, states, named, clear, start, running, logged } = ownPods('joining-pods');

afterEach(async () => {
  await clear();
  assert.deepEqual(states(), []);
});

const SLEEP = { command: ['sleep', '1000'] };
const SHOP = { pod: 'shop', share: ['net', 'uts'], hostname: 'together', boxes: { web: SLEEP } };
const PS = ['ps', '-eo', 'ppid,sid,user,tty,args'];
const NAMESPACES = shell('for type in pid net uts ipc mnt; do readlink /proc/self/ns/$type; done');

const run = (backend: BackendName, ...words: readonly string[]) => nsgen(['run', '--backend', backend, ...words]);

const inits: string[] = [];

for (const backend of BACKEND_NAMES) {
  describe(`nsgen run --pod, by ${backend}`, () => {
    test('the box is in the pod, and shares what the pod shares', async () => {
      await start('ffi', SHOP);
      const seen = await run(backend, '--pod', 'shop', '--', ...PS);
      assert.deepEqual(
        seen.stdout
          .replace(/ +/g, ' ')
          .split('\n')
          .map(line => line.trim())
          .slice(1, -2),
        ['0 1 root ? nsgen-init pause', '0 2 root ? nsgen-init exec sleep 1000', '2 2 root ? sleep 1000'],
      );
      const own = (await run(backend, '--pod', 'shop', '--', ...NAMESPACES)).stdout.split('\n');
      const others = (await nsgen(['exec', 'shop.web', '--', ...NAMESPACES])).stdout.split('\n');
      assert.deepEqual(own.slice(0, 3), others.slice(0, 3));
      for (const index of [3, 4]) assert.notEqual(own[index], others[index]);
      assert.equal((await run(backend, '--pod', 'shop', '--', 'hostname')).stdout, 'together\n');
      const { status } = await run(backend, '--pod', 'shop', '--', 'sh', '-c', 'exit 5');
      assert.equal(status, 5);
      assert.deepEqual(
        states().map(({ name }) => name),
        ['shop', 'shop.web'],
      );
    });

    test('detached, it has a name in the pod; given or made up', async () => {
      await start('ffi', SHOP);
      const more = await run(backend, '-d', '--pod', 'shop', '--name', 'more', '--', ...shell('echo up; exit 4'));
      assert.deepEqual([more.status, more.stdout], [0, 'shop.more\n'], more.stderr);
      assert.deepEqual(await nsgen(['wait', 'shop.more']), printed('4\n'));
      assert.deepEqual([named('shop.more')?.pod, named('shop.more')?.backend], ['shop', backend]);
      const any = await run(backend, '-d', '--pod', 'shop', '--', 'sleep', '1000');
      assert.match(any.stdout, /^shop\.[a-z]{6}-\d\d\n$/);
      running(any.stdout.trim());
      const again = await run(backend, '-d', '--pod', 'shop', '--name', 'more', '--', 'true');
      assert.match(again.stderr, /the name "?shop\.more"? is in use/);
      const failed = await run(backend, '-d', '--pod', 'shop', '--name', 'failed', '--', 'no-such-program');
      assert.deepEqual([failed.status, failed.stdout], [127, '']);
      assert.equal(named('shop.failed'), undefined);
      assert.deepEqual(await nsgen(['stop', 'shop']), printed('shop\n'));
      assert.equal(named(any.stdout.trim())?.exitStatus, 143);
    });

    test('new:NAME makes the pod, which stays when the box has ended', async () => {
      const first = await run(backend, '--pod', 'new:fresh', '--', ...PS);
      assert.equal(withoutNotes(first.stderr), '');
      assert.match(first.stdout, /^ +0 +1 root +\? +nsgen-init pause\n +0 +2 root +\? +ps -eo/m);
      running('fresh');
      const second = await run(
        backend,
        '-d',
        '--pod',
        'fresh',
        '--name',
        'a',
        '--',
        ...shell('echo up; exec sleep 1000'),
      );
      assert.equal(second.stdout, 'fresh.a\n', second.stderr);
      assert.equal(await logged('fresh', /up/), 'a | up\n');
      const taken = await run(backend, '--pod', 'new:fresh', '--', 'true');
      assert.equal(taken.status, 125);
      assert.match(taken.stderr, /the name "?fresh"? is in use/);
      running('fresh.a');
    });

    test('the init of a pod that is made so has no privileges, and shows nothing of the host', async () => {
      const end = await run(backend, '--pod', 'new:bare', '--', ...shell(LOOK_AT_INIT));
      assert.deepEqual([end.status, withoutNotes(end.stderr)], [0, '']);
      inits.push(requireBareInit(end.stdout));
      assert.equal(inits.at(-1), inits[0]);
    });

    test('a pod for a box that cannot be started goes with it', async () => {
      for (const words of [['-d'], []]) {
        const end = await run(backend, ...words, '--pod', 'new:gone', '--', 'no-such-program');
        assert.deepEqual([end.status, end.stdout], [127, '']);
        assert.deepEqual(states(), []);
      }
    });

    test('when the pod ends, the box is killed', async () => {
      await start('ffi', SHOP);
      // With a mount of its own: of a script that needs none, an old unshare cannot tell SIGKILL.
      const words = ['--pod', 'shop', '--tmpfs', '/mnt', '--', ...shell('kill -TERM 1; exec sleep 1000')];
      assert.equal((await run(backend, ...words)).status, 137);
      // Its init ends when all in it have been reaped.
      await until(() => named('shop')?.status === 'ended', 'the pod has ended');
      const late = await run(backend, '--pod', 'shop', '--', 'true');
      assert.deepEqual([late.status, late.stderr], [125, 'nsgen: pod "shop" has ended\n']);
    });
  });
}

test('what contradicts the pod is refused by name, before anything is made', async () => {
  await start('ffi', SHOP);
  await nsgen(['run', '-d', '--name', 'alone', '--', 'sleep', '1000']);
  for (const [words, status, message] of [
    [['--pod', 'nobody'], 125, /^nsgen: there is no pod "nobody" \(nsgen ps -a lists .*--pod new:nobody makes one\)$/m],
    [['--pod', 'alone'], 125, /^nsgen: "alone" is a box, and no pod$/m],
    [['--pod', 'shop.web'], 125, /^nsgen: "shop\.web" is a box, and no pod$/m],
    [['--pod', ''], 2, /^nsgen: --pod: must be 1 to 64 letters/m],
    [['--pod', '../shop'], 2, /^nsgen: --pod: must be 1 to 64 letters/m],
    [['--pod', 'new:'], 2, /^nsgen: --pod: must be 1 to 64 letters/m],
    [['--pod', 'shop', '--unshare', 'net'], 2, /^nsgen: namespaces\.net: is shared in the pod/m],
    [['--pod', 'shop', '--share', 'pid'], 2, /^nsgen: namespaces\.pid: is shared in the pod/m],
    [['--pod', 'shop', '--unshare', 'user'], 2, /^nsgen: namespaces\.user: is the pod's/m],
    [['--pod', 'shop', '--hostname', 'x'], 2, /^nsgen: hostname: is the same for all/m],
    [['--pod', 'shop', '--init'], 2, /^nsgen: init: the pod has one/m],
    [['--pod', 'shop', '-t'], 2, /^nsgen: terminal: is not for a box of a pod/m],
    [['--pod', 'shop', '--name', 'x'], 2, /^nsgen: --name: needs --detach$/m],
    [['-d', '--pod', 'shop', '--name', 'a.b'], 2, /^nsgen: --name: the name of a box in a pod must be/m],
    [['-d', '--pod', 'shop', '--name', 'x'.repeat(60)], 2, /^nsgen: --name: is shop\.x+ as a box of this pod/m],
    [['-d', '--pod', 'shop', '--stats'], 2, /^nsgen: --stats: needs nsgen until the box ends/m],
    [['--pod', 'new:fresh', '--unshare', 'pid'], 2, /^nsgen: namespaces\.pid: is shared in the pod/m],
  ] as const) {
    for (const backend of BACKEND_NAMES) {
      const end = await run(backend, ...words, '--', 'true');
      assert.deepEqual([end.status, end.stdout], [status, ''], `${words.join(' ')}: ${end.stderr}`);
      assert.match(end.stderr, message);
    }
  }
  const script = await nsgen(['script', '--pod', 'shop', '--', 'true']);
  assert.deepEqual([script.status, script.stdout], [2, '']);
  assert.match(script.stderr, /^nsgen: --pod: a pod that runs is one of this host.*nsgen script -d -f pod\.yaml/m);
  assert.deepEqual(
    states()
      .map(({ name }) => name)
      .toSorted(),
    ['alone', 'shop', 'shop.web'],
  );
});

test('an attacker in the pod gets nothing of who comes in, in a user namespace', async () => {
  const attacker = join(parent, '.attacker');
  execFileSync('gcc', ['-O2', '-static', '-o', attacker, join(packageRoot, 'test/exec/attacker.c')]);
  await start('ffi', { pod: 'den', user: 'new', boxes: { attacker: { command: [attacker, '60', 'sleep'] } } });
  await logged('den.attacker', /READY/);
  let text = '';
  for (let round = 0; round < 6 || (round < 60 && !/^HELD/m.test(text)); round += 1) {
    assert.equal((await nsgen(['run', '--pod', 'den', '--', 'sleep', '0'])).status, 0);
    text = (await nsgen(['logs', 'den.attacker'])).stdout;
  }
  // One that could be looked at before it was the command would have been.
  assert.match(text, /^HELD/m);
  assert.doesNotMatch(text, /^GOT/m);
});

test('a pod whose number is that of another process now is not joined', async () => {
  await start('ffi', SHOP);
  await nsgen(['stop', 'shop']);
  const line = (await nsgen(['exec', String(process.pid), '--', 'cat', '/proc/self/stat'])).stdout;
  // Who it was, with the number of this process, and the start of another.
  writeFileSync(join(parent, 'shop/life'), line.replace(/^\d+/, String(process.pid)));
  assert.equal(named('shop')?.status, 'ended');
});

test('who comes when the pod has just ended is told so', async () => {
  await start('ffi', SHOP);
  const held = openSync(`/proc/${named('shop')?.process?.pid}/ns/pid`, 'r');
  await nsgen(['stop', 'shop']);
  const { status, stderr } = await nsgen(['run', '--join', `pid:/proc/${process.pid}/fd/${held}`, '--', 'true']);
  closeSync(held);
  assert.equal(status, 125);
  assert.match(stderr, /ENOMEM .*: the first process of the pid namespace that is joined has ended/);
});
