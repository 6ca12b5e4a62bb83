import assert from 'node:assert/strict';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, test } from 'node:test';
import { execute } from '../support/cli.js';
import { installForEveryone } from '../support/installed.js';
import { descendants, hostState } from '../support/leftovers.js';
import { ownDirectory } from '../support/own-directory.js';
import { LOOK_AT_INIT, requireBareInit } from './init.js';
import { commandFor, runPod, shell, until, WAYS, type Way } from './ways.js';

/** What the boxes of a pod see of each other, of their init, and of the host. */

const directory = ownDirectory('pods-world');
chmodSync(directory, 0o755);
const installed = installForEveryone(join(directory, 'nsgen'));
const AS_NOBODY = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--'];

const state = hostState();
afterEach(() => {
  assert.deepEqual(descendants(), []);
  assert.deepEqual(hostState(), state);
});

const SLEEP = { command: ['sleep', 'infinity'] };
/** Not whether a process is waiting at this moment. */
const PS = 'ps -eo pid,ppid,pgid,sid,user,tty,args';

/** The output without what stands before a line for its box: lines in the order of each box. */
const linesOf = (stdout: string, box: string): string =>
  stdout
    .split('\n')
    .filter(line => line.startsWith(`${box} `))
    .map(line => line.slice(line.indexOf('|') + 2))
    .join('\n');

/** Two that look, one after the other, and a third that stands still. */
const LOOKING = {
  pod: 'looking',
  boxes: {
    first: SLEEP,
    second: { command: shell(`${until(4, 'sh')}${PS}; exec sleep infinity`) },
    third: { command: shell(`${until(3, 'sleep')}${PS}; kill 2 3`) },
  },
};

/** As nobody or as root. */
function start(who: 'root' | 'nobody', way: Way, pod: unknown) {
  if (who === 'root') return runPod(way, directory, pod);
  const [program = '', ...args] = [...AS_NOBODY, ...commandFor(way, directory, pod, installed)];
  return execute(program, args, { cwd: '/', env: { PATH: process.env.PATH, HOME: '/nonexistent' } });
}

for (const who of ['root', 'nobody'] as const) {
  test(`${who}: ps shows the same in each box, and under all ways to start a pod`, async () => {
    const seen = [];
    for (const way of WAYS) {
      const { status, stdout, stderr } = await start(who, way, LOOKING);
      assert.equal(stderr, '', way);
      assert.equal(status, 128 + 15, way);
      seen.push({ second: linesOf(stdout, 'second'), third: linesOf(stdout, 'third') });
    }
    const [ffi, ...others] = seen;
    for (const other of others) assert.deepEqual(other, ffi);
    const rows = (ffi?.third ?? '').split('\n').map(line => line.trim().split(/\s+/).join(' '));
    assert.deepEqual(
      rows.map(row => row.replace(/ (sh -c|ps -eo) .*/, ' $1')),
      [
        'PID PPID PGID SID USER TT COMMAND',
        '1 0 1 1 root ? nsgen-init pause',
        '2 0 2 2 root ? sleep infinity',
        '3 0 3 3 root ? sleep infinity',
        '4 0 4 4 root ? sh -c',
        '6 4 4 4 root ? ps -eo',
      ],
    );
  });

  test(`${who}: the init has no privileges, and shows nothing of the host`, async () => {
    const pod = { pod: 'looked-at', boxes: { first: SLEEP, second: { command: shell(`${LOOK_AT_INIT}; kill 2`) } } };
    const seen: string[] = [];
    for (const way of WAYS) {
      const { stdout, stderr } = await start(who, way, pod);
      assert.equal(stderr, '', way);
      seen.push(requireBareInit(linesOf(stdout, 'second')));
    }
    const [ffi, ...others] = seen;
    for (const other of others) assert.equal(other, ffi);
  });
}

const NAMESPACES = 'for type in cgroup ipc mnt net pid user uts; do readlink /proc/self/ns/$type; done';

/** The namespaces that two boxes of a pod, which shares these, have in common. */
async function inCommon(way: Way, share: readonly string[]): Promise<readonly string[]> {
  const pod = {
    pod: 'sharing',
    share,
    boxes: {
      one: { command: shell(`${NAMESPACES}; exec sleep infinity`) },
      two: { command: shell(`${until(2, 'sleep')}${NAMESPACES}; kill 2`) },
    },
  };
  const { stdout } = await runPod(way, directory, pod);
  const [one, two] = ['one', 'two'].map(box => linesOf(stdout, box).split('\n'));
  assert.deepEqual([one?.length, two?.length], [7, 7]);
  return (one ?? []).filter(namespace => two?.includes(namespace)).map(namespace => namespace.replace(/:.*/, ''));
}

for (const way of WAYS) {
  describe(`a pod, ${way}`, () => {
    test('shares what it says, and nothing else', async () => {
      assert.deepEqual(await inCommon(way, []), ['pid', 'user']);
      assert.deepEqual(await inCommon(way, ['net', 'ipc', 'uts']), ['ipc', 'net', 'pid', 'user', 'uts']);
    });

    test('boxes talk over the loopback, find each other by System V IPC, and have one host name', async () => {
      const server = 'require("net").createServer(socket => socket.end("hello")).listen(7777, "127.0.0.1")';
      const asks = [
        'until exec 3<>/dev/tcp/127.0.0.1/7777; do :; done 2>/dev/null',
        'cat <&3; echo; ipcmk -Q; ipcs -q | grep -c "^0x"; hostname',
        'kill 2',
      ];
      const pod = {
        pod: 'talking',
        share: ['net', 'ipc', 'uts'],
        hostname: 'together',
        boxes: {
          server: { command: [process.execPath, '-e', server] },
          queue: { command: ['ipcmk', '-Q'] },
          client: { command: ['bash', '-c', asks.join('; ')] },
        },
      };
      const { status, stdout, stderr } = await runPod(way, directory, pod);
      assert.equal(stderr, '');
      assert.equal(status, 143);
      const lines = linesOf(stdout, 'client').replace(/id: .*/, 'id');
      assert.equal(lines, 'hello\nMessage queue id\n2\ntogether');
    });

    test('each box has its own mounts and root; the processes of the others are in reach', async () => {
      const pod = {
        pod: 'roots',
        boxes: {
          one: {
            command: shell('echo mine >/tmp/mark; exec sleep infinity'),
            mounts: [{ type: 'tmpfs', destination: '/tmp' }],
          },
          two: {
            command: shell(
              `${until(2, 'sleep')}ls /; cat /mark; [ -e /tmp/mark ] || echo none; cat /proc/2/root/tmp/mark; kill 2`,
            ),
            rootfs: { from: ['sh', 'ls', 'cat'] },
            files: { '/mark': 'two\n' },
          },
        },
      };
      const { stdout, stderr } = await runPod(way, directory, pod);
      assert.equal(stderr, '');
      const lines = linesOf(stdout, 'two');
      assert.match(lines, /^mark$/m);
      assert.match(lines, /^two\nnone\nmine$/m);
      assert.doesNotMatch(lines, /^home$/m);
    });

    test('an orphan becomes a child of the init, which reaps it', async () => {
      const script = [
        '(sh -c "until read -r _ _ _ parent _ </proc/self/stat && [ \\$parent = 1 ]; do :; done; echo adopted; exec sleep infinity" &)',
        'until [ "$(cat /proc/4/comm 2>/dev/null)" = sleep ]; do :; done',
        'kill 4; while [ -e /proc/4 ]; do :; done; echo gone',
      ];
      const pod = { pod: 'orphans', boxes: { one: { command: shell(script.join('; ')) } } };
      const { status, stdout, stderr } = await runPod(way, directory, pod);
      assert.deepEqual([status, stderr], [0, '']);
      assert.equal(stdout, 'adopted\ngone\n');
    });
  });
}
