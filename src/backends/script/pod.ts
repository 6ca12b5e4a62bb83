import { createHash } from 'node:crypto';
import { closeSync } from 'node:fs';
import { execa } from 'execa';
import type { Box } from '../../box/box.js';
import { BoxError, type Problem } from '../../box/problem.js';
import { namespaceFile } from '../../box/values.js';
import { stopped } from '../../host/process.js';
import { programFiles } from '../../host/program-files.js';
import { INIT_DESCRIPTOR, INIT_FILE } from '../../init/names.js';
import { initWords, PAUSE_TITLE } from '../../plan/operations/execute.js';
import { describe, type Operation, type OperationName } from '../../plan/operations.js';
import { makePlan, type PlanOptions } from '../../plan/plan.js';
import { INIT_COMMAND, makePodPlan } from '../../pod/plan.js';
import { inPod, type Pod } from '../../pod/pod.js';
import { sharedBy } from '../../pod/shared.js';
import { type RunningPod, requireAll } from '../../pod/start.js';
import { detachedMember } from '../detached.js';
import { EXIT_STATUS, StartError } from '../failure.js';
import { ATTENDED } from './attended.js';
import { openWithoutName, signalNumber } from './backend.js';
import { pathOf } from './cgroup.js';
import { runScript } from './detached.js';
import { INITS } from './embedded-init.js';
import { quote } from './quote.js';
import { caveatsOf, type Named, recordOf, render, renderScript, rootsOf } from './render.js';
import { packagesOf } from './tools.js';

/**
 * Renders a pod as one self-contained bash script, which has the scripts of its boxes in it.
 *
 * @param options with `detached`, the script leaves the pod to itself, under its name.
 * @throws BoxError when the script backend cannot carry a field of a box out.
 */
export function renderPod(pod: Pod, { detached = false }: PlanOptions = {}): string {
  const plan = makePodPlan(pod, { detached });
  const boxes = renderBoxes(pod, detached);
  const tools = toolsOf(pod, detached);
  const sections = (...names: readonly OperationName[]) =>
    plan.filter(({ kind }) => names.includes(kind)).map(operation => sectionOf(operation, detached));
  return render('pod.sh', {
    digest: createHash('sha256').update(JSON.stringify(pod)).digest('hex'),
    name: pod.name,
    share: pod.share,
    user: pod.user,
    hostname: pod.hostname,
    boxes,
    roots: rootsOfAll(pod),
    summary: plan.map(describe),
    caveats: podCaveats(pod),
    tools,
    packages: packagesOf(tools),
    detached,
    initCommand: INIT_COMMAND,
    hasCgroups: pod.boxes.some(({ box }) => ownsCgroups(box)),
    namespaceFiles: plan.flatMap(operation =>
      operation.kind === 'create-namespaces' ? operation.types.map(namespaceFile) : [],
    ),
    joined: pod.share.map(type => ({ type, file: namespaceFile(type) })),
    preparing: sections('close-descriptors'),
    launching: sections('create-namespaces', 'map-ids', 'parent-death-signal', 'mount-propagation'),
    inside: sections('set-hostname', 'loopback-up', 'open-init', 'drop-capabilities', 'close-streams', 'execute'),
    outside: sections('empty-root'),
    functions: [...FUNCTIONS, ...(detached ? DETACHED_FUNCTIONS : ATTENDED_FUNCTIONS)].map(name =>
      render(`functions/${name}`, {
        script: 'pod.sh',
        inits: INITS,
        initFile: INIT_FILE,
        initDescriptor: INIT_DESCRIPTOR,
        detached,
        record: recordOf({}, { shared: sharedBy(pod) }),
      }),
    ),
  });
}

const FUNCTIONS = ['write_init', 'make_init'];
const ATTENDED_FUNCTIONS = ['await_child'];
const DETACHED_FUNCTIONS = [
  'find_state_directory',
  'json_word',
  'find_first',
  'release_name',
  'has_own_proc',
  'find_pid_namespace',
  'claim_name',
  'begin',
];

const TOOLS = 'base64 bash cat chmod env hostname ip mount nsenter pivot_root rm setpriv setsid sleep umount unshare';
const DETACHED_TOOLS = 'flock mkdir mv readlink stat';
const LABELLING_TOOLS = 'dd fold sed stdbuf';

function toolsOf({ boxes }: Pod, detached: boolean): readonly string[] {
  const labelling = boxes.length > 1 ? LABELLING_TOOLS : '';
  const further = detached ? DETACHED_TOOLS : labelling;
  const finding = detached && boxes.some(({ box }) => ownsCgroups(box)) ? ['find'] : [];
  return [...TOOLS.split(' '), ...further.split(' ').filter(Boolean), ...finding].sort();
}

const ownsCgroups = (box: Box): boolean => makePlan(box).some(({ kind }) => kind === 'make-cgroup');

interface Section {
  readonly text: string;
  readonly body: string;
}

const PLACES: Readonly<Partial<Record<OperationName, string>>> = {
  'create-namespaces': 'launch',
  'map-ids': 'launch',
  'mount-propagation': 'launch',
  'parent-death-signal': 'launch',
};

function sectionOf(operation: Operation, detached: boolean): Section {
  const body = render(operation.kind, {
    operation,
    place: PLACES[operation.kind] ?? 'enter',
    initDescriptor: INIT_DESCRIPTOR,
    initWords,
    pauseTitle: PAUSE_TITLE,
    changesProgram: false,
    newPids: true,
    // Its execution is as ever: nobody in the pod has the file life open.
    detached: detached && operation.kind !== 'execute',
    terminal: false,
    coversProc: false,
    ownCgroup: false,
  });
  return { text: describe(operation), body };
}

interface RenderedBox {
  readonly name: string;
  readonly number: number;
  readonly command: readonly string[];
  /** Its name and command, for people. */
  readonly heading: string;
  readonly body: string;
  /** The line that ends its text. */
  readonly end: string;
  /** What stands before each line that it writes. */
  readonly label: string;
}

function renderBoxes(pod: Pod, detached: boolean): readonly RenderedBox[] {
  const { boxes } = pod;
  const problems: Problem[] = [];
  const longest = Math.max(0, ...boxes.map(({ name }) => name.length));
  const rendered = boxes.flatMap(({ name, box }, index) => {
    try {
      const body = detached ? renderScript(detachedMember(box), ownNameOf(pod, name)) : renderScript(box);
      const end = `END OF ${name}`;
      // Whatever a box holds is quoted, and then no line of its own.
      if (body.split('\n').includes(end)) throw new Error(`the script of ${name} has a line ${JSON.stringify(end)}`);
      const heading = `${name}: ${box.command.map(word => quote(word)).join(' ')}`;
      const label = name.padEnd(longest);
      return [{ name, number: index + 1, command: box.command, heading, body, end, label }];
    } catch (error) {
      if (!(error instanceof BoxError)) throw error;
      problems.push(...inPod(name, error.problems));
      return [];
    }
  });
  if (problems.length > 0) throw new BoxError(problems);
  return rendered;
}

const ownNameOf = (pod: Pod, box: string): Named => ({
  name: `${pod.name}.${box}`,
  pod: pod.name,
  shared: sharedBy(pod),
});

/** The directories that must be there before anything is started, each with the field that names it. */
const rootsOfAll = ({ boxes }: Pod) =>
  boxes.flatMap(({ name, box }) =>
    rootsOf(box).flatMap(({ field, path }) =>
      inPod(name, [{ field, message: path }]).map(problem => ({ field: problem.field, path })),
    ),
  );

/** What the script cannot do as safely as `nsgen run`, each thing once. */
export const podCaveats = ({ boxes }: Pod): readonly string[] => [
  ...(boxes.length > 1 ? [SEEN] : []),
  ...new Set(boxes.flatMap(({ box }) => caveatsOf(box))),
];

const SEEN =
  'while a box is made, those before it see the tools of the host that make it, and root in them can attach to these; see docs/pods.md';

/**
 * Has bash run the script that leaves a pod to itself, and prints its name.
 *
 * @returns the exit status of the script.
 */
export async function runDetachedPodScript(pod: Pod): Promise<number> {
  requireAll(pod, box => {
    programFiles(makePlan(box));
  });
  const { exitCode } = await runScript(renderPod(pod, { detached: true }), 'inherit');
  return exitCode;
}

/** Has bash start a pod without boxes, which goes on alone. @throws StartError with what the script has said. */
export async function makeByScript(pod: Pod): Promise<void> {
  const { exitCode, stderr } = await runScript(renderPod(pod, { detached: true }), 'pipe');
  if (exitCode !== EXIT_STATUS.ok) throw new StartError(stderr ?? '', exitCode);
}

/**
 * Has bash run the script of a pod, with the standard streams of this process.
 *
 * @throws BoxError, StartError
 */
export async function startPodScript(pod: Pod): Promise<Omit<RunningPod, 'boxes'>> {
  // For what they refuse; the script looks for itself.
  requireAll(pod, box => {
    programFiles(makePlan(box));
  });
  const text = renderPod(pod);
  const script = openWithoutName(text);
  // setpriv, so that bash, which watches over the pod, dies with this process.
  const subprocess = execa('setpriv', ['--pdeathsig', 'KILL', '--', 'bash', pathOf(script)], {
    stdio: 'inherit',
    ...ATTENDED,
    // A session of its own: what the keys of a terminal send comes from this process, and only once.
    detached: true,
  });
  const ended = subprocess.then(({ exitCode, signal }) => {
    closeSync(script);
    return { exitStatus: exitCode ?? 128 + signalNumber(signal) };
  });
  const { pid } = subprocess;
  if (pid === undefined)
    throw new StartError('cannot start bash: setpriv (util-linux) or bash is missing', EXIT_STATUS.failed);
  // The script suspends the boxes itself when it gets SIGTSTP, then itself, and lets them go on after SIGCONT.
  const suspend = async () => {
    await stopped(pid, () => subprocess.exitCode === null && subprocess.signalCode === null);
    return 0;
  };
  return { kill: name => subprocess.kill(name), suspend, resume: () => {}, ended };
}
