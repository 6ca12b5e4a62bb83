import { BACKEND_NAMES, type BackendName, isBackendName, loadBackend, type RunningBox } from '../backends/backend.js';
import type { Box } from '../box/box.js';
import { BoxError } from '../box/problem.js';
import { memoryLimitOf } from '../box/resources.js';
import { formatSize } from '../box/size.js';
import type { GivenFlags, ParsedArguments } from './arguments.js';
import { write } from './output.js';
import { boxCommand } from './subcommand.js';

const FLAGS = {
  backend: {
    type: 'string',
    valueHint: 'NAME',
    description: 'ffi: system calls (default); script: bash runs the generated script',
  },
  'stats-json': { type: 'string', valueHint: 'FILE', description: 'write what --stats prints to FILE, as JSON' },
} as const;

async function runBox(box: Box, flags: GivenFlags): Promise<number> {
  const name = backendName(flags);
  const file = flags.one('stats-json');
  const statsFile = file === undefined ? undefined : (await import('./stats-file.js')).openStatsFile(file);
  const forwarding = forwardSignals();
  const backend = await loadBackend(name);
  const running = await backend.start(box, { stdin: 'inherit', stdout: 'inherit', stderr: 'inherit' });
  forwarding.to(running);
  const end = await running.ended;
  forwarding.stop();
  // The script has said so itself.
  if (end.outOfMemory && name === 'ffi') write(2, `nsgen: ${memoryLine(box)}\n`);
  if (flags.has('stats')) write(2, (await import('./stats-table.js')).statsTable(end));
  statsFile?.write(end);
  return end.exitStatus;
}

async function runPod(pod: unknown, parsed: ParsedArguments): Promise<number> {
  const { runPodFile } = await import('./pod-file.js');
  return runPodFile(pod, parsed, backendName(parsed.flags), forwardSignals);
}

export const runCommand = boxCommand('run', 'run a command in a box, or the boxes of a pod', FLAGS, runBox, runPod);

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

/** Milliseconds for a command that restores the terminal before it stops. */
const TIME_TO_STOP = 50;

/** Who signals are passed on to. */
export type Forwardable = Pick<RunningBox, 'kill' | 'suspend' | 'resume'>;

/**
 * Begins before the start of the box: a signal in between is kept for it. The box is in a session of its own, and so gets
 * nothing of what the keys of a terminal send but by way of this.
 */
function forwardSignals() {
  const early: NodeJS.Signals[] = [];
  let target: Forwardable | undefined;
  const forward = (signal: NodeJS.Signals) => {
    if (target === undefined) early.push(signal);
    else target.kill(signal);
    if (signal === 'SIGCONT') target?.resume();
    if (signal === 'SIGTSTP') setTimeout(stop, TIME_TO_STOP);
  };
  // The shell gets its terminal back, and nothing of the box may still be reading from it.
  const stop = async () => {
    await target?.suspend();
    process.kill(process.pid, 'SIGSTOP');
  };
  for (const signal of FORWARDED) process.on(signal, forward);
  return {
    to(running: Forwardable) {
      target = running;
      for (const signal of early.splice(0)) running.kill(signal);
    },
    stop() {
      for (const signal of FORWARDED) process.off(signal, forward);
    },
  };
}
