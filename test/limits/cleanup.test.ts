import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { BACKEND_NAMES, type BoxInput, run, script, start } from '../../src/index.js';
import { packageRoot } from '../../src/package-root.js';
import { execute } from '../support/cli.js';
import { descendants } from '../support/leftovers.js';
import { ownCgroups } from '../support/own-cgroup.js';
import { delay } from '../support/session.js';
import { until } from '../support/until.js';

/** The cgroups of a box go when it ends, with what is in them, whatever the box has done. */

const own = ownCgroups();
const pids = own.directory('pids');
const legacy = { skip: pids === '' ? 'there is no controller pids of version 1 here' : false };
const LIMITS = { resources: { pids: { limit: 60 }, memory: { limit: '200M' }, cpu: { shares: 512 } } } as const;

afterEach(async () => {
  for (let tries = 0; tries < 2000 && descendants().length > 0; tries += 1) await delay(20);
  assert.deepEqual(own.below(), []);
  assert.deepEqual(descendants(), []);
});

const sleeping = (mark: string): readonly string[] =>
  readdirSync('/proc').filter(pid => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'utf8') === `sleep\0${mark}\0`;
    } catch {
      return false;
    }
  });

for (const backend of BACKEND_NAMES) {
  describe(`a box that ends: ${backend}`, legacy, () => {
    test('takes with it the cgroups that it has made in its own, whatever they are called', async () => {
      const box: BoxInput = {
        ...LIMITS,
        command: [
          ...['bash', '-c'],
          `cd ${pids}/nsgen-*
           mkdir -p a/b/c .hidden ..dots $'\\xff\\xfe' $'two\\twords' -- -rf '*'
           sleep 0.01 & echo $! >a/b/cgroup.procs
           name=$(printf 'x%.0s' {1..200})
           for ((depth = 0; depth < 30; depth++)); do mkdir "$name" && cd "./$name" || exit 1; done
           [[ $(pwd -P | wc -c) -gt 4096 ]] || exit 2`,
        ],
      };
      const { exitStatus, stderr } = await run(box, { backend, reject: false });
      assert.deepEqual([exitStatus, stderr], [0, '']);
    });

    test('takes with it a thousand of them, one in the other', async () => {
      const nest = `cd ${pids}/nsgen-* && exec perl -e 'for (1 .. 1000) { mkdir "d" and chdir "d" or die }'`;
      const { exitStatus, stderr } = await run(
        { ...LIMITS, command: ['bash', '-c', nest] },
        { backend, reject: false },
      );
      assert.deepEqual([exitStatus, stderr], [0, '']);
    });

    test('takes with it the processes that it has left in them', async () => {
      const mark = `1000.${process.pid}${backend.length}`;
      const left = `for _ in 1 2 3; do sleep ${mark} & done; setsid sleep ${mark} & exit 7`;
      const box: BoxInput = { ...LIMITS, namespaces: { pid: 'shared' }, command: ['bash', '-c', left] };
      const running = await start(box, { backend, stdin: 'ignore', stdout: 'ignore', stderr: 'ignore' });
      assert.equal((await running.ended).exitStatus, 7);
      assert.deepEqual(sleeping(mark), []);
    });

    test('takes with it those that start others faster than they can be ended', async () => {
      const bomb = 'bomb() { bomb & bomb & wait; }; exec {wait}<> <(:); bomb & read -rt 0.3 <&"$wait"; exit 7';
      const box: BoxInput = { ...LIMITS, namespaces: { pid: 'shared' }, command: ['bash', '-c', bomb] };
      const running = await start(box, { backend, stdin: 'ignore', stdout: 'ignore', stderr: 'ignore' });
      assert.equal((await running.ended).exitStatus, 7);
    });
  });
}

describe('a program that exits while boxes run', legacy, () => {
  for (const how of ['process.exit(3)', 'setTimeout(() => { throw new Error("x"); })'])
    test(`leaves no cgroup: ${how}`, async () => {
      const program = `
        const { start } = await import(${JSON.stringify(join(packageRoot, 'dist', 'index.js'))});
        for (let box = 0; box < 3; box += 1) await start({ ...${JSON.stringify(LIMITS)}, command: ['sleep', '1000'] });
        ${how};`;
      const { status, stderr } = await execute(process.execPath, ['--input-type=module', '-e', program]);
      assert.equal(status, how.includes('exit(3)') ? 3 : 1, stderr);
    });
});

test('a script that is killed when it has only just made its cgroups leaves none', legacy, async () => {
  const text = await script({ ...LIMITS, command: ['sleep', '1000'] });
  for (let round = 0; round < 10; round += 1) {
    const child = spawn('bash', ['-c', text], { stdio: 'ignore' });
    const ended = once(child, 'close');
    const end = Date.now() + 30_000;
    while (own.below().length === 0 && Date.now() < end) await setImmediate();
    assert.equal(own.below().length > 0, true);
    child.kill('SIGKILL');
    await ended;
    await until(() => own.below().length === 0, 'who watches over the script has removed them');
  }
});

describe('a cgroup that cannot be removed', legacy, () => {
  const frozen = `${own.directory('freezer')}/frozen`;
  const stuck: ChildProcess[] = [];
  afterEach(async () => {
    writeFileSync(`${frozen}/freezer.state`, 'THAWED');
    await Promise.all(stuck.map(child => new Promise(resolve => child.on('close', resolve))));
    for (const directory of own.below()) rmdirSync(directory);
  });

  test('is an error of its own, after ten seconds', { timeout: 60_000 }, async () => {
    mkdirSync(frozen);
    const outcomes = await Promise.all(
      BACKEND_NAMES.map(async backend => {
        const box: BoxInput = { command: ['sleep', '1'], resources: { pids: { limit: 60 } } };
        const before = new Set(own.below());
        const running = await start(box, { backend, stdin: 'ignore', stdout: 'ignore', stderr: 'pipe' });
        let errors = '';
        running.stderr?.on('data', chunk => {
          errors += chunk;
        });
        let directory = '';
        for (let tries = 0; tries < 2000 && directory === ''; tries += 1) {
          directory =
            own
              .below()
              .find(
                path =>
                  path !== frozen && path.startsWith(pids) && ownedBy(path, running.pid, backend) && !before.has(path),
              ) ?? '';
          await delay(5);
        }
        assert.ok(existsSync(directory), directory);
        // It does not belong to the box, but it is in the cgroup, and cannot end.
        const child = spawn('sleep', ['1000'], { stdio: 'ignore' });
        stuck.push(child);
        writeFileSync(`${frozen}/cgroup.procs`, String(child.pid));
        writeFileSync(`${directory}/cgroup.procs`, String(child.pid));
        writeFileSync(`${frozen}/freezer.state`, 'FROZEN');
        return running.ended.then(
          ({ exitStatus }) => `${exitStatus} ${errors}`,
          (error: Error) => error.message,
        );
      }),
    );
    assert.match(
      outcomes[0] ?? '',
      /^cannot remove the cgroup .*: EBUSY: 1 of its processes do not end; later, nsgen prune will$/,
    );
    assert.match(outcomes[1] ?? '', /^125 box\.sh: cannot remove a cgroup: its processes do not end\n$/);
  });
});

const ownedBy = (path: string, pid: number, backend: string): boolean =>
  path.includes(`/nsgen-${backend === 'ffi' ? process.pid : pid}-`);
