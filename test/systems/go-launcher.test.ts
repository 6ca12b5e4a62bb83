import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { test } from 'node:test';
import { execute } from '../support/cli.js';
import { pidsOf, startLiveBox } from './live-box.js';
import { as, BACKENDS, leavingNothing, nsgenCommand, run, USERS } from './side-by-side.js';

/** docs/systems/go-launcher.md */
const FLAGS = ['--share', 'ipc,net,cgroup', '--hostname', 'container'];

/** What `run` asks the kernel for, and what `child` then does before it becomes the command. */
const UNSHARE = ['unshare', '--fork', '--pid', '--mount', '--uts', '--mount-proc'];
const CHILD = ['bash', '-c', 'hostname container && exec "$@"', 'child'];

const digest = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex');

for (const user of USERS) {
  const mapped = user === 'root' ? [] : ['--user', '--map-root-user'];
  const literal = as(user, [...UNSHARE, ...mapped, ...CHILD, 'bash']);

  for (const backend of BACKENDS) {
    const box = (...command: string[]) => nsgenCommand(user, ['run', '--backend', backend, ...FLAGS, ...command]);

    test(`${user}, ${backend}: run bash is the same as with the launcher, status and streams`, () =>
      leavingNothing(async () => {
        const input = 'echo "$$ $PPID $(hostname) $(id -u)"\nps -eo ppid,user,args\necho to stderr >&2\nexit 7\n';
        const expected = await run(literal, input);
        assert.equal(expected.status, 7);
        assert.match(expected.stdout, /^1 0 container 0\n/);
        assert.deepEqual(await run(box('bash'), input), expected);
      }));

    test(`${user}, ${backend}: one process has two pids`, () =>
      leavingNothing(async () => {
        const live = await startLiveBox(box('bash'));
        assert.deepEqual(pidsOf(live.pid), [...pidsOf(process.pid).slice(0, -1), live.pid, 1]);
        assert.match(readFileSync(`/proc/${live.pid}/status`, 'utf8'), /^Name:\tbash$/m);
        assert.equal(await live.ask('echo $$'), '1');
        assert.equal(await live.ask('grep ^NSpid: /proc/$$/status'), 'NSpid:\t1');
        assert.notEqual(readlinkSync(`/proc/${live.pid}/ns/pid`), readlinkSync('/proc/self/ns/pid'));
        const { stdout } = await execute('ps', ['-o', 'args=', '-p', String(live.pid)]);
        assert.equal(stdout, 'bash\n');
        assert.deepEqual(await live.end(), { status: 0 });
      }));

    test(`${user}, ${backend}: the host ends it like any process`, () =>
      leavingNothing(async () => {
        const live = await startLiveBox(box('bash'));
        process.kill(live.pid, 'SIGKILL');
        assert.deepEqual(await live.end(), { status: 137 });
      }));

    test(`${user}, ${backend}: a megabyte goes in and comes out, byte for byte`, () =>
      leavingNothing(async () => {
        const bytes = randomBytes(1 << 20);
        const counted = await run(box('sha256sum'), bytes);
        assert.equal(counted.stdout, `${digest(bytes)}  -\n`);
        const text = bytes.toString('base64');
        const echoed = await run(box('sh', '-c', 'cat; exit 9'), text);
        assert.deepEqual([echoed.status, digest(echoed.stdout)], [9, digest(text)]);
        const reported = await run(box('sh', '-c', 'cat >&2'), text);
        assert.deepEqual([reported.stdout, digest(reported.stderr)], ['', digest(text)]);
      }));
  }
}
