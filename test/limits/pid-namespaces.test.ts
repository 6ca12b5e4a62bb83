import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, readlinkSync, rmdirSync, statSync } from 'node:fs';
import { afterEach, describe, test } from 'node:test';
import { cgroupName } from '../../src/host/cgroup/name.js';
import { statOf } from '../../src/host/process.js';
import { BACKEND_NAMES, prune, script } from '../../src/index.js';
import { execute, nsgenPath } from '../support/cli.js';
import { ownCgroups } from '../support/own-cgroup.js';
import { delay } from '../support/session.js';
import { until } from '../support/until.js';

/** Cgroups that are seen from several pid namespaces: a number of a process in one means nothing in the other. */

const own = ownCgroups();
const pids = own.directory('pids');
const legacy = { skip: pids === '' ? 'there is no controller pids of version 1 here' : false };
const ELSEWHERE = ['--pid', '--fork', '--kill-child', '--mount-proc', '--'] as const;

/** Milliseconds, after which a cgroup in which nobody is counts as left behind. */
const SETTLED = 300;

const made: string[] = [];
const endings: (() => Promise<unknown>)[] = [];

function make(name: string): string {
  const directory = `${pids}/${name}`;
  mkdirSync(directory);
  // As nsgen does, which opens it: the kernel then notes the time.
  statSync(directory);
  made.push(directory);
  return directory;
}

afterEach(async () => {
  for (const end of endings.splice(0)) await end();
  for (const directory of made.splice(0)) if (existsSync(directory)) rmdirSync(directory);
  const left = own.below();
  for (const directory of left) rmdirSync(directory);
  assert.deepEqual(left, []);
});

const there = (words: readonly string[], input = '') => execute('unshare', [...ELSEWHERE, ...words], { input });
const prunedThere = () => there([process.execPath, nsgenPath, 'prune']);

/** A process that goes on until the end of the test, in a pid namespace of its own, where it is process 1. */
async function startThere(words: readonly string[]) {
  const child = spawn('unshare', [...ELSEWHERE, ...words], { stdio: 'ignore' });
  const closed = once(child, 'close');
  const end = async () => {
    child.kill('SIGKILL');
    await closed;
  };
  endings.push(end);
  const children = () => readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trimEnd();
  await until(() => children() !== '', 'it runs');
  return { first: children(), end };
}

/** Of a process that has a box here: the number of the box in it is another. */
const others = (name: string): string => name.replace(/^(nsgen-\d+-\d+)-\d+/, '$1-77');

describe('an empty cgroup of somebody in another pid namespace', legacy, () => {
  const BOX = ['--pids-limit', '20', '--', 'sleep', '0.2'];

  for (const [who, act] of [
    ['nsgen prune', prunedThere],
    ['the next box: ffi', () => there([process.execPath, nsgenPath, 'run', ...BOX])],
    [
      'the next box: script',
      async () => there(['bash', '-s'], await script({ command: ['true'], resources: { pids: { limit: 20 } } })),
    ],
  ] as const)
    test(`is left alone there by ${who}`, async () => {
      const start = readFileSync('/proc/self/stat', 'utf8').replace(/.*\) /s, '').split(' ')[19] ?? '';
      const inUse = make(cgroupName(9, { pid: process.pid, start }));
      await delay(SETTLED);
      const { status, stdout, stderr } = await act();
      assert.deepEqual([status, stderr], [0, '']);
      assert.ok(!stdout.includes(pids), stdout);
      assert.ok(existsSync(inUse));
    });

  for (const backend of BACKEND_NAMES)
    test(`is left alone here and elsewhere, until nobody is in there any more: ${backend}`, async () => {
      const words =
        backend === 'ffi'
          ? [process.execPath, nsgenPath, 'run', '--pids-limit', '20', '--', 'sleep', '1000']
          : ['bash', '-c', await script({ command: ['sleep', '1000'], resources: { pids: { limit: 20 } } })];
      const { first, end } = await startThere(words);
      await until(
        () => own.below().some(path => readFileSync(`${path}/cgroup.procs`, 'utf8') !== ''),
        'there is a box',
      );
      const [running = ''] = own.below();
      const name = running.slice(pids.length + 1);
      const inode = readlinkSync(`/proc/${first}/ns/pid`).replace(/\D/g, '');
      assert.match(name, new RegExp(`^nsgen-1-\\d+-\\d-${inode}$`));
      const inUse = make(others(name));
      await delay(SETTLED);
      const [here, elsewhere] = await Promise.all([prune(), prunedThere()]);
      assert.deepEqual([here.removed, here.inUse].flat().map(String).filter(mentions), []);
      assert.deepEqual(elsewhere, { status: 0, signal: null, stdout: '', stderr: '' });
      assert.ok(existsSync(inUse));
      await end();
      await until(() => (statOf(Number(first))?.state ?? 'Z') === 'Z', 'the first there has ended, after all others');
      const { removed } = await prune();
      assert.deepEqual(removed.filter(mentions).toSorted(), [inUse, running].toSorted());
    });

  const mentions = (text: string): boolean => text.includes(pids);
});

describe('in another pid namespace', legacy, () => {
  const LEFT = `
    read -r -d '' line </proc/self/stat
    read -r -a fields <<<"\${line##*) }"
    inode=$(readlink /proc/self/ns/pid)
    inode=\${inode//[!0-9]/}
    cd ${pids}
    mkdir nsgen-4194304-5-0-$inode nsgen-1-$((fields[19] + 1))-0-$inode nsgen-1-\${fields[19]}-0-$inode
    ls -d nsgen-* | wc -l
    sleep 0.3
    "$@" >/dev/null || exit
    echo nsgen-*
    echo nsgen-1-\${fields[19]}-0-$inode
    rmdir nsgen-*`;

  for (const way of ['nsgen prune', 'the next box: script'] as const)
    test(`what somebody of there was killed too soon to remove is removed by ${way}`, async () => {
      const words =
        way === 'nsgen prune'
          ? [process.execPath, nsgenPath, 'prune']
          : ['bash', '-c', await script({ command: ['true'], resources: { pids: { limit: 20 } } })];
      const { status, stdout, stderr } = await there(['bash', '-c', LEFT, 'bash', ...words]);
      assert.deepEqual([status, stderr], [0, '']);
      const [count, left, living] = stdout.split('\n');
      assert.equal(count, '3');
      assert.equal(left, living);
    });

  for (const backend of BACKEND_NAMES)
    test(`what a box uses is known: ${backend}`, async () => {
      const program = `
        const { once } = await import('node:events');
        const { start } = await import('${new URL('../../src/index.js', import.meta.url).href}');
        const box = { command: ['sh', '-c', 'echo ready; read -r end'], accounting: true };
        const running = await start(box, { backend: '${backend}', stdin: 'pipe', stdout: 'pipe', stderr: 'inherit' });
        await once(running.stdout, 'data');
        for await (const { pids } of running.stats()) {
          console.log(pids.current);
          break;
        }
        running.stdin.end('\\n');
        console.log((await running.ended).exitStatus);`;
      const { stdout, stderr } = await there([process.execPath, '--input-type=module', '-e', program]);
      assert.deepEqual([stdout, stderr], ['1\n0\n', '']);
    });

  test('nothing is removed where /proc is that of another, also if a process has the same number in both', async () => {
    const leftovers = new URL('../../src/host/cgroup/leftovers.js', import.meta.url).href;
    const names = new URL('../../src/host/cgroup/name.js', import.meta.url).href;
    const program = `
      const { mkdirSync, readlinkSync, rmdirSync } = await import('node:fs');
      const { cgroupName } = await import('${names}');
      const { leftoversIn } = await import('${leftovers}');
      const directory = '${pids}/' + cgroupName(0, { pid: 4194304, start: '5' });
      mkdirSync(directory);
      console.log(readlinkSync('/proc/self') - process.pid, leftoversIn('${pids}').length);
      rmdirSync(directory);`;
    // The next process is to have the number in this namespace that it has in the one whose /proc this is.
    const same = `
      while read -r field outer _; do [[ $field == NSpid: ]] && break; done </proc/self/status
      printf %s "$outer" >/proc/sys/kernel/ns_last_pid
      "$@"`;
    const inner = ['unshare', '--pid', '--fork', 'bash', '-c', `${same}\nexit`, 'bash'];
    const words = [process.execPath, '--input-type=module', '-e', program];
    const { stdout, stderr } = await there([...inner, ...words]);
    assert.deepEqual([stdout, stderr], ['0 0\n', '']);
  });
});
