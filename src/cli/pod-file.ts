import type { BackendName, StreamOptions } from '../backends/backend.js';
import { BoxError, type Problem } from '../box/problem.js';
import { requireRootfs } from '../host/rootfs.js';
import { type Pod, parsePod } from '../pod/pod.js';
import { type RunningPod, requireAll, startPod } from '../pod/start.js';
import type { ParsedArguments } from './arguments.js';
import { write } from './output.js';
import { PodOutput } from './pod-output.js';
import { printPodName } from './print-name.js';
import type { Controlled, escalate, forwardSignals } from './run.js';

/** What run.ts has, for which it is not to be loaded a second time. */
interface Signals {
  readonly forwardSignals: typeof forwardSignals;
  readonly escalate: typeof escalate;
}

/** `nsgen run -f pod.yaml`. @returns the exit status. */
export async function runPodFile(
  input: unknown,
  parsed: ParsedArguments,
  backend: BackendName,
  signals: Signals,
): Promise<number> {
  const pod = podOf(input, parsed, ['file', 'backend', 'detach']);
  requireAll(pod, requireRootfs);
  if (parsed.flags.has('detach')) return detach(pod, backend);
  const forwarding = signals.forwardSignals(undefined);
  if (backend === 'script') {
    const running = await (await import('../backends/script/pod.js')).startPodScript(pod);
    forwarding.to(running);
    const { exitStatus } = await running.ended;
    forwarding.stop();
    return exitStatus;
  }
  const running = await startPod(pod, pod.boxes.length > 1 ? PREFIXED : INHERITED);
  const escalations = escalated(pod, running, signals);
  forwarding.to({ ...running, kill: escalations.kill });
  const output = new PodOutput(running.boxes);
  const { exitStatus } = await running.ended;
  forwarding.stop();
  escalations.over();
  await output.finish();
  return exitStatus;
}

/** `nsgen run --detach -f pod.yaml`: prints the name of the pod. */
async function detach(pod: Pod, backend: BackendName): Promise<number> {
  if (backend === 'script') return (await import('../backends/script/pod.js')).runDetachedPodScript(pod);
  await (await import('../backends/ffi/detached-pod.js')).startDetachedPod(pod, () => printPodName(pod.name));
  return 0;
}

/** Each box has its own time to end after SIGTERM. */
function escalated({ boxes }: Pod, running: RunningPod, { escalate }: Signals) {
  const all = running.boxes.map(({ running: own }, index) => ({
    own,
    escalation: escalate({ stopTimeout: boxes[index]?.box.stopTimeout ?? 0 }, own),
  }));
  const kill: Controlled['kill'] = signal =>
    all.map(({ own, escalation }) => escalation.kills(signal) || own.kill(signal)).includes(true);
  return {
    kill,
    over() {
      for (const { escalation } of all) escalation.over();
    },
  };
}

/** `nsgen script -f pod.yaml`. @returns the exit status. */
export async function printPodScript(input: unknown, parsed: ParsedArguments): Promise<number> {
  const pod = podOf(input, parsed, ['file', 'detach']);
  const { podCaveats, renderPod } = await import('../backends/script/pod.js');
  const script = renderPod(pod, { detached: parsed.flags.has('detach') });
  for (const line of podCaveats(pod)) write(2, `nsgen: note: ${line}\n`);
  write(1, script);
  return 0;
}

/** @throws BoxError also for flags and words that say something of one box. */
function podOf(input: unknown, { flags, command }: ParsedArguments, allowed: readonly string[]): Pod {
  const problems: Problem[] = flags
    .names()
    .filter(name => !allowed.includes(name))
    .map(name => ({ field: `--${name}`, message: 'does not go with a pod: write it into its file, for each box' }));
  if (command.length > 0) problems.push({ field: '', message: 'the boxes of a pod have their commands in its file' });
  try {
    const pod = parsePod(input);
    if (problems.length === 0) return pod;
  } catch (error) {
    if (!(error instanceof BoxError)) throw error;
    problems.push(...error.problems);
  }
  throw new BoxError(problems);
}

const INHERITED: StreamOptions = { stdin: 'inherit', stdout: 'inherit', stderr: 'inherit' };
/** Of several that read, nobody could say who gets what. */
const PREFIXED: StreamOptions = { stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' };
