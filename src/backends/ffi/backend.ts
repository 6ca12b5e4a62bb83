import type { Box } from '../../box/box.js';
import { type BoxCgroup, readCgroups } from '../../host/cgroup/readings.js';
import type { ProcessIdentity } from '../../host/process.js';
import { childrenOf, continueTree, stopTree } from '../../host/process-tree.js';
import { requireRootfs } from '../../host/rootfs.js';
import type { Caller } from '../../plan/operation.js';
import { makePlan, type Plan } from '../../plan/plan.js';
import { type Accounts, accountsOf } from '../accounts.js';
import type { Backend, End, RunningBox, StreamOptions } from '../backend.js';
import { exitStatusIn } from '../failure.js';
import { release } from './cgroup.js';
import type { TakenName } from './foreground.js';
import {
  exitStatusOf,
  isWaitedFor,
  onEnd,
  type Pid,
  reapNow,
  refuseWorker,
  signalName,
  type WaitStatus,
} from './reap.js';
import { NO_POD, startBox } from './start.js';
import { type OpenStreams, openStreams } from './streams.js';
import type { OpenTerminal } from './terminal.js';

/** Carries a plan out by making its system calls. */
export const ffiBackend: Backend = {
  name: 'ffi',
  async start(box, options, wanted): Promise<RunningBox> {
    refuseWorker();
    if (wanted === undefined) return startWith(box, await streamsOf(box, options), {});
    const name = (await import('./foreground.js')).takeName(wanted, box.command);
    try {
      return startWith(box, await streamsOf(box, options), { name });
    } catch (error) {
      name.failed(exitStatusIn(error));
      throw error;
    }
  },
};

/** Starts a box in the namespaces of a pod, before it returns: who those belong to cannot have been reaped meanwhile. */
export function startInPod(box: Box, options: StreamOptions, pod: Caller['pod']): RunningBox {
  refuseWorker();
  return startWith(box, { streams: openStreams(options), terminal: undefined }, { pod });
}

interface Streams {
  readonly streams: OpenStreams;
  readonly terminal: OpenTerminal | undefined;
}

async function streamsOf(box: Box, options: StreamOptions): Promise<Streams> {
  const terminal = box.terminal ? (await import('./terminal.js')).openTerminal(options) : undefined;
  return { streams: terminal ?? openStreams(options), terminal };
}

interface Where {
  readonly pod?: Caller['pod'];
  readonly name?: TakenName | undefined;
}

function startWith(box: Box, { streams, terminal }: Streams, { pod = NO_POD, name }: Where): RunningBox {
  try {
    requireRootfs(box);
    const plan = name === undefined ? planFor(box) : makePlan(box, { foreground: true });
    const places = { life: name?.life, pod, terminal: terminal?.ofBox };
    const { pid, cgroups } = startBox(plan, streams.forBox, places);
    const forCaller = connect(streams, pid, cgroups);
    name?.started();
    const accounts = accountsOf(box, cgroups, () => ended);
    const ended = endOf(pid, cgroups, accounts, { terminal, name });
    const controls = controlsOf(pid, box, accounts, ended, terminal);
    return { pid, ...forCaller, ...controls, terminal: terminal?.controls, ended };
  } catch (error) {
    streams.abandon();
    throw error;
  } finally {
    streams.closeBoxEnds();
  }
}

/** Nobody would reap a box whose caller has no ends of its streams. */
function connect(streams: OpenStreams, pid: Pid, cgroups: readonly BoxCgroup[]) {
  try {
    return streams.forCaller();
  } catch (error) {
    process.kill(pid, 'SIGKILL');
    reapNow(pid);
    if (cgroups.length > 0) release(cgroups).catch(() => {});
    throw error;
  }
}

type Controls = Pick<RunningBox, 'kill' | 'stop' | 'suspend' | 'resume' | 'stats' | 'freeze' | 'thaw'>;

function controlsOf(
  pid: Pid,
  { init, stopTimeout }: Box,
  accounts: Accounts,
  ended: Promise<End>,
  terminal: OpenTerminal | undefined,
): Controls {
  const { freezer, stats, freeze, thaw } = accounts;
  const kill = (signal: NodeJS.Signals) => {
    const sent = isWaitedFor(pid) && process.kill(pid, signal);
    // In version 1, what is frozen does not even die.
    if (sent && signal === 'SIGKILL') freezer?.thaw();
    return sent;
  };
  const processes = suspensionOf(pid, accounts, init);
  const suspend = async () => {
    const going = await processes.suspend();
    terminal?.suspend();
    return going;
  };
  const resume = () => {
    terminal?.resume();
    processes.resume();
  };
  const insist = () => {
    const timer = setTimeout(() => kill('SIGKILL'), stopTimeout * SECOND);
    return ended.finally(() => clearTimeout(timer));
  };
  const stop = () => {
    freezer?.thaw();
    kill('SIGTERM');
    return insist();
  };
  // As pid 1 it would ignore the SIGHUP of the kernel, too, and nobody sees it any more. Of its end, others are told.
  terminal?.left.then(insist).catch(() => {});
  return { kill, stop, suspend, resume, stats, freeze, thaw };
}

const SECOND = 1000;

/** Without a freezer, one process after the other. */
function suspensionOf(
  pid: Pid,
  { freezer, freeze }: Accounts,
  init: Box['init'],
): Pick<RunningBox, 'suspend' | 'resume'> {
  if (freezer !== undefined)
    return {
      async suspend() {
        await freeze().catch(() => {});
        return 0;
      },
      resume: () => freezer.thaw(),
    };
  let stopped: readonly ProcessIdentity[] = [];
  return {
    async suspend() {
      if (!isWaitedFor(pid)) return 0;
      const { told, going } = await stopTree(pid);
      stopped = [...stopped, ...told];
      return going;
    },
    resume() {
      const [first] = stopped;
      // These get the signal itself: the first process, and from nsgen's init its command.
      const command = first !== undefined && init === true ? childrenOf(first).slice(0, 1) : [];
      const passedOn = [pid, ...command.map(one => one.pid)];
      continueTree(stopped.filter(one => !passedOn.includes(one.pid)));
      stopped = [];
    },
  };
}

async function endOf(
  pid: Pid,
  cgroups: readonly BoxCgroup[],
  accounts: Accounts,
  { terminal, name }: Pick<Streams, 'terminal'> & Pick<Where, 'name'>,
): Promise<End> {
  const status = await new Promise<WaitStatus>(resolve => {
    onEnd(pid, resolve);
  });
  const signal = status.kind === 'signaled' ? signalName(status.signal) : undefined;
  const end = accounts.endWith({ exitStatus: exitStatusOf(status), signal }, () => readCgroups(cgroups));
  name?.ended(end.exitStatus);
  try {
    if (cgroups.length > 0) await release(cgroups);
  } finally {
    await terminal?.finish();
    name?.close();
  }
  return end;
}

const plans = new WeakMap<Box, Plan>();

/** One plan for each box, so that what startBox prepares for it serves again. */
function planFor(box: Box): Plan {
  const plan = plans.get(box) ?? makePlan(box);
  plans.set(box, plan);
  return plan;
}
