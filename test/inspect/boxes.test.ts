import assert from 'node:assert/strict';
import { readFileSync, readlinkSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { BACKEND_NAMES, type BoxInput, inspect, type RunningBox, start } from '../../src/index.js';
import { inspectProcess } from '../../src/inspect/inspect.js';
import type { Inspection, NamespaceType } from '../../src/inspect/inspection.js';
import { nsgen } from '../support/cli.js';
import { descendants } from '../support/leftovers.js';
import { delay } from '../support/session.js';
import { pidsOf } from '../systems/live-box.js';
import { assertShape, TYPES } from './shape.js';

/** nsgen inspect, and boxes made by both backends. */

const quiet = { stdin: 'ignore', stdout: 'ignore', stderr: 'inherit' } as const;
const running: RunningBox[] = [];

/** Process 1 of a box, once it is the command; the script has processes of its own around it. */
async function firstOf(box: RunningBox, argument: string): Promise<number> {
  running.push(box);
  for (let tries = 0; tries < 1000; tries += 1) {
    const found = [box.pid, ...descendants(box.pid)].find(pid => isCommand(pid, argument));
    if (found !== undefined) return found;
    await delay(20);
  }
  throw new Error('the box has not come up');
}

function isCommand(pid: number, argument: string): boolean {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    return words[0] === 'sleep' && words[1] === argument && pidsOf(pid).at(-1) === 1;
  } catch {
    return false;
  }
}

after(async () => {
  for (const box of running) box.kill('SIGKILL');
  await Promise.all(running.map(({ ended }) => ended));
});

const namespace = ({ namespaces }: Inspection, type: NamespaceType) => namespaces.find(one => one.type === type);
const inodeOf = (pid: number, type: NamespaceType) =>
  Number(/\d+/.exec(readlinkSync(`/proc/${pid}/ns/${type}`))?.[0] ?? Number.NaN);

for (const backend of BACKEND_NAMES)
  describe(`a box by ${backend}`, () => {
    let pid: number;
    let inspection: Inspection;
    before(async () => {
      const box: BoxInput = {
        namespaces: { uts: 'shared', net: 'shared', user: 'new' },
        command: ['sleep', '1000.1'],
      };
      pid = await firstOf(await start(box, { ...quiet, backend }), '1000.1');
      inspection = await inspect(pid);
    });

    test('has its own namespaces, and those of the host that it shares', () => {
      assertShape(inspection);
      assert.deepEqual(
        inspection.namespaces.map(({ type, host }) => [type, host]),
        [
          ['user', false],
          ['mnt', false],
          ['pid', false],
          ['net', true],
          ['uts', true],
          ['ipc', false],
          ['cgroup', false],
          ['time', true],
        ],
      );
      for (const { type, inode, nsgen, processes } of inspection.namespaces) {
        assert.equal(inode, inodeOf(pid, type), type);
        assert.equal(nsgen, inodeOf(process.pid, type) === inode, type);
        assert.equal(processes.includes(process.pid), nsgen, type);
        assert.ok(!processes.includes(pid), type);
      }
      assert.deepEqual(namespace(inspection, 'pid')?.processes, []);
    });

    test('has a pid at each level, and maps', () => {
      assert.deepEqual(inspection.process.pids, [pid, 1]);
      assert.deepEqual(inspection.ids?.uidMap, [{ inside: 0, outside: 0, count: 1 }]);
      assert.deepEqual(inspection.ids?.gidMap, [{ inside: 0, outside: 0, count: 1 }]);
      assert.equal(inspection.ids?.uid.effective, 0);
    });

    test('is in the tree with all that is above it, and nobody else', () => {
      const rows = inspection.tree.map(row => row.pid);
      assert.ok(rows.includes(process.pid) && rows.includes(pid));
      const own = inspection.tree.find(row => row.pid === pid);
      for (let row = own; row !== undefined && row.pid !== 1; ) {
        const { parent } = row;
        row = inspection.tree.find(other => other.pid === parent);
        assert.ok(row !== undefined || parent === 0, String(parent));
      }
      assert.deepEqual(
        inspection.tree.filter(({ pids }) => (pids?.length ?? 0) > pidsOf(process.pid).length).map(row => row.pid),
        [pid],
      );
    });

    test('is told with its rights, limits, cgroups, root and mounts', () => {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      const mask = BigInt(`0x${/^CapEff:\t(.*)$/m.exec(status)?.[1]}`);
      assert.equal(inspection.capabilities?.effective.length, mask.toString(2).replaceAll('0', '').length);
      assert.ok(inspection.capabilities?.effective.includes('CAP_SYS_ADMIN'));
      assert.equal(inspection.noNewPrivileges, false);
      assert.deepEqual(inspection.seccomp?.mode, 'none');
      const files = inspection.rlimits?.find(({ name }) => name === 'RLIMIT_NOFILE');
      assert.equal(files?.soft, Math.min(1024, Number(files?.hard)));
      assert.equal(inspection.rlimits?.length, 16);
      assert.equal(inspection.cgroups?.length, readFileSync(`/proc/${pid}/cgroup`, 'utf8').trim().split('\n').length);
      assert.equal(inspection.mounts?.length, readFileSync(`/proc/${pid}/mountinfo`, 'utf8').trim().split('\n').length);
      assert.equal(inspection.root?.mount?.point, '/');
      assert.deepEqual(inspection.process.command, ['sleep', '1000.1']);
      assert.deepEqual(inspection.unreadable, {});
    });
  });

test('two boxes that share a namespace see each other in it, and are seen by name', async () => {
  const first = await firstOf(await start({ command: ['sleep', '1000.2'] }, quiet), '1000.2');
  const joining = { namespaces: { net: `/proc/${first}/ns/net` }, command: ['sleep', '1000.3'] };
  const second = await firstOf(await start(joining, quiet), '1000.3');
  const startOf = (pid: number) =>
    readFileSync(`/proc/${pid}/stat`, 'latin1').replace(/.*\) /s, '').split(' ')[19] ?? '';
  const boxes = [
    { name: 'web', pod: undefined, process: { pid: first, start: startOf(first) } },
    { name: 'log', pod: 'all', process: { pid: second, start: startOf(second) } },
    { name: 'gone', pod: undefined, process: { pid: first, start: '1' } },
  ];
  const one = inspectProcess(first, { boxes });
  const other = inspectProcess(second, { boxes });
  assert.deepEqual(one.box, { name: 'web', pod: null });
  assert.deepEqual(other.box, { name: 'log', pod: 'all' });
  for (const type of TYPES) {
    const shared = type === 'net' || namespace(one, type)?.host === true;
    assert.equal(namespace(one, type)?.processes.includes(second), shared, type);
    assert.equal(namespace(other, type)?.processes.includes(first), shared, type);
    assert.deepEqual(namespace(one, type)?.boxes, shared ? ['log', 'web'] : ['web'], type);
    assert.deepEqual(namespace(other, type)?.boxes, shared ? ['log', 'web'] : ['log'], type);
  }
  assert.deepEqual(namespace(one, 'net')?.host, false);
  const { stdout } = await nsgen(['inspect', String(first)]);
  assert.match(stdout, new RegExp(`^net +\\d+ +own +process ${second}$`, 'm'));
});
