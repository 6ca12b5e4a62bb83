import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { release } from '../../src/backends/ffi/cgroup.js';
import { onEnd } from '../../src/backends/ffi/reap.js';
import { startBox } from '../../src/backends/ffi/start.js';
import type { Box } from '../../src/box/box.js';
import type { BoxInput } from '../../src/box/schema.js';
import { parseBox, start } from '../../src/index.js';
import { makePlan, type Plan } from '../../src/plan/plan.js';
import type { Contestant } from './contest.js';
import type { LauncherBox } from './programs.js';

/** Boxes started by this very process, and what people use instead, all around the same command. */

const COMMAND = '/bin/true';

export const BOXES: Readonly<Record<LauncherBox, BoxInput>> = {
  named: { command: [COMMAND], namespaces: { net: 'shared', cgroup: 'shared' } },
  default: { command: [COMMAND] },
};

const UNSHARED: Readonly<Record<LauncherBox, readonly string[]>> = {
  named: ['pid', 'uts', 'ipc'],
  default: ['pid', 'uts', 'ipc', 'net', 'cgroup'],
};

/** --as-pid-1 spares bwrap a process of its own in the box: as nsgen's box, and faster. */
function bwrapArguments(box: LauncherBox): readonly string[] {
  const namespaces = UNSHARED[box].map(type => `--unshare-${type}`);
  return [...namespaces, '--die-with-parent', '--as-pid-1', '--bind', '/', '/', '--proc', '/proc', '--', COMMAND];
}

function unshareArguments(box: LauncherBox): readonly string[] {
  const namespaces = UNSHARED[box].map(type => `--${type}`);
  return [...namespaces, '--mount', '--fork', '--kill-child', '--mount-proc', '--', COMMAND];
}

export const LIBRARY = 'nsgen, start() of the library';
export const BACKEND = 'nsgen, startBox() of the ffi backend';
export const SPAWN = 'child_process.spawn, no box';
export const BWRAP = 'child_process.spawn of bwrap';
export const UNSHARE = 'child_process.spawn of unshare';

export function inProcess(box: LauncherBox): readonly Contestant[] {
  const checked = parseBox(BOXES[box]);
  const plan = makePlan(checked);
  return [
    { name: LIBRARY, run: () => timed(async () => (await (await start(checked)).ended).exitStatus) },
    {
      name: BACKEND,
      run: () =>
        timed(
          () =>
            new Promise(resolve => {
              onEnd(startBox(plan, [0, 1, 2]).pid, status => resolve(status.kind === 'exited' ? status.status : 128));
            }),
        ),
    },
    { name: SPAWN, run: () => timed(() => spawned(COMMAND, [])) },
    { name: BWRAP, run: () => timed(() => spawned('bwrap', bwrapArguments(box))) },
    { name: UNSHARE, run: () => timed(() => spawned('unshare', unshareArguments(box))) },
  ];
}

/** What limits add: three hierarchies of version 1, or one cgroup of version 2. */
export const LIMITS = {
  memory: { limit: '256M' },
  cpu: { quota: 150_000 },
  pids: { limit: 100 },
} as const satisfies BoxInput['resources'];

export const LIMITED_LIBRARY = `${LIBRARY}, with limits`;
export const LIMITED_BACKEND = `${BACKEND}, with limits`;

/** The default box without limits and with, from the start until it is reaped and its cgroups are gone. */
export function withLimits(): readonly Contestant[] {
  const free = parseBox(BOXES.default);
  const limited = parseBox({ ...BOXES.default, resources: LIMITS });
  const [freePlan, limitedPlan] = [makePlan(free), makePlan(limited)];
  const ended = async (box: Box) => (await (await start(box)).ended).exitStatus;
  const started = async (plan: Plan) => {
    const { pid, cgroups } = startBox(plan, [0, 1, 2]);
    const status = await new Promise<number>(resolve => {
      onEnd(pid, end => resolve(end.kind === 'exited' ? end.status : 128));
    });
    if (cgroups.length > 0) await release(cgroups);
    return status;
  };
  return [
    { name: LIBRARY, run: () => timed(() => ended(free)) },
    { name: LIMITED_LIBRARY, run: () => timed(() => ended(limited)) },
    { name: BACKEND, run: () => timed(() => started(freePlan)) },
    { name: LIMITED_BACKEND, run: () => timed(() => started(limitedPlan)) },
  ];
}

async function spawned(program: string, args: readonly string[]): Promise<number> {
  const [status] = await once(spawn(program, args, { stdio: 'inherit' }), 'exit');
  return status;
}

async function timed(run: () => Promise<number>): Promise<number> {
  const begin = process.hrtime.bigint();
  const status = await run();
  const end = process.hrtime.bigint();
  if (status !== 0) throw new Error(`a contestant ended with status ${status}`);
  return Number(end - begin) / 1e6;
}
