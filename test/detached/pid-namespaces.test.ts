import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, describe, test } from 'node:test';
import { statOf } from '../../src/host/process.js';
import { readLifeOnFile } from '../../src/state/life-on-file.js';
import { ownPidNamespace, placeOf } from '../../src/state/pid-namespace.js';
import { execute, nsgen, nsgenPath } from '../support/cli.js';
import { until } from '../support/until.js';
import { ended, newMark, ownBoxes, processesWith, startDetached, WAYS } from './named-boxes.js';

/** One directory of boxes, and two pid namespaces: a number of a process in one means nothing in the other. */

const { parent, named, clear } = ownBoxes('pid-namespaces');
const aside = dirname(parent);
afterEach(() => clear());

const ELSEWHERE = ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc', '--'] as const;

/** In a pid namespace of its own, with its /proc. */
const there = (args: readonly string[], input?: string) =>
  command([...ELSEWHERE, process.execPath, nsgenPath, ...args], input);

const command = ([program = '', ...rest]: readonly string[], input?: string) =>
  execute(program, rest, input === undefined ? {} : { input });

const REFUSED =
  /^nsgen: (inspect )?box "[a-z.]+" was started in another pid namespace, .* use nsgen there .* remove \/.*\/[a-z.]+ by hand$/m;

/** Of the cgroups of others nothing can be told there, so nothing is removed. */
async function prunedThere(): Promise<readonly string[]> {
  const { status, stdout, stderr } = await there(['prune', '--dry-run']);
  assert.equal(status, 0, stderr);
  return stdout.split('\n').filter(line => line.includes(parent));
}

async function refuses(args: readonly string[]) {
  const { status, stdout, stderr } = await there(args);
  assert.deepEqual([status, stdout], [125, ''], `${args.join(' ')}: ${stderr}`);
  assert.match(stderr, REFUSED, args.join(' '));
}

/** What the library says there of a box, and why it does nothing with it: what is recorded decides, not which way it was started. */
async function refusedByLibrary(name: string): Promise<unknown> {
  const program = `
    const { boxes, findBox } = await import(${JSON.stringify(new URL('../../src/index.js', import.meta.url).href)});
    const [{ status, pid = null, exitStatus = null }] = await boxes();
    const box = await findBox('${name}');
    const acts = [
      () => box.stop(),
      () => box.stop({ timeout: 0 }),
      () => box.kill(),
      () => box.kill('SIGTERM'),
      () => box.remove(),
      () => box.remove({ force: true }),
      () => box.wait(),
    ];
    const done = acts.map(act => act().then(() => 'it was done', error => error.exitStatus + ' nsgen: ' + error.message));
    console.log(JSON.stringify([status, pid, exitStatus, ...(await Promise.all(done))]));`;
  const { stdout, stderr } = await command([...ELSEWHERE, process.execPath, '--input-type=module', '-e', program]);
  assert.equal(stderr, '');
  return JSON.parse(stdout).map((text: unknown) =>
    typeof text === 'string' && text.startsWith('125 ') && REFUSED.test(text.slice(4)) ? 'refused' : text,
  );
}

for (const way of WAYS)
  describe(way, () => {
    test('a box that runs is shown where its numbers mean nothing, and left alone', async () => {
      const mark = newMark();
      await startDetached(way, ['--name', 'web', '--', 'sh', '-c', 'echo out; sleep 1000; :', mark]);
      await until(() => readFileSync(join(parent, 'web/log'), 'utf8') !== '', 'it has written');
      const { stdout } = await there(['ps']);
      assert.match(stdout, /^web {2,}\d+ seconds? ago +elsewhere: started in another pid namespace.* sh -c/m);
      assert.deepEqual(await refusedByLibrary('web'), ['elsewhere', null, null, ...Array(7).fill('refused')]);
      await Promise.all([
        refuses(['inspect', 'web']),
        refuses(['logs', '-f', 'web']),
        refuses(['exec', 'web', '--', 'true']),
      ]);
      assert.equal((await there(['logs', 'web'])).stdout, 'out\n');
      assert.deepEqual(await prunedThere(), []);
      const script = await nsgen(['script', '--detach', '--name', 'web', '--', 'true']);
      for (const { status, stderr } of [
        await there(['run', '-d', '--name', 'web', '--', 'true']),
        await there(['run', '--name', 'web', '--', 'true']),
        await command([...ELSEWHERE, 'bash', '-s'], script.stdout),
      ]) {
        assert.equal(status, 125);
        assert.match(stderr, /the name "?web"? is in use/);
      }
      assert.equal(named('web')?.status, 'running');
      assert.equal(processesWith(mark).length, 2);
      assert.equal((await nsgen(['stop', '-t', '0', 'web'])).stdout, 'web\n');
      assert.deepEqual(processesWith(mark), []);
    });

    test('of one that has ended, what is on file is said', async () => {
      await startDetached(way, ['--name', 'web', '--', 'sh', '-c', 'echo out; exit 3']);
      await ended('web', named);
      assert.doesNotMatch((await there(['ps'])).stdout, /web/);
      assert.match((await there(['ps', '-a'])).stdout, /^web .* elsewhere \(3\): started in another/m);
      assert.deepEqual(await there(['wait', 'web']), { status: 0, signal: null, stdout: '3\n', stderr: '' });
      assert.equal((await there(['logs', '-f', 'web'])).stdout, 'out\n');
      await refuses(['rm', '-f', 'web']);
      assert.equal(named('web')?.exitStatus, 3);
    });

    test('one that was started there is not taken for one of here, and the other way round', async () => {
      const holder = spawn('unshare', [...ELSEWHERE.slice(1), 'sh', '-c', 'echo ready; read -r end'], {
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      const closed = once(holder, 'close');
      await once(holder.stdout, 'data');
      const [first = ''] = readFileSync(`/proc/${holder.pid}/task/${holder.pid}/children`, 'utf8').split(' ');
      const enter = ['nsenter', '--target', first, '--pid', '--mount', '--'];
      const inside = (args: readonly string[]) => command([...enter, process.execPath, nsgenPath, ...args]);
      const words = ['--detach', '--name', 'web', '--', 'sleep', '1000'];
      const script = way === 'box.sh' ? (await nsgen(['script', ...words])).stdout : '';
      const started = await (way === 'box.sh'
        ? command([...enter, 'bash', '-s'], script)
        : inside(['run', '--backend', way, ...words]));
      assert.deepEqual([started.status, started.stdout], [0, 'web\n'], started.stderr);
      assert.equal(named('web')?.status, 'elsewhere');
      const refused = await nsgen(['rm', '-f', 'web']);
      assert.deepEqual([refused.status, refused.stdout], [125, '']);
      assert.match(refused.stderr, REFUSED);
      assert.match((await inside(['ps'])).stdout, /^web +\d+ .* running /m);
      assert.deepEqual((await inside(['stop', 'web'])).stdout, 'web\n');
      assert.deepEqual((await nsgen(['wait', 'web'])).stdout, '143\n');
      assert.deepEqual((await inside(['rm', 'web'])).stdout, 'web\n');
      assert.equal(named('web'), undefined);
      holder.stdin.end();
      await closed;
    });
  });

describe('in the foreground', () => {
  for (const backend of ['ffi', 'box.sh'] as const)
    test(`${backend}: it is shown, and its end is on file`, async () => {
      const words = ['--name', 'front', '--', 'sh', '-c', 'read -r status; exit $status'];
      const script = join(aside, 'front.sh');
      if (backend === 'box.sh') writeFileSync(script, (await nsgen(['script', ...words])).stdout);
      const [program, args] =
        backend === 'box.sh' ? ['bash', [script]] : [process.execPath, [nsgenPath, 'run', ...words]];
      const child = spawn(program, args, { stdio: ['pipe', 'ignore', 'inherit'] });
      const closed = once(child, 'close');
      await until(() => named('front')?.status === 'running', 'it runs');
      assert.match((await there(['ps'])).stdout, /^front .* elsewhere: /m);
      await refuses(['stop', 'front']);
      await refuses(['rm', '-f', 'front']);
      child.stdin.end('7\n');
      assert.deepEqual(await closed, [7, null]);
      assert.equal((await there(['wait', 'front'])).stdout, '7\n');
    });
});

test('each command refuses it, and says so', async () => {
  await startDetached('ffi', ['--name', 'web', '--', 'sleep', '1000']);
  const [shown] = JSON.parse((await there(['ps', '--json'])).stdout);
  assert.deepEqual([shown.name, shown.status, shown.pid, shown.exitStatus], ['web', 'elsewhere', undefined, undefined]);
  const commands = [['stop'], ['stop', '-t', '0'], ['kill'], ['kill', '-s', 'TERM'], ['rm'], ['rm', '-f'], ['wait']];
  await Promise.all(commands.map(words => refuses([...words, 'web'])));
  assert.equal(named('web')?.status, 'running');
});

test('a pod, and each of its boxes', async () => {
  const file = join(aside, 'pod.json');
  writeFileSync(file, JSON.stringify({ pod: 'shop', boxes: { a: { command: ['sleep', '1000'] } } }));
  assert.equal((await nsgen(['run', '-d', '-f', file])).status, 0);
  const { stdout } = await there(['ps']);
  for (const name of ['shop', 'shop.a']) assert.match(stdout, new RegExp(`^${name} .* elsewhere: `, 'm'));
  const commands = [['stop'], ['kill'], ['kill', '-s', 'TERM'], ['rm', '-f'], ['inspect'], ['wait']];
  await Promise.all(commands.map(words => refuses([...words, 'shop'])));
  await refuses(['exec', 'shop', '--', 'true']);
  await refuses(['run', '--pod', 'shop', '--', 'true']);
  assert.deepEqual(await prunedThere(), []);
  assert.deepEqual(
    ['shop', 'shop.a'].map(name => named(name)?.status),
    ['running', 'running'],
  );
});

test('in another time namespace, where start times differ', async () => {
  await startDetached('ffi', ['--name', 'web', '--', 'sleep', '1000']);
  const clocks = ['unshare', '--time', '--boottime', '100000', '--fork', '--', process.execPath, nsgenPath];
  assert.match((await command([...clocks, 'ps'])).stdout, /^web .* elsewhere: .* another time namespace/m);
  const { status, stderr } = await command([...clocks, 'rm', '-f', 'web']);
  assert.equal(status, 125);
  assert.match(stderr, REFUSED);
  assert.equal(named('web')?.status, 'running');
});

test('what is being made by somebody elsewhere is not pruned', async () => {
  const start = statOf('self')?.start;
  const [living, dead] = [
    `.a.${process.pid}-${start}-${ownPidNamespace()}`,
    `.b.${process.pid}-1-${ownPidNamespace()}`,
  ];
  for (const name of [living, dead]) mkdirSync(join(parent, name));
  assert.deepEqual(await prunedThere(), []);
  assert.ok((await nsgen(['prune'])).stdout.split('\n').includes(`removed ${join(parent, dead)}`));
  assert.deepEqual([existsSync(join(parent, living)), existsSync(join(parent, dead))], [true, false]);
});

test('a script refuses a /proc of another pid namespace, and so does nsgen', async () => {
  const before = readdirSync(parent);
  const script = await nsgen(['script', '--detach', '--name', 'web', '--', 'true']);
  for (const started of [
    await command(['unshare', '--pid', '--fork', 'bash', '-s'], script.stdout),
    await command([
      'unshare',
      '--pid',
      '--fork',
      process.execPath,
      nsgenPath,
      'run',
      '-d',
      '--name',
      'web',
      '--',
      'true',
    ]),
  ]) {
    assert.deepEqual([started.status, started.stdout], [125, '']);
    assert.match(
      started.stderr,
      /: \/proc is that of another pid namespace: boxes cannot be told by their numbers there$/m,
    );
    assert.deepEqual(readdirSync(parent), before);
  }
});

describe('where a box was started', () => {
  const boots = ['11111111-1111-4111-8111-111111111111', '22222222-2222-4222-8222-222222222222'] as const;
  const [machine, container] = [4026531836, 4026532500];

  test('is told by inode, start of its first process, and boot', () => {
    const here = `${container}-700-${boots[0]}`;
    for (const [recorded, from, place] of [
      [undefined, here, 'elsewhere'],
      [`${container}--`, here, 'elsewhere'],
      [here, here, 'here'],
      [`${container}--${boots[0]}`, here, 'here'],
      [`${container}-700-`, here, 'here'],
      [`${container}-701-${boots[0]}`, here, 'elsewhere'],
      [`${container + 1}-700-${boots[0]}`, here, 'elsewhere'],
      [`${container}-700-${boots[1]}`, here, 'elsewhere'],
      [`${machine}-0-${boots[1]}`, here, 'elsewhere'],
      [here, `${machine}-0-${boots[0]}`, 'elsewhere'],
      [`${machine}-0-${boots[0]}`, `${machine}-0-${boots[1]}`, 'earlier'],
      ['junk', here, 'elsewhere'],
    ] as const)
      assert.equal(placeOf(recorded, from), place, `${recorded} from ${from}`);
    assert.equal(placeOf(ownPidNamespace()), 'here');
  });

  test('what is on file of an earlier boot is believed without a look at processes', () => {
    const directory = join(aside, 'earlier');
    mkdirSync(directory);
    const line = readFileSync('/proc/self/stat', 'latin1');
    writeFileSync(join(directory, 'life'), `${line}started\n`);
    writeFileSync(join(directory, 'process'), `${process.pid} ${statOf('self')?.start}\n`);
    const life = { held: false, started: true, process: undefined, problem: undefined };
    assert.deepEqual(readLifeOnFile(directory, false), { ...life, exitStatus: undefined });
    writeFileSync(join(directory, 'life'), `${line}started\n\x07`);
    assert.deepEqual(readLifeOnFile(directory, false), { ...life, exitStatus: 7 });
  });
});
