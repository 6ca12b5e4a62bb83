import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ejs from 'ejs';
import { type Box, inputOf } from '../../box/box.js';
import type { Layer } from '../../box/overlay.js';
import { BoxError } from '../../box/problem.js';
import { memoryLimitOf } from '../../box/resources.js';
import { formatSize } from '../../box/size.js';
import { terminalMount } from '../../box/terminal-rules.js';
import { isRoot, namespaceFile } from '../../box/values.js';
import { STATS_FILES } from '../../host/cgroup/readings.js';
import { INIT_DESCRIPTOR, INIT_FILE } from '../../init/names.js';
import { packageRoot } from '../../package-root.js';
import { mountOptions, restIn } from '../../plan/file-system.js';
import type { UserNamespace } from '../../plan/operation.js';
import { initWords } from '../../plan/operations/execute.js';
import { describe, type Operation, settingsOf } from '../../plan/operations.js';
import { makePlan, type Plan } from '../../plan/plan.js';
import type { Shared } from '../../pod/shared.js';
import { DIRECTORIES, TEXTS } from '../../rootfs/minimal-files.js';
import { TERMINALS } from '../../rootfs/programs.js';
import { INITS } from './embedded-init.js';
import { FUNCTION_NAMES, functionsCalled } from './functions.js';
import { fieldsOfControllers, isOfCgroup, limitWords } from './limit-words.js';
import { joinsMount, needsShell, type Place, type PlacedOperation, placeOperations } from './place.js';
import { comment, quote } from './quote.js';
import { packagesOf, toolsOf } from './tools.js';
import { unsupported } from './unsupported.js';

/** A script of a box that has a name: this, or what the script makes up. */
export interface Named {
  readonly name: string | undefined;
  /** The pod that it is in, by name, and what is shared there. */
  readonly pod?: string;
  readonly shared?: Shared;
  /** Whether the script waits for the end of the box; else it leaves it to itself. */
  readonly foreground?: boolean;
  /** What parseBox has made the box of, if this does not know it. */
  readonly input?: Readonly<Record<string, unknown>>;
}

/** What box.json says besides what the script finds out: the end of a mapping, without its brace. */
export const recordOf = (
  box: Readonly<Record<string, unknown>>,
  { pod, shared }: Pick<Named, 'pod' | 'shared'>,
): string => JSON.stringify({ box, pod, shared }).slice(1, -1);

/**
 * Renders a box as one self-contained bash script.
 *
 * @param named one that is left to itself must have nsgen's own init.
 * @returns the text of the script.
 * @throws BoxError when the script backend cannot carry a field out.
 */
export function renderScript(box: Box, named?: Named): string {
  const problems = unsupported(box);
  if (problems.length > 0) throw new BoxError(problems);
  const foreground = named?.foreground ?? false;
  const detached = named !== undefined && !foreground;
  const plan = makePlan(box, { detached, foreground });
  const placed = placeOperations(plan);
  const sections = sectionsOf(box, plan, placed, named);
  const tools = toolsOf(placed);
  const called = functionsCalled([...sections.inside, ...sections.leaving].map(({ body }) => body));
  const memoryLimit = memoryLimitOf(box.resources);
  const ownCgroups = plan.some(({ kind }) => kind === 'make-cgroup');
  const before = functionsCalled([
    ...sections.preparing.map(({ body }) => body),
    ...(detached ? ['start_detached'] : attendedFunctions(box, ownCgroups)),
    ...(foreground ? ['record_end'] : []),
    ...(named !== undefined && ownCgroups ? ['remove_cgroups'] : []),
  ]);
  const created = plan.find(operation => operation.kind === 'create-namespaces');
  const user = created?.user ?? 'none';
  return render('box.sh', {
    digest: createHash('sha256').update(JSON.stringify(box)).digest('hex'),
    command: box.command.map(word => quote(word)).join(' '),
    words: box.command,
    annotations: Object.entries(box.annotations),
    summary: plan.map(describe),
    caveats: caveatsOf(box),
    tools,
    packages: packagesOf(tools),
    namespaceFiles: namespaceFilesOf(plan),
    user,
    // Whoever joins a user namespace of their own is root in it, whatever they are outside.
    needsPrivilege: !isRootInside(user, box) && namespaceFilesOf(plan).length > 0,
    podTypes: plan.flatMap(operation => (operation.kind === 'join-namespaces' ? operation.pod : [])),
    roots: rootsOf(box),
    heldRoot: holdsRoot(box),
    ...sections,
    uses: new Set(called),
    functions: FUNCTION_NAMES.filter(name => called.includes(name) || before.includes(name)).map(name =>
      render(`functions/${name}`, {
        script: 'box.sh',
        freezer: box.freezer,
        terminalOptions: mountOptions(terminalMount(box)),
        newPids: box.namespaces.pid.kind === 'new',
        ownCgroups,
        detached,
        record: named === undefined ? '' : recordOf(named.input ?? inputOf(box), named),
        inPod: named?.pod !== undefined,
        statsFiles,
        inits: INITS,
        initFile: INIT_FILE,
        initDescriptor: INIT_DESCRIPTOR,
      }),
    ),
    ownCgroups,
    memoryLimit: memoryLimit === undefined ? undefined : formatSize(memoryLimit),
    detached,
    foreground,
    boottime: box.timeOffsets.boottime,
    freezer: box.freezer,
    terminal: box.terminal,
    ownInit: box.init === true,
    stopTimeout: box.stopTimeout,
    variables: variablesIn(sections.inside),
    leavingVariables: variablesIn(sections.leaving).filter(name => name !== 'held'),
  });
}

/** In a user namespace that is new or joined; who starts a pod has looked at what is allowed to them. */
const isRootInside = (user: UserNamespace, { namespaces }: Box): boolean =>
  user === 'new' || namespaces.user.kind === 'joined' || namespaces.user.kind === 'pod';

/** What a script that waits for the end of the box calls. */
const attendedFunctions = (box: Box, ownCgroups: boolean): readonly string[] => [
  'await_child',
  ...(ownCgroups ? ['write_stats'] : []),
  ...(memoryLimitOf(box.resources) === undefined ? [] : ['killed_for_memory']),
  ...(box.freezer ? ['freeze_cgroup thaw_cgroups'] : []),
  ...(box.terminal ? ['make_terminal set_terminal'] : []),
];

/** What write_stats reads, for each version of cgroups and each controller. */
const statsFiles = Object.entries(STATS_FILES).flatMap(([version, files]) =>
  Object.entries(files).map(([controller, names]) => ({ version, controller, files: names })),
);

/** What the script cannot do as safely as `nsgen run`, and this box depends on: for its header, and whoever generates it. */
export function caveatsOf({ rootfs, mounts, namespaces }: Box): readonly string[] {
  if (namespaces.mount.kind === 'joined')
    return [
      'a command there whose interpreter is /proc/self/exe runs nsenter of the host, and can open its file: CVE-2019-5736; nsgen run does not let it',
    ];
  // Nobody else reaches a root of programs, but for what is bound in it.
  if (rootfs === undefined || (rootfs.from !== undefined && mounts.every(({ type }) => type !== 'bind'))) return [];
  return [
    'bash has no openat2: who renames what is in the rootfs, or above it, while the box starts is found out afterwards; see docs/security.md for what is not',
  ];
}

/** What each operation of the plan comes to in bash, in order, for `nsgen plan`. */
export function renderOperations(box: Box): readonly string[] {
  const plan = makePlan(box);
  const placed = placeOperations(plan);
  const shell = needsShell(placed);
  return placed.map(({ operation, place }) => {
    const inside = shell && operation.kind === 'execute';
    return renderSection(box, plan, operation, inside ? 'enter' : place).trimEnd();
  });
}

/** What operations, and the functions that they call, leave there for each other. */
const VARIABLES = ['file', 'found', 'held', 'kind', 'parent'];

const variablesIn = (sections: readonly Section[]): readonly string[] =>
  VARIABLES.filter(name => sections.some(({ body }) => body.includes(`$${name}`)));

/** A directory of the host may be renamed by its owner; what the box itself has mounted may not. */
const holdsRoot = ({ rootfs, overlay }: Box): boolean =>
  rootfs?.change === 'pivot_root' && rootfs.from === undefined && overlay === undefined;

/** The directories that must be there before anything is started, each with the field that names it. */
export function rootsOf({ rootfs, overlay }: Box): readonly Layer[] {
  if (overlay !== undefined) return overlay.lower;
  return rootfs === undefined || rootfs.from !== undefined ? [] : [{ field: 'rootfs', path: rootfs.path }];
}

interface Section {
  readonly text: string;
  readonly body: string;
}

interface Sections {
  readonly preparing: readonly Section[];
  readonly launching: readonly Section[];
  readonly inside: readonly Section[];
  readonly leaving: readonly Section[];
}

function sectionsOf(box: Box, plan: Plan, placed: readonly PlacedOperation[], named: Named | undefined): Sections {
  const shell = needsShell(placed);
  const section = (operation: Operation, place: Place) => ({
    text: describe(operation),
    body: renderSection(box, plan, operation, place, named),
  });
  const notEmpty = ({ body }: Section) => body.trim() !== '';
  const atTheEnd = ({ kind }: Operation) => kind === 'join-cgroup' || (shell && kind === 'execute');
  const at = (place: Place, among = placed) =>
    among
      .filter(({ operation, place: own }) => own === place && !atTheEnd(operation))
      .map(({ operation }) => section(operation, place))
      .filter(notEmpty);
  const last = placed.filter(({ operation }) => atTheEnd(operation) || joinsMount(operation));
  const end = shell ? last.map(({ operation }) => section(operation, 'enter')) : [];
  const pivots = placed.filter(({ operation }) => operation.kind === 'pivot-root');
  // The descriptors by which the box enters its cgroups are not among those that are closed.
  const [cgroups, others] = [true, false].map(limits =>
    placed.filter(({ operation }) => limits === isOfCgroup(operation)),
  );
  const preparing = [...at('prepare', others), ...at('prepare', cgroups)];
  const launching = at('launch');
  if (pivots.length === 0) return { preparing, launching, inside: [...at('enter'), ...end], leaving: [] };
  const pivoted = pivots.map(({ operation }) => section(operation, 'leave'));
  return { preparing, launching, inside: at('enter'), leaving: [...pivoted, ...at('leave'), ...end] };
}

function renderSection(box: Box, plan: Plan, operation: Operation, place: Place, named?: Named): string {
  const changesProgram = box.rootfs !== undefined || box.namespaces.mount.kind === 'joined';
  const pid = box.namespaces.pid.kind;
  return render(operation.kind, {
    operation,
    place,
    rootfs: box.rootfs?.path,
    detached: named !== undefined && !named.foreground,
    named: named !== undefined,
    name: named?.name ?? '',
    changesProgram,
    newPids: pid === 'new' || pid === 'pod',
    terminal: box.terminal,
    ownCgroup: plan.some(other => other.kind === 'join-cgroup' && other.namespace),
    showsCgroups: plan.some(({ kind }) => kind === 'mount-cgroup'),
    fieldsOfControllers: fieldsOfControllers(plan),
    limits: settingsOf(operation).map(limitWords),
    coversProc: box.rootfs === undefined && box.maskedPaths.length + box.readonlyPaths.length > 0,
    change: box.rootfs?.change,
    heldRoot: holdsRoot(box),
    directories: DIRECTORIES,
    texts: TEXTS,
    terminals: TERMINALS,
    initWords,
    initDescriptor: INIT_DESCRIPTOR,
    restIn,
  });
}

const templates = new Map<string, ejs.TemplateFunction>();

/**
 * A template as text. Every value that it prints is quoted, and `part` is the text of another, of these values and the
 * ones that are given to it.
 */
export function render(name: string, values: Readonly<Record<string, unknown>>): string {
  let template = templates.get(name);
  if (template === undefined) {
    template = ejs.compile(readFileSync(join(packageRoot, 'templates', `${name}.ejs`), 'utf8'), { escape: quote });
    templates.set(name, template);
  }
  const part = (other: string, own: typeof values = {}) => render(other, { ...values, ...own });
  return template({ ...values, comment, indent, isRoot, mountOptions, part });
}

const indent = (body: string): string => body.replace(/^(?=.)/gm, '  ');

function namespaceFilesOf(plan: Plan): readonly string[] {
  return plan.flatMap(operation => {
    switch (operation.kind) {
      case 'create-namespaces':
        return operation.types.map(namespaceFile);
      case 'join-namespaces':
        return [...operation.pod.filter(type => type !== 'user'), ...operation.namespaces.map(({ type }) => type)].map(
          namespaceFile,
        );
      case 'offset-clocks':
        return ['time'];
      case 'join-cgroup':
        return operation.namespace ? ['cgroup'] : [];
      default:
        return [];
    }
  });
}
