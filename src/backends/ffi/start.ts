import { ftruncateSync } from 'node:fs';
import { hardDescriptorLimit, ignoredSignals, inInitialUserNamespace } from '../../host/caller.js';
import type { BoxCgroup } from '../../host/cgroup/readings.js';
import { cgroupHierarchies } from '../../host/cgroups.js';
import { kernelIsAtLeast } from '../../host/kernel.js';
import { programFiles } from '../../host/program-files.js';
import { errnoNumber } from '../../linux/errno.js';
import type { Launcher } from '../../linux/launcher.js';
import { keepingDumpable } from '../../linux/not-dumpable.js';
import { type Outcome, runCalls, runProcess } from '../../linux/program.js';
import { integer, type SystemCall, withBranches } from '../../linux/system-call.js';
import { type Caller, NO_TERMINAL } from '../../plan/operation.js';
import { launcherOf } from '../../plan/operations/execute.js';
import { type Operation, systemCalls } from '../../plan/operations.js';
import type { Plan } from '../../plan/plan.js';
import { EXIT_STATUS, StartError } from '../failure.js';
import { abandon, cgroupFor, cgroupsOf, closeOpened, forget, keep, nextName, remember, tidy } from './cgroup.js';
import { explainFailure } from './explain.js';
import { closeIdMaps, NO_ID_MAPS, openIdMaps } from './id-maps.js';
import { reportOf } from './launcher.js';
import { endNow, isPid, type Pid, reapNow } from './reap.js';

export const NO_POD: Caller['pod'] = [];

interface StartPlaces {
  readonly life?: Caller['life'] | undefined;
  readonly pod?: Caller['pod'];
  readonly terminal?: Caller['terminal'] | undefined;
}

/**
 * Starts a box: one syscall program, from clone3(2) to execve(2).
 *
 * @throws StartError naming the step, the path and the errno. The child is gone and reaped by then.
 */
export function startBox(
  plan: Plan,
  streams: Caller['streams'],
  { life, pod = NO_POD, terminal = NO_TERMINAL }: StartPlaces = {},
): StartedBox {
  refuseOldKernel(plan);
  const caller = { ...currentCaller(plan, streams, life, pod), terminal };
  const idMaps = openIdMaps(plan, caller);
  try {
    const pid = startPrepared(prepare(plan, { ...caller, idMaps }));
    remember(plan, caller.cgroup);
    const cgroups = cgroupsOf(caller.cgroup);
    // Those of a box that goes on without this process are not its to remove.
    if (plan.some(({ kind }) => kind === 'parent-death-signal')) keep(cgroups);
    tidy(caller.cgroup);
    return { pid, cgroups };
  } catch (error) {
    forget(plan);
    throw error;
  } finally {
    closeIdMaps(idMaps);
  }
}

export interface StartedBox {
  /** As the caller sees it. Whoever calls must reap it. */
  readonly pid: Pid;
  /** Whoever calls must release them then. */
  readonly cgroups: readonly BoxCgroup[];
}

function startPrepared({ caller: { cgroup, life }, steps, calls, launcher }: Prepared): Pid {
  for (let attempt = 1; ; attempt += 1) {
    nextName();
    const made = keepingDumpable(calls, () => runProcess(calls));
    closeOpened(calls, made);
    const processes = calls.filter(call => call.name === 'clone3').flatMap(call => createdProcess(made, call));
    const box = processes.at(-1);
    const report = launcher && reportOf(launcher, calls, made, box);
    // The process that joined namespaces has ended as soon as the box was made.
    for (const helper of processes.slice(0, -1)) reapNow(helper);
    if (made.failure === undefined && report === undefined && box !== undefined) return box;
    if (box !== undefined) endNow(box);
    abandon(cgroup);
    if (wasDisturbed(made) && attempt < MOST_ATTEMPTS) {
      // Who it was is not who it will be.
      if (life !== undefined) ftruncateSync(life.descriptor);
      continue;
    }
    if (launcher !== undefined && report !== undefined)
      throw explainFailure(operationOf(steps, report), report, launcher.calls);
    throw explainFailure(operationOf(steps, made), made, calls);
  }
}

const MOST_ATTEMPTS = 100;

/** A path with ".." that is looked up while anything is renamed or mounted, anywhere, has to be looked up again: openat2(2). */
const wasDisturbed = ({ failure }: Outcome): boolean =>
  failure?.call.name === 'openat2' && failure.errno === errnoNumber('EAGAIN');

interface Step {
  readonly operation: Operation;
  readonly call: SystemCall;
}

interface Prepared {
  readonly caller: Caller;
  readonly steps: readonly Step[];
  readonly calls: readonly SystemCall[];
  readonly launcher: Launcher | undefined;
}

const preparedPlans = new WeakMap<Plan, Prepared>();

/** A plan that is carried out a thousand times, by the same caller, becomes system calls once. */
function prepare(plan: Plan, caller: Caller): Prepared {
  const known = preparedPlans.get(plan);
  if (known !== undefined && sameCaller(known.caller, caller)) return known;
  const steps = plan.flatMap(operation => systemCalls(operation, caller).map(call => ({ operation, call })));
  const open = plan.find(operation => operation.kind === 'open-launcher');
  const launcher = open && launcherOf(open);
  const prepared = { caller, steps, calls: steps.map(({ call }) => call), launcher };
  preparedPlans.set(plan, prepared);
  return prepared;
}

/** The rest of a caller stays as it is for the life of the process. */
function sameCaller(one: Caller, other: Caller): boolean {
  const sameStreams = one.streams.every((descriptor, target) => descriptor === other.streams[target]);
  const sameFiles = one.programFiles === other.programFiles;
  if (!sameStreams || !sameFiles || one.idMaps !== other.idMaps || one.cgroup !== other.cgroup) return false;
  if (one.pod !== other.pod || one.terminal !== other.terminal || one.life !== other.life) return false;
  return one.uid === other.uid && one.gid === other.gid && sameCgroups(one, other);
}

/** A controller may have been moved to another hierarchy since. */
const sameCgroups = (one: Caller, other: Caller): boolean =>
  one.cgroups === other.cgroups || JSON.stringify(one.cgroups) === JSON.stringify(other.cgroups);

function createdProcess(outcome: Outcome, clone: SystemCall): Pid[] {
  const result = outcome.result(clone);
  return result !== undefined && isPid(result) ? [result] : [];
}

function operationOf(steps: readonly Step[], { failure }: Outcome): Operation | undefined {
  return steps.find(({ call }) => withBranches(call).some(made => made === failure?.call))?.operation;
}

/** execve(2) enters the time namespace of the children only since Linux 6.2 (commit 2b5f9dad32ed). */
function refuseOldKernel(plan: Plan): void {
  if (!plan.some(({ kind }) => kind === 'offset-clocks') || kernelIsAtLeast(6, 2)) return;
  throw new StartError(
    'namespaces.time: the ffi backend needs Linux 6.2 for it: use --backend script',
    EXIT_STATUS.failed,
  );
}

let pidfd: number | undefined;

/** One descriptor for the life of the process: it is close-on-exec, and every box asks the same question. */
function ownPidfd(): number {
  if (pidfd !== undefined) return pidfd;
  const open: SystemCall = { name: 'pidfd_open', arguments: [integer(process.pid), integer(0)] };
  const outcome = runCalls([open]);
  if (outcome.failure !== undefined) throw explainFailure(undefined, outcome, [open]);
  pidfd = outcome.result(open) ?? -1;
  return pidfd;
}

const NO_CGROUPS: Caller['cgroups'] = [];
const NO_PROGRAM_FILES: Caller['programFiles'] = [];

function cgroupsOfHost(): Caller['cgroups'] {
  const found = cgroupHierarchies();
  if (found.length > 0) return found;
  throw new StartError('mounts: there is no cgroup file system on /sys/fs/cgroup to show', EXIT_STATUS.failed);
}

/** Node has no way to change them between two boxes; only a native addon could. */
let kept: Pick<Caller, 'descriptorLimit' | 'ignoredSignals' | 'inInitialUserNamespace'> | undefined;

function currentCaller(
  plan: Plan,
  streams: Caller['streams'],
  life: Caller['life'],
  pod: Caller['pod'],
): Omit<Caller, 'terminal'> {
  kept ??= {
    descriptorLimit: hardDescriptorLimit(),
    ignoredSignals: ignoredSignals(),
    inInitialUserNamespace: inInitialUserNamespace(),
  };
  return {
    uid: process.geteuid?.() ?? 0,
    gid: process.getegid?.() ?? 0,
    ...kept,
    pidfd: ownPidfd(),
    streams,
    rootfs: { of: 'rootfs' },
    idMaps: NO_ID_MAPS,
    cgroups: plan.some(({ kind }) => kind === 'mount-cgroup') ? cgroupsOfHost() : NO_CGROUPS,
    cgroup: cgroupFor(plan),
    life,
    nullDevice: { of: 'null device' },
    pod,
    programFiles: plan.some(({ kind }) => kind === 'copy-programs') ? programFiles(plan) : NO_PROGRAM_FILES,
  };
}
