import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { hierarchies } from '../../src/host/cgroup/mounts.js';
import { type BoxInput, parseBox, start } from '../../src/index.js';
import { cgroupOf, nsgenCgroups } from '../support/cgroups.js';
import { execute, nsgen } from '../support/cli.js';
import { ownDirectory } from '../support/own-directory.js';

/** Many boxes with limits at once: each has cgroups of its own, and all of them go. */

const directory = ownDirectory('many');
const LIMITED: BoxInput = {
  command: ['sleep', '1000'],
  resources: { memory: { limit: '64M' }, cpu: { quota: 50_000 }, pids: { limit: 20 } },
};

const ownCgroups = () => nsgenCgroups([process.pid]);

async function gone(): Promise<void> {
  for (let tries = 0; tries < 2000 && ownCgroups().length > 0; tries += 1) await delay(50);
  assert.deepEqual(ownCgroups(), []);
}

test('two hundred boxes of one process are in two hundred cgroups, which go with them', async () => {
  const box = parseBox(LIMITED);
  const running = await Promise.all(Array.from({ length: 200 }, () => start(box, { stdout: 'ignore' })));
  const places = running.map(({ pid }) => cgroupOf(pid, 'pids').directory);
  assert.equal(new Set(places).size, 200);
  for (const place of places) {
    assert.ok(place.includes(`/nsgen-${process.pid}-`), place);
    assert.equal(readFileSync(`${place}/pids.max`, 'utf8'), '20\n');
  }
  for (const { kill } of running) assert.ok(kill('SIGKILL'));
  for (const end of await Promise.all(running.map(({ ended }) => ended))) assert.equal(end.exitStatus, 137);
  await gone();
});

test('boxes that start and end at the same time, by both backends, do not take the cgroups of each other', async () => {
  const box = parseBox({ ...LIMITED, command: ['cat', '/proc/self/cgroup'] });
  const rounds = Array.from({ length: 40 }, async (_, index) => {
    const backend = index % 8 === 0 ? 'script' : 'ffi';
    const running = await start(box, { backend, stdout: 'pipe', stderr: 'pipe', stdin: 'ignore' });
    let [stdout, stderr] = ['', ''];
    running.stdout?.on('data', chunk => {
      stdout += String(chunk);
    });
    running.stderr?.on('data', chunk => {
      stderr += String(chunk);
    });
    const { exitStatus } = await running.ended;
    await delay(10);
    assert.deepEqual([exitStatus, stderr], [0, '']);
    assert.match(stdout, /^(\d+:pids|0:):\/$/m);
  });
  await Promise.all(rounds);
  await gone();
});

test('two nsgen at once, twenty times', async () => {
  const flags = ['--memory', '64M', '--pids-limit', '20', '--', 'true'];
  for (let round = 0; round < 10; round += 1) {
    const both = await Promise.all([nsgen(['run', ...flags]), nsgen(['run', '--backend', 'script', ...flags])]);
    for (const { status, stderr } of both) assert.deepEqual([status, stderr], [0, '']);
  }
});

for (const backend of ['ffi', 'script'] as const)
  test(`${backend}: one that is moved to another cgroup starts the next box there`, async () => {
    const { version, directory: own } = cgroupOf('self', 'pids');
    const parent = version === 1 ? own : '/sys/fs/cgroup';
    const place = join(parent, `test-moved-${process.pid}-${backend}`);
    mkdirSync(place);
    // Of version 2 only a cgroup without processes gives its controllers to its children.
    const joined = version === 1 ? place : join(place, 'inner');
    try {
      if (version === 2) mkdirSync(joined);
      if (version === 2) writeFileSync(join(place, 'cgroup.subtree_control'), '+pids');
      const file = join(directory, `moved-${backend}.mjs`);
      const library = new URL('../../src/index.js', import.meta.url).href;
      writeFileSync(
        file,
        `import { writeFileSync } from 'node:fs';
        import { parseBox, start } from ${JSON.stringify(library)};
        const box = parseBox({ command: ['cat', '/proc/self/cgroup'], namespaces: { cgroup: 'shared' },
          resources: { pids: { limit: 20 } } });
        const run = async () => (await (await start(box, { backend: '${backend}' })).ended).exitStatus;
        const before = await run();
        writeFileSync(${JSON.stringify(join(joined, 'cgroup.procs'))}, String(process.pid));
        process.exitCode = before || await run();`,
      );
      const { status, stdout, stderr } = await execute(process.execPath, [file]);
      assert.deepEqual([status, stderr], [0, '']);
      const places = [...stdout.matchAll(/^(?:\d+:pids|0:):(.*nsgen.*)$/gm)].map(([, path = '']) => path);
      assert.equal(places.length, 2, stdout);
      const [first = '', second = ''] = places;
      assert.ok(!first.includes('test-moved-'), first);
      assert.ok(second.includes(`/test-moved-${process.pid}-${backend}/nsgen-`), second);
      assert.deepEqual(
        readdirSync(place).filter(name => name.startsWith('nsgen-')),
        [],
      );
    } finally {
      if (version === 2) rmdirSync(joined);
      rmdirSync(place);
    }
  });

test('a parent that has changed since the last box is looked at again after the first that it does not suit', async () => {
  const { mounted } = hierarchies();
  const hierarchy =
    mounted.find(({ controllers }) => controllers.includes('cpuset')) ?? mounted.find(({ version }) => version === 2);
  assert.ok(hierarchy !== undefined);
  const name = `test-changed-${process.pid}`;
  const place = join(hierarchy.top, name);
  const make = (cpus: string) => {
    mkdirSync(place);
    if (hierarchy.version === 2) return;
    writeFileSync(join(place, 'cpuset.cpus'), cpus);
    writeFileSync(join(place, 'cpuset.mems'), readFileSync(join(hierarchy.top, 'cpuset.effective_mems'), 'utf8'));
  };
  const box = parseBox({ command: ['true'], resources: { cpu: { cpus: '0' } }, cgroupParent: `/${name}` });
  const run = async () => (await (await start(box)).ended).exitStatus;
  make(readFileSync(join(hierarchy.top, 'cpuset.effective_cpus'), 'utf8'));
  try {
    assert.equal(await run(), 0);
    rmdirSync(place);
    make('0');
    // With two CPUs or version 2, the first does not start: what was found before is no longer so.
    await run().catch(error => assert.match(String(error), /^StartError/));
    assert.equal(await run(), 0);
  } finally {
    rmdirSync(place);
  }
  await gone();
});
