import {
  BACKEND_NAMES,
  type BackendName,
  isBackendName,
  loadBackend,
  type RunningBox,
  type StreamOptions,
  type WantedName,
} from '../backends/backend.js';
import { ffiBackend } from '../backends/ffi/backend.js';
import { type Box, inputOf } from '../box/box.js';
import { BoxError } from '../box/problem.js';
import { memoryLimitOf } from '../box/resources.js';
import { formatSize } from '../box/size.js';
import { milliseconds } from '../host/clock.js';
import { loadToStop } from '../host/own-stop.js';
import type { GivenFlags, ParsedArguments } from './arguments.js';
import { DESCRIPTIONS } from './descriptions.js';
import { write } from './output.js';
import { boxCommand } from './subcommand.js';
import { Suspension } from './suspension.js';

const FLAGS = {
  backend: {
    type: 'string',
    valueHint: 'NAME',
    description: 'ffi: system calls (default); script: bash runs the generated script',
  },
  detach: {
    type: 'boolean',
    alias: 'd',
    description: 'print the name of the box, and leave it to itself (see nsgen ps)',
  },
  name: { type: 'string', valueHint: 'NAME', description: 'the name of the box (see nsgen ps)' },
  pod: {
    type: 'string',
    valueHint: 'NAME',
    description: 'a pod that runs (nsgen run -d -f pod.yaml), for the box to be in; new:NAME makes one',
  },
  'stats-json': { type: 'string', valueHint: 'FILE', description: 'write what --stats prints to FILE, as JSON' },
} as const;

async function runBox(box: Box, flags: GivenFlags): Promise<number> {
  const name = backendName(flags);
  const pod = flags.one('pod');
  if (pod !== undefined)
    return (await import('./run-in-pod.js')).runInPod(inputOf(box), pod, name, flags, start =>
      attend(box, name, flags, start),
    );
  if (flags.has('detach')) return (await import('./detach.js')).detach(inputOf(box), name, flags);
  const wanted = await wantedName(flags.one('name'), box);
  return attend(box, name, flags, async streams => (await backendOf(name)).start(box, streams, wanted));
}

/** The one that nearly everybody means is here already. */
const backendOf = async (name: BackendName) => (name === 'ffi' ? ffiBackend : loadBackend(name));

/** Starts a box, and waits for its end. */
async function attend(
  box: Box,
  name: BackendName,
  flags: GivenFlags,
  start: (streams: StreamOptions) => Promise<RunningBox>,
): Promise<number> {
  const file = flags.one('stats-json');
  const statsFile = file === undefined ? undefined : (await import('./stats-file.js')).openStatsFile(file);
  // Nothing is loaded once the box runs: see build-command.mjs.
  const table = flags.has('stats') ? (await import('./stats-table.js')).statsTable : undefined;
  const forwarding = forwardSignals(name === 'ffi' ? box : undefined, box.terminal);
  const running = await start(INHERITED);
  forwarding.to(running);
  const end = await running.ended;
  forwarding.stop();
  // The script has said so itself.
  if (end.outOfMemory && name === 'ffi') write(2, `nsgen: ${memoryLine(box)}\n`);
  if (table !== undefined) write(2, table(end));
  statsFile?.write(end);
  return end.exitStatus;
}

const INHERITED = { stdin: 'inherit', stdout: 'inherit', stderr: 'inherit' } as const;

async function wantedName(name: string | undefined, box: Box): Promise<WantedName | undefined> {
  if (name === undefined) return undefined;
  (await import('./box-name.js')).checkForeground(name, box);
  return { name, input: inputOf(box) };
}

async function runPod(pod: unknown, parsed: ParsedArguments): Promise<number> {
  const { runPodFile } = await import('./pod-file.js');
  return runPodFile(pod, parsed, backendName(parsed.flags), { forwardSignals, escalate });
}

export const runCommand = boxCommand('run', DESCRIPTIONS.run, FLAGS, runBox, runPod);

function backendName(flags: GivenFlags): BackendName {
  const name = flags.one('backend') ?? 'ffi';
  if (isBackendName(name)) return name;
  throw new BoxError([{ field: '--backend', message: `must be one of ${BACKEND_NAMES.join(', ')}` }]);
}

const memoryLine = ({ resources }: Box): string =>
  `memory limit ${formatSize(memoryLimitOf(resources) ?? 0)} reached; killed by the kernel (oom)`;

const FORWARDED = [
  'SIGINT',
  'SIGTERM',
  'SIGHUP',
  'SIGQUIT',
  'SIGUSR1',
  'SIGUSR2',
  'SIGWINCH',
  'SIGTSTP',
  'SIGCONT',
] as const;

/** Who signals are passed on to. */
export type Controlled = Pick<RunningBox, 'kill' | 'suspend' | 'resume'>;

/**
 * Begins before the start of the box: a signal in between is kept for it. The box is in a session of its own, and so gets
 * nothing of what the keys of a terminal send but by way of this.
 *
 * @param box if it is to be killed here when it does not end; the script does that itself.
 */
export function forwardSignals(box: Box | undefined, terminal = false) {
  loadToStop();
  const early: NodeJS.Signals[] = [];
  let target: Controlled | undefined;
  let escalation: Escalation | undefined;
  let suspension: Suspension | undefined;
  const forward = (signal: NodeJS.Signals) => {
    if (target === undefined) early.push(signal);
    else pass(signal, target);
  };
  const pass = (signal: NodeJS.Signals, running: Controlled) => {
    if (escalation?.kills(signal)) return;
    if (signal === 'SIGCONT') {
      suspension?.end();
      return;
    }
    running.kill(signal);
    if (signal === 'SIGTSTP') suspension?.begin();
  };
  // The size of a terminal of its own is another; the kernel says when it changes.
  const forwarded = terminal ? FORWARDED.filter(signal => signal !== 'SIGWINCH') : FORWARDED;
  for (const signal of forwarded) process.on(signal, forward);
  return {
    to(running: Controlled) {
      target = running;
      suspension = new Suspension(running);
      escalation = box && escalate(box, running);
      for (const signal of early.splice(0)) pass(signal, running);
    },
    stop() {
      escalation?.over();
      for (const signal of forwarded) process.off(signal, forward);
    },
  };
}

export interface Escalation {
  /** Whether the signal was the last that was waited for, and the box has been killed. */
  kills(signal: NodeJS.Signals): boolean;
  over(): void;
}

/** What pid 1 has no handler for does not end it: pid_namespaces(7). */
export function escalate({ stopTimeout }: Pick<Box, 'stopTimeout'>, running: Pick<Controlled, 'kill'>): Escalation {
  let timer: NodeJS.Timeout | undefined;
  let interrupted = Number.NEGATIVE_INFINITY;
  const kill = (why: string) => {
    if (running.kill('SIGKILL')) write(2, `nsgen: ${why}: the box is killed (SIGKILL)\n`);
  };
  return {
    kills(signal) {
      if (signal === 'SIGTERM') timer ??= setTimeout(kill, stopTimeout * 1000, `no end ${stopTimeout} s after SIGTERM`);
      if (signal !== 'SIGINT') return false;
      const now = milliseconds();
      const again = now - interrupted <= Math.max(stopTimeout, LEAST_TIME_TO_INTERRUPT) * 1000;
      interrupted = now;
      if (again) kill('SIGINT again');
      return again;
    },
    over() {
      clearTimeout(timer);
    },
  };
}

/** Seconds in which a second SIGINT is meant, also of who gives a box no time to stop. */
const LEAST_TIME_TO_INTERRUPT = 1;
