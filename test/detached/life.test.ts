import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, describe, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { numbersOf, statOf } from '../../src/host/process.js';
import { sendSignal, signalNumber } from '../../src/host/signal.js';
import { nsgen } from '../support/cli.js';
import { ownCgroups } from '../support/own-cgroup.js';
import { until } from '../support/until.js';
import { ended, newMark, ownBoxes, processesWith, startDetached, WAYS } from './named-boxes.js';

/** A box that goes on without nsgen, from its start to its removal, and what is done with it by its name. */

const { parent, named, states, clear } = ownBoxes('detached');
const own = ownCgroups();
const printed = (stdout: string) => ({ status: 0, signal: null, stdout, stderr: '' });

afterEach(async () => {
  await clear();
  assert.deepEqual(own.below(), []);
});

for (const way of WAYS) {
  describe(`by ${way}`, () => {
    test('it goes on alone: an init, the command, and nobody else', async () => {
      const mark = newMark();
      const script = 'ls /proc/self/fd; cat; echo out; echo error >&2; sleep 1000; exit 5';
      assert.deepEqual(await startDetached(way, ['--name', 'web', '--', 'sh', '-c', script, mark]), printed('web\n'));
      const { process: init, status, command } = named('web') ?? assert.fail();
      assert.deepEqual([status, command], ['running', ['sh', '-c', script, mark]]);
      const pid = init?.pid ?? assert.fail();
      const stat = statOf(pid) ?? assert.fail();
      assert.equal(stat.name, 'nsgen-init');
      // Whoever takes in orphans; and as the leader of a session of its own.
      assert.ok(stat.parent === 1 || statOf(stat.parent)?.name !== 'node');
      assert.deepEqual([statOf(stat.parent)?.name === 'bash', stat.session, stat.group], [false, pid, pid]);
      const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number);
      // What the shell has forked has the shell's command line until it executes its own.
      await until(
        () => isDeepStrictEqual(processesWith(mark).toSorted(), [pid, child].toSorted()),
        `the init ${pid} and the command ${child} are alone`,
      );
      // Nobody has come between them.
      assert.deepEqual(
        [pid, child ?? 0].map(number => numbersOf(number).at(-1)),
        [1, 2],
      );
      assert.deepEqual(readdirSync(`/proc/${pid}/fd`), ['0', '1', '2', '3']);
      // Without nsgen's init, 3 is that of ls itself.
      await until(() => readFileSync(join(parent, 'web/log'), 'utf8').includes('error'), 'it has written');
      assert.deepEqual(await nsgen(['logs', 'web']), printed('0\n1\n2\n3\nout\nerror\n'));
    });

    test('its exit status is known, and its name taken, until it is removed', async () => {
      await startDetached(way, ['--name', 'a', '--', 'sh', '-c', 'exit 0']);
      await startDetached(way, ['--name', 'b', '--', 'sh', '-c', 'exit 10']);
      await startDetached(way, ['--name', 'c', '--', 'sh', '-c', 'kill -KILL $$']);
      const { stdout } = await nsgen(['wait', 'a', 'b', 'c']);
      assert.deepEqual(stdout.split('\n').sort(), ['', '0', '10', '137']);
      const again = await startDetached(way, ['--name', 'a', '--', 'true']);
      assert.deepEqual([again.status, again.stdout], [125, '']);
      assert.match(again.stderr, /the name "?a"? is in use \(nsgen ps -a shows by whom; nsgen rm frees/);
      assert.equal(named('a')?.exitStatus, 0);
      assert.deepEqual(await nsgen(['rm', 'a', 'b', 'c']), printed('a\nb\nc\n'));
      assert.deepEqual(states(), []);
    });

    test('what cannot be started leaves nothing, and says why', async () => {
      for (const [words, status, message] of [
        [['--', 'no-such-program'], 127, /: cannot execute no-such-program$/m],
        [['--', '/etc/passwd'], 126, /: cannot execute \/etc\/passwd$/m],
        [['--rootfs', '/no/such', '--', 'true'], 2, /rootfs: there is no directory "\/no\/such"/],
        [['-w', '/no/such', '--', 'true'], 125, /\/no\/such/],
        [['--name', 'x/y', '--', 'true'], 2, /--name: must be 1 to 64 letters/],
        [['--share', 'pid', '--', 'true'], 2, /namespaces.pid: a box that is detached needs a pid namespace/],
        [['--init=/bin/true', '--', 'true'], 2, /init: a box that is detached has nsgen's own init/],
        [['--join', 'time:/proc/1/ns/time', '--', 'true'], 2, /namespaces.time: a box that is detached cannot join/],
      ] as const) {
        const { stdout, ...end } = await startDetached(way, words);
        assert.deepEqual([end.status, stdout], [status, ''], `${words.join(' ')}: ${end.stderr}`);
        assert.match(end.stderr, message);
        assert.deepEqual(
          readdirSync(parent).filter(name => name !== '.lock'),
          [],
        );
      }
    });

    test('one whose name cannot be printed is ended, and removed', async () => {
      const mark = newMark();
      for (const [where, message] of [
        ['>/dev/full', /cannot print the name of the box.* it has been ended, and removed$/m],
        ['| true', /cannot print the name of the box.* it has been ended, and removed$/m],
      ] as const) {
        const words = ['--memory', '64M', '--', 'sh', '-c', 'sleep 1000; :', mark];
        const { status, stderr } = await startDetached(way, words, where);
        assert.equal(status, 125, stderr);
        assert.match(stderr, message);
        assert.deepEqual(
          readdirSync(parent).filter(name => name !== '.lock'),
          [],
        );
        await until(() => processesWith(mark).length === 0, 'it has ended');
      }
    });

    // The rest is the same script.
    if (way === 'box.sh') return;

    test('a command that ends with 127 of its own was started', async () => {
      const { status, stdout } = await startDetached(way, ['--', 'sh', '-c', 'exit 127']);
      assert.equal(status, 0);
      assert.match(stdout, /^[a-z]{6}-\d\d\n$/);
      assert.deepEqual((await nsgen(['wait', stdout.trim()])).stdout, '127\n');
    });

    test('stop sends TERM, and after a while KILL', async () => {
      const ready = 'echo ready; while :; do sleep 0.05; done';
      await startDetached(way, ['--name', 'good', '--', 'bash', '-c', `trap 'exit 3' TERM; ${ready}`]);
      await startDetached(way, ['--name', 'bad', '--', 'bash', '-c', `trap '' TERM; ${ready}`]);
      for (const name of ['good', 'bad'])
        await until(() => readFileSync(join(parent, name, 'log'), 'utf8') !== '', `${name} is ready`);
      assert.deepEqual(await nsgen(['stop', 'good']), printed('good\n'));
      assert.deepEqual(await nsgen(['stop', '--stop-timeout', '0.3', 'bad']), printed('bad\n'));
      assert.deepEqual([named('good')?.exitStatus, named('bad')?.exitStatus], [3, 137]);
    });

    test('its cgroups live as long as it does', async () => {
      const limits = ['--memory', '64M', '--pids-limit', '50'];
      await startDetached(way, [...limits, '--name', 'one', '--', 'sleep', '1000']);
      const before = own.below();
      assert.notEqual(before.length, 0);
      const { stdout } = await nsgen(['prune']);
      assert.doesNotMatch(stdout, new RegExp(before.join('|')));
      // Another nsgen tidies up where it makes its own.
      await nsgen(['run', ...limits, '--', 'sleep', '0.3']);
      assert.deepEqual([own.below(), named('one')?.status], [before, 'running']);
      await nsgen(['stop', 'one']);
      assert.deepEqual(own.below(), []);
      await startDetached(way, [...limits, '--name', 'two', '--', 'true']);
      await ended('two', named);
      await nsgen(['rm', 'two']);
      assert.deepEqual(own.below(), []);
      const hog = 'head -c 300M /dev/zero | tail';
      await startDetached(way, [
        '--memory',
        '20M',
        '--name',
        'three',
        '--',
        'sh',
        '-c',
        `exec sh -c '${hog}; exit $?'`,
      ]);
      assert.deepEqual((await nsgen(['wait', 'three'])).stdout, '137\n');
      assert.deepEqual(own.below(), []);
    });

    test('a box whose init was killed has been killed', async () => {
      await startDetached(way, ['--name', 'k', '--', 'sleep', '1000']);
      assert.deepEqual(await nsgen(['kill', 'k']), printed('k\n'));
      assert.deepEqual((await nsgen(['wait', 'k'])).stdout, '137\n');
      const { status, stderr } = await nsgen(['kill', 'k']);
      assert.deepEqual([status, stderr], [125, 'nsgen: box "k" has ended\n']);
    });

    test('it cannot pass for another process, nor hide', async () => {
      const stranger = spawn('sleep', ['1000']);
      after(() => stranger.kill());
      const line = readFileSync(`/proc/${stranger.pid}/stat`, 'latin1');
      // A whole line that names somebody else; rubbish; nothing.
      for (const [name, text, problem] of [
        ['liar', `${line}started\n`, undefined],
        ['scribbler', 'x'.repeat(9000), 'somebody in the box has written to life'],
        ['eraser', '', 'somebody in the box has written to life'],
      ] as const) {
        writeFileSync(join(parent, `text-of-${name}`), text);
        const command = `cat "$0" >/proc/1/fd/3 && echo done; sleep 1000`;
        await startDetached(way, ['--name', name, '--', 'sh', '-c', command, join(parent, `text-of-${name}`)]);
        await until(() => readFileSync(join(parent, name, 'log'), 'utf8') === 'done\n', `${name} has written`);
        const { status, process: init, problem: found } = named(name) ?? assert.fail();
        assert.equal(status, 'running');
        assert.equal(found, problem);
        assert.equal(statOf(init?.pid ?? 0)?.name, 'nsgen-init');
        assert.deepEqual(await nsgen(['stop', '-t', '0', name]), printed(`${name}\n`));
      }
      assert.equal(stranger.exitCode ?? stranger.signalCode, null);
      stranger.kill();
      await once(stranger, 'close');
      for (const name of ['liar', 'scribbler', 'eraser']) await nsgen(['rm', join(`text-of-${name}`), name]);
    });
  });
}

test('kill sends any signal, to the command', async () => {
  const script = 'trap "exit 7" USR1; trap "exit 8" RTMIN+2; echo ready; while :; do sleep 0.05; done';
  for (const [signal, status] of [
    ['USR1', '7\n'],
    ['SIGRTMIN+2', '8\n'],
    ['9', '137\n'],
  ] as const) {
    await startDetached('ffi', ['--name', 's', '--', 'bash', '-c', script]);
    await until(() => readFileSync(join(parent, 's/log'), 'utf8') !== '', 'it is ready');
    assert.deepEqual(await nsgen(['kill', '-s', signal, 's']), printed('s\n'));
    assert.equal((await nsgen(['wait', 's'])).stdout, status);
    await nsgen(['rm', 's']);
  }
  const { status, stderr } = await nsgen(['kill', '-s', 'NOPE', 's']);
  assert.deepEqual([status, stderr], [2, 'nsgen: --signal: there is no signal "NOPE"\n']);
});

test('signals by their names', () => {
  const wanted = {
    TERM: 15,
    SIGTERM: 15,
    sigterm: 15,
    '15': 15,
    RTMIN: 34,
    'RTMIN+1': 35,
    RTMAX: 64,
    'SIGRTMAX-1': 63,
  };
  for (const [text, number] of Object.entries(wanted)) assert.equal(signalNumber(text), number, text);
  for (const text of ['', '0', '65', 'RTMIN-1', 'RTMAX+1', 'RTMIN+31', 'SIG', 'TERM ', 'constructor', '-9', '1.5'])
    assert.equal(signalNumber(text), undefined, text);
});

test('a signal is for a process, and for no other of its number', async () => {
  const child = spawn('sleep', ['1000']);
  const pid = child.pid ?? assert.fail();
  const start = statOf(pid)?.start ?? assert.fail();
  assert.equal(sendSignal({ pid, start: `${Number(start) - 1}` }, 9), false);
  assert.equal(sendSignal({ pid: 2 ** 22 + 1, start }, 9), false);
  assert.deepEqual([child.exitCode, child.signalCode, statOf(pid)?.state === 'Z'], [null, null, false]);
  assert.equal(sendSignal({ pid, start }, 15), true);
  assert.deepEqual(await once(child, 'close'), [null, 'SIGTERM']);
});

test('ps lists those that run; -a all; --json for programs', async () => {
  await startDetached('ffi', ['--name', 'gone', '--', 'sh', '-c', 'exit 4']);
  await startDetached('script', ['--name', 'here', '--', 'sleep', '1000']);
  await ended('gone', named);
  writeFileSync(join(parent, 'broken'), '');
  const { stdout } = await nsgen(['ps']);
  assert.match(
    stdout,
    /^NAME +PID +INSIDE +STARTED +STATUS +COMMAND\nhere +\d+ +1 +\d+ seconds? ago +running +sleep 1000\n$/,
  );
  const all = (await nsgen(['ps', '-a'])).stdout;
  assert.match(all, /^gone +\d+ seconds? ago +ended \(4\) +sh -c "exit 4"$/m);
  assert.match(all, /^broken +damaged: is not a directory$/m);
  const json: unknown = JSON.parse((await nsgen(['ps', '-a', '--json'])).stdout);
  assert.ok(Array.isArray(json));
  const here = json.find(({ name }) => name === 'here');
  assert.deepEqual([here.status, here.pids, here.backend], ['running', [here.pid, 1], 'script']);
  assert.deepEqual(await nsgen(['rm', 'broken', 'gone']), printed('broken\ngone\n'));
  const { status, stderr } = await nsgen(['rm', 'here']);
  assert.deepEqual(
    [status, stderr],
    [125, 'nsgen: box "here" is running: nsgen stop ends it, and nsgen rm -f does both\n'],
  );
  assert.deepEqual(await nsgen(['rm', '-f', 'here']), printed('here\n'));
  assert.ok(!existsSync(join(parent, 'here')));
});

test('a box whose record is damaged is ended by rm -f all the same', async () => {
  await startDetached('ffi', ['--name', 'd', '--', 'sleep', '1000']);
  const init = named('d')?.process ?? assert.fail();
  writeFileSync(join(parent, 'd/box.json'), '{"name":');
  assert.match((await nsgen(['rm', 'd'])).stderr, /is damaged, and somebody is running in it/);
  assert.deepEqual(await nsgen(['rm', '-f', 'd']), printed('d\n'));
  await until(() => statOf(init.pid)?.start !== init.start || statOf(init.pid)?.state === 'Z', 'it has ended');
});

for (const name of ['stop', 'kill', 'wait', 'logs', 'rm'])
  test(`nsgen ${name} of nobody`, async () => {
    assert.match((await nsgen([name, 'nobody'])).stderr, /^nsgen: there is no box "nobody"/);
    assert.deepEqual((await nsgen([name])).status, 2);
  });
