import assert from 'node:assert/strict';
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, test } from 'node:test';
import { isAlive, statOf } from '../../src/host/process.js';
import { execute, nsgen } from '../support/cli.js';
import { installForEveryone } from '../support/installed.js';
import { ownCgroups } from '../support/own-cgroup.js';
import { ownDirectory } from '../support/own-directory.js';
import { until } from '../support/until.js';
import { ownPods, printed, WAYS, withoutNotes } from './detached-pods.js';
import { shell } from './ways.js';

/** A pod that goes on without nsgen, from its start to its removal, and what is done with it and its boxes by name. */

const { parent, named, states, clear, start, running, logged } = ownPods('detached-pods');
const own = ownCgroups();

afterEach(async () => {
  await clear();
  assert.deepEqual(states(), []);
  assert.deepEqual(own.below(), []);
});

const entries = () => readdirSync(parent).filter(name => !name.startsWith('.'));
const PS = 'ps -eo pid,ppid,pgid,sid,user,tty,args';
const SLEEP = { command: ['sleep', '1000'] };

const SHOP = {
  pod: 'shop',
  share: ['net'],
  boxes: { web: SLEEP, look: { command: shell(`${PS}; ls /proc/1/fd /proc/2/fd; exec sleep 1000`) } },
};

const PROCESSES = [
  'PID PPID PGID SID USER TT COMMAND',
  '1 0 1 1 root ? nsgen-init pause',
  '2 0 2 2 root ? nsgen-init exec sleep 1000',
  '3 2 3 2 root ? sleep 1000',
  '4 0 4 4 root ? nsgen-init exec sh -c',
  '5 4 5 4 root ? sh -c',
  '6 5 5 4 root ? ps -eo',
];

/** What nsgen ps --json says, without what no two pods have in common. */
const entriesOf = (json: string): unknown =>
  JSON.parse(json)
    .map(({ pid, created, directory, backend, ...rest }: Readonly<Record<string, unknown>>) => {
      assert.ok(typeof pid === 'number' && typeof created === 'string' && typeof directory === 'string' && backend);
      return { ...rest, pids: Array.isArray(rest.pids) ? rest.pids.slice(1) : rest.pids };
    })
    .sort((one: { name: string }, other: { name: string }) => (one.name < other.name ? -1 : 1));

const seen: unknown[] = [];

for (const way of WAYS) {
  describe(`a pod that goes on alone, by ${way}`, () => {
    test('an init, and for each box an init and its command; the same in nsgen ps and inside', async () => {
      const { status, stdout, stderr } = await start(way, SHOP);
      assert.deepEqual([status, stdout, withoutNotes(stderr)], [0, 'shop\n', '']);
      const text = await logged('shop.look', /\/proc\/2\/fd:\n(.+\n)+/);
      const [processes = '', descriptors = ''] = text.split(/(?=^\/proc\/1\/fd)/m);
      const rows = processes
        .trimEnd()
        .split('\n')
        .map(line => line.trim().split(/\s+/).join(' '));
      assert.deepEqual(
        rows.map(row => row.replace(/ (sh -c|ps -eo) .*/, ' $1')),
        PROCESSES,
      );
      // The init of the pod has no descriptor, that of a box those of its command and its file life.
      assert.equal(descriptors.trimEnd(), '/proc/1/fd:\n\n/proc/2/fd:\n0\n1\n2\n3');
      const json = entriesOf((await nsgen(['ps', '--json'])).stdout);
      seen.push(json);
      assert.deepEqual(json, seen[0]);
      for (const name of ['shop', 'shop.web', 'shop.look'])
        assert.equal(statOf(running(name).process?.pid ?? 0)?.name, 'nsgen-init');
    });

    test('the boxes by their names', async () => {
      await start(way, { ...SHOP, boxes: { web: SLEEP, end: { command: shell('echo said; exit 7') } } });
      assert.deepEqual(await nsgen(['wait', 'shop.end']), printed('7\n'));
      assert.deepEqual(await nsgen(['logs', 'shop.end']), printed('said\n'));
      assert.deepEqual(await nsgen(['exec', 'shop.web', '--', 'cat', '/proc/3/comm']), printed('sleep\n'));
      assert.match((await nsgen(['inspect', 'shop.web'])).stdout, /^box +shop\.web/m);
      assert.deepEqual(await nsgen(['rm', 'shop.end']), printed('shop.end\n'));
      assert.equal((await nsgen(['rm', 'shop.web'])).status, 125);
      assert.deepEqual(await nsgen(['stop', 'shop.web']), printed('shop.web\n'));
      assert.deepEqual([named('shop.web')?.exitStatus, running('shop').problem], [143, undefined]);
    });

    test('SIGKILL of a box takes its command, and nothing of the others', async () => {
      await start(way, SHOP);
      const [init, command] = [running('shop.web').process?.pid ?? 0, 'sleep 1000'];
      await until(
        async () => (await nsgen(['exec', 'shop.look', '--', 'ps', '-o', 'args=', '3'])).stdout === `${command}\n`,
        'the command is executed',
      );
      assert.deepEqual(await nsgen(['kill', 'shop.web']), printed('shop.web\n'));
      assert.deepEqual(await nsgen(['wait', 'shop.web']), printed('137\n'));
      assert.notEqual(statOf(init)?.state, 'S');
      await until(
        async () => (await nsgen(['exec', 'shop.look', '--', 'ls', '/proc/3'])).status !== 0,
        'the command has ended',
      );
      running('shop.look');
    });

    test('the pod by its name', async () => {
      const trap = (status: number) => `trap "exit ${status}" TERM; echo up; while :; do sleep 0.05; done`;
      const pod = { pod: 'p', boxes: { one: { command: shell(trap(0)) }, two: { command: shell(trap(5)) } } };
      await start(way, pod);
      await logged('p.one', /up/);
      await logged('p.two', /up/);
      assert.deepEqual(await nsgen(['logs', 'p']), printed('one | up\ntwo | up\n'));
      const refused = await nsgen(['exec', 'p', '--', 'true']);
      assert.deepEqual([refused.status, refused.stdout], [2, '']);
      assert.match(
        refused.stderr,
        /"p" is a pod: name one of its boxes \(p\.one, p\.two\), or start another by nsgen run/,
      );
      assert.match((await nsgen(['inspect', 'p'])).stdout, /^box +p$/m);
      const still = await nsgen(['rm', 'p']);
      assert.equal(still.status, 125);
      assert.match(still.stderr, /pod "p" is running: nsgen stop ends it and its boxes/);
      const [init] = [running('p').process ?? assert.fail()];
      assert.deepEqual(await nsgen(['kill', '-s', 'TERM', 'p']), printed('p\n'));
      assert.deepEqual(await nsgen(['wait', 'p']), printed('5\n'));
      assert.equal(isAlive(init), true);
      assert.deepEqual(await nsgen(['stop', 'p']), printed('p\n'));
      assert.equal(isAlive(init), false);
      const all = (await nsgen(['ps', '-a'])).stdout;
      assert.match(all, /^p +\d+ seconds? ago +ended +nsgen-init pause$/m);
      assert.match(all, /^p\.two +\d+ seconds? ago +ended \(5\) +sh -c/m);
      assert.deepEqual(await nsgen(['rm', 'p']), printed('p\n'));
      assert.deepEqual(entries(), []);
    });

    test('stop ends every box as it wants to be ended, and then what they have left', async () => {
      const pod = {
        pod: 'p',
        boxes: {
          good: { command: shell('trap "exit 3" TERM; echo up; while :; do sleep 0.05; done') },
          bad: {
            command: shell('trap "" TERM; (trap "" TERM; exec sleep 1000.7) & echo up; while :; do sleep 0.05; done'),
          },
        },
      };
      await start(way, pod);
      for (const name of ['p.good', 'p.bad']) await logged(name, /up/);
      assert.deepEqual(await nsgen(['stop', '-t', '0.5', 'p']), printed('p\n'));
      assert.deepEqual([named('p.good')?.exitStatus, named('p.bad')?.exitStatus], [3, 137]);
      assert.equal(named('p')?.status, 'ended');
    });

    test('what cannot be started half-way leaves nothing, and says why', async () => {
      const limited = { ...SLEEP, resources: { pids: { limit: 20 } } };
      for (const [last, status, message] of [
        [{ command: ['/nonexistent/program'] }, 127, /cannot execute \/nonexistent\/program/],
        [{ command: ['/etc/passwd'] }, 126, /cannot execute \/etc\/passwd/],
        [{ ...SLEEP, cwd: '/nonexistent/directory' }, 125, /\/nonexistent\/directory/],
        [{ ...SLEEP, rootfs: '/nonexistent/root' }, 2, /boxes\.last\.rootfs: there is no directory/],
      ] as const) {
        const end = await start(way, { pod: 'half', boxes: { first: limited, last } });
        assert.deepEqual([end.status, end.stdout], [status, ''], end.stderr);
        assert.match(end.stderr, message);
        assert.deepEqual(
          readdirSync(parent).filter(name => !/^\.(lock|pod-)/.test(name)),
          [],
        );
        assert.deepEqual(own.below(), []);
      }
    });

    test('a name that is taken is refused, and nothing is started', async () => {
      await start(way, { pod: 'taken', boxes: { web: SLEEP } });
      const init = running('taken').process;
      for (const name of ['taken', 'other']) {
        if (name === 'other') await nsgen(['run', '-d', '--name', 'other.web', '--', 'sleep', '1000']);
        const end = await start(way, { pod: name, boxes: { first: SLEEP, web: SLEEP } });
        assert.deepEqual([end.status, end.stdout], [125, '']);
        assert.match(end.stderr, /the name "?(taken|other\.web)"? is in use/);
      }
      assert.deepEqual(running('taken').process, init);
      assert.deepEqual(entries(), ['other.web', 'taken', 'taken.web']);
      const alone = await start(way, { pod: 'other', boxes: { second: SLEEP } });
      assert.equal(alone.status, 0);
      assert.equal((await nsgen(['rm', '-f', 'other'])).status, 0);
      // It is in no pod.
      running('other.web');
    });

    test('limits are those of the box, and go with it', async () => {
      const limited = { ...SLEEP, resources: { pids: { limit: 20 } } };
      await start(way, { pod: 'l', boxes: { a: limited, b: SLEEP } });
      assert.notDeepEqual(own.below(), []);
      await nsgen(['stop', '-t', '0', 'l.a']);
      assert.deepEqual(own.below(), []);
    });
  });
}

test('nsgen logs -f of a pod goes on until the last of its boxes ends', async () => {
  const go = join(parent, '.go');
  const wait = (word: string) => shell(`echo ${word}; until [ -e ${go} ]; do sleep 0.05; done; echo end of ${word}`);
  await start('ffi', { pod: 'f', boxes: { a: { command: wait('a') }, bb: { command: wait('b') } } });
  const logs = execute('sh', [
    '-c',
    '"$0" "$1" logs -f f & "$0" "$1" exec f.a -- touch "$2"; wait',
    process.execPath,
    join(process.cwd(), 'dist/bin/nsgen.cjs'),
    go,
  ]);
  const { stdout } = await logs;
  assert.deepEqual(stdout.trimEnd().split('\n').toSorted(), ['a  | a', 'a  | end of a', 'bb | b', 'bb | end of b']);
});

test('an ordinary user has pods too, by all ways', async () => {
  const directory = ownDirectory('pods-of-nobody');
  // It is in that of the others.
  for (const open of [join(parent, '..'), directory]) chmodSync(open, 0o755);
  const installed = installForEveryone(join(directory, 'nsgen'));
  const state = join(directory, 'state');
  mkdirSync(state, { mode: 0o700 });
  chownSync(state, 65534, 65534);
  const as = (words: readonly string[], input?: string) =>
    execute('setpriv', ['--reuid=65534', '--regid=65534', '--clear-groups', '--', ...words], {
      cwd: '/',
      env: { PATH: process.env.PATH, HOME: '/nonexistent', NSGEN_STATE_DIRECTORY: state },
      ...(input === undefined ? {} : { input }),
    });
  const file = join(directory, 'pod.json');
  writeFileSync(file, JSON.stringify(SHOP), { mode: 0o644 });
  const outputs: string[] = [];
  for (const way of WAYS) {
    const feed = way === 'pod.sh' ? await nsgen(['script', '-d', '-f', file]) : undefined;
    const started =
      feed === undefined
        ? await as([...installed, 'run', '-d', '--backend', way, '-f', file])
        : await as(['bash', '-s'], feed.stdout);
    assert.deepEqual([started.status, started.stdout], [0, 'shop\n'], started.stderr);
    const one = await as([...installed, 'run', '--pod', 'shop', '--', 'sh', '-c', 'id; cat /proc/2/comm']);
    assert.equal(one.stdout, 'uid=0(root) gid=0(root) groups=0(root)\nnsgen-init\n', one.stderr);
    let log = '';
    await until(async () => {
      log = (await as([...installed, 'logs', 'shop.look'])).stdout;
      return log.includes('/proc/2/fd:\n0');
    }, 'the box has looked');
    outputs.push(log);
    assert.equal((await as([...installed, 'stop', 'shop'])).status, 0);
    assert.equal((await as([...installed, 'rm', 'shop'])).status, 0);
  }
  for (const output of outputs) assert.equal(output, outputs[0]);
  assert.deepEqual(
    readdirSync(state).filter(name => name !== '.lock'),
    [],
  );
});

test('the state of a pod, and whose it is', async () => {
  await start('ffi', { pod: 's', share: ['uts'], hostname: 'h', boxes: { a: SLEEP } });
  const record = JSON.parse(readFileSync(join(parent, 's/box.json'), 'utf8'));
  assert.deepEqual(
    [record.pod, record.shared],
    [undefined, { share: ['pid', 'uts'], user: 'unprivileged', hostname: 'h' }],
  );
  assert.ok(existsSync(join(parent, 's/process')));
  assert.equal(running('s.a').box.stopTimeout, 10);
});
