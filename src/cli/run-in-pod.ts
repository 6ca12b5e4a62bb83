import type { BackendName, RunningBox, StreamOptions } from '../backends/backend.js';
import { detachedMember } from '../backends/detached.js';
import { EXIT_STATUS } from '../backends/failure.js';
import { type Box, inputOf, parseBoxOfPod } from '../box/box.js';
import { BoxError, type Problem } from '../box/problem.js';
import { isAlone } from '../pod/alone.js';
import { type HeldPod, holdPod } from '../pod/join.js';
import { emptyPod, lengthProblems } from '../pod/pod.js';
import { boxNameProblem, podNameProblem } from '../pod/schema.js';
import { type BoxState, findBox } from '../state/boxes.js';
import { claimName, madeUpName } from '../state/claim.js';
import { sameBox } from '../state/end.js';
import { removePod } from '../state/pods.js';
import type { GivenFlags } from './arguments.js';
import { printName } from './print-name.js';

/** As podman spells it. */
const NEW = 'new:';

/** What run.ts has: starts a box, and waits for its end. */
type Attend = (start: (streams: StreamOptions) => Promise<RunningBox>) => Promise<number>;

/**
 * `nsgen run --pod NAME`: a further box in a pod that runs, or in one that is made for it.
 *
 * @param input of parseBox: this bundle of the command has its own.
 * @returns the exit status.
 */
export async function runInPod(
  input: unknown,
  target: string,
  backend: BackendName,
  flags: GivenFlags,
  attend: Attend,
): Promise<number> {
  refuse(target, flags);
  if (!target.startsWith(NEW)) return runIn(target, input, backend, flags, attend);
  const name = target.slice(NEW.length);
  const pod = emptyPod(name);
  boxFor(input, pod.share);
  await make(pod, backend);
  const made = findBox(name);
  let started = false;
  let status: number | undefined;
  const observed: Attend = start =>
    attend(async streams => {
      const running = await start(streams);
      started = true;
      return running;
    });
  try {
    status = await runIn(name, input, backend, flags, observed);
    return status;
  } finally {
    const failed = status === undefined ? !started : backend === 'script' && NOT_STARTED.includes(status);
    if (failed) await removeUnused(made);
  }
}

/** All that a script says. Its command may also have ended so by itself. */
const NOT_STARTED: readonly number[] = [EXIT_STATUS.failed, EXIT_STATUS.notExecutable, EXIT_STATUS.notFound];

/** A pod for a box that could not be started is nobody's, unless others have come meanwhile. */
async function removeUnused(made: BoxState): Promise<void> {
  const pod = sameBox(made);
  if (pod !== undefined && isAlone(pod)) await removePod(pod, true);
}

async function runIn(
  name: string,
  input: unknown,
  backend: BackendName,
  flags: GivenFlags,
  attend: Attend,
): Promise<number> {
  const pod = holdPod(name);
  try {
    const box = boxFor(input, pod.shared.share);
    if (flags.has('detach')) return await detach(box, pod, backend, flags.one('name'));
    if (backend === 'ffi') {
      const { startInPod } = await import('../backends/ffi/backend.js');
      return await attend(async streams => startInPod(box, streams, pod.namespaces));
    }
    const { startScript } = await import('../backends/script/backend.js');
    return await attend(streams => startScript(box, streams, joinWords(pod)));
  } finally {
    pod.close();
  }
}

/** @throws BoxError for what contradicts the pod, by field. */
function boxFor(input: unknown, share: HeldPod['shared']['share']): Box {
  const box = parseBoxOfPod(input, share);
  if (!box.terminal) return box;
  const message = 'is not for a box of a pod: nsgen run -t is for a box alone';
  throw new BoxError([{ field: 'terminal', message }]);
}

function refuse(target: string, flags: GivenFlags): void {
  const problems: Problem[] = [];
  const pod = target.startsWith(NEW) ? target.slice(NEW.length) : target;
  const podProblem = podNameProblem(pod);
  if (podProblem !== undefined) problems.push({ field: '--pod', message: podProblem });
  const detached = flags.has('detach');
  const name = flags.one('name');
  if (detached)
    for (const flag of ['stats', 'stats-json'].filter(flag => flags.has(flag)))
      problems.push({ field: `--${flag}`, message: 'needs nsgen until the box ends: not with --detach' });
  if (name !== undefined && !detached) problems.push({ field: '--name', message: 'needs --detach' });
  if (name !== undefined && detached) {
    const message = boxNameProblem(name);
    if (message !== undefined) problems.push({ field: '--name', message });
    else problems.push(...lengthProblems('--name', `${pod}.${name}`));
  }
  if (problems.length > 0) throw new BoxError(problems);
}

async function make(pod: ReturnType<typeof emptyPod>, backend: BackendName): Promise<void> {
  if (backend === 'ffi') return (await import('../backends/ffi/detached-pod.js')).startDetachedPod(pod);
  return (await import('../backends/script/pod.js')).makeByScript(pod);
}

async function detach(box: Box, pod: HeldPod, backend: BackendName, wanted: string | undefined): Promise<number> {
  const own = detachedMember(box);
  const name = wanted === undefined ? undefined : `${pod.name}.${wanted}`;
  const of = { pod: pod.name, shared: pod.shared };
  if (backend === 'script') {
    const { runDetachedScript } = await import('../backends/script/detached.js');
    return runDetachedScript(own, { name: name ?? madeUpName(pod.name), ...of }, joinWords(pod));
  }
  const { startDetached } = await import('../backends/ffi/detached.js');
  const claim = claimName({ name, command: own.command, backend, box: inputOf(own), ...of });
  try {
    await startDetached(own, claim, pod.namespaces);
  } catch (error) {
    claim.remove();
    throw error;
  }
  claim.close();
  await printName(claim.name);
  return EXIT_STATUS.ok;
}

/** Options of the script of a box in a pod. */
const joinWords = ({ namespacesForOthers }: HeldPod): readonly string[] =>
  namespacesForOthers.flatMap(({ type, path }) => ['--join', `${type}:${path}`]);
