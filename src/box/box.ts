import * as v from 'valibot';
import { DEFAULT_MASKED_PATHS, DEFAULT_READONLY_PATHS } from './default-paths.js';
import { issueProblems } from './issues.js';
import { type File, fillFiles, fillMount, fillSymlinks, type Mount, type Symlink } from './mounts.js';
import { type Overlay, overlayOf } from './overlay.js';
import { BoxError, type Problem } from './problem.js';
import { type Resources, resourcesOf } from './resources.js';
import { ruleProblems } from './rules.js';
import { boxSchema, type CheckedBox, type DefaultVariable, type PROPAGATIONS, type ROOT_CHANGES } from './schema.js';
import {
  type AbsolutePath,
  absolutePath,
  isAbsolutePath,
  isMapping,
  NAMESPACE_TYPES,
  type NamespacePath,
  type NamespaceType,
} from './values.js';

/**
 * Where a box's namespace comes from. `unprivileged`: new if the caller is not root, else shared (user only). `pod`: it is
 * that of the pod which the box is in, or the caller's if the pod has none of its own (user only).
 */
export type NamespaceChoice =
  | { readonly kind: 'new' }
  | { readonly kind: 'shared' }
  | { readonly kind: 'unprivileged' }
  | { readonly kind: 'pod' }
  | { readonly kind: 'joined'; readonly path: NamespacePath };

export type Propagation = (typeof PROPAGATIONS)[number];
export type RootChange = (typeof ROOT_CHANGES)[number];

export interface Rootfs {
  readonly path: AbsolutePath;
  readonly change: RootChange;
  readonly readOnly: boolean;
  /** Programs of the host that are copied there, into a file system of the box's own. */
  readonly from?: readonly string[];
}

/** A box, validated, its defaults filled in: everything that decides the result is in here. */
export interface Box {
  readonly command: readonly string[];
  /** The whole environment, in order. */
  readonly env: Readonly<Record<string, string>>;
  /** Undefined: the directory in which the box is started. */
  readonly cwd: AbsolutePath | undefined;
  readonly hostname: string | undefined;
  readonly domainname: string | undefined;
  readonly namespaces: Readonly<Record<NamespaceType, NamespaceChoice>>;
  /** Seconds. */
  readonly timeOffsets: { readonly monotonic: number; readonly boottime: number };
  readonly propagation: Propagation;
  readonly proc: boolean;
  readonly rootfs: Rootfs | undefined;
  readonly overlay: Overlay | undefined;
  readonly dev: boolean;
  readonly mounts: readonly Mount[];
  readonly symlinks: readonly Symlink[];
  readonly files: readonly File[];
  readonly maskedPaths: readonly AbsolutePath[];
  readonly readonlyPaths: readonly AbsolutePath[];
  readonly loopback: boolean;
  readonly resources: Resources;
  readonly accounting: boolean;
  readonly freezer: boolean;
  /** Whether stdin, stdout and stderr are a terminal of the box's own. */
  readonly terminal: boolean;
  /** Undefined: the nearest one to the caller's that can have it. */
  readonly cgroupParent: AbsolutePath | undefined;
  /** What is pid 1, if it is not the command: nsgen's own (true), or this program of the host. */
  readonly init: true | AbsolutePath | undefined;
  /** Seconds between SIGTERM and SIGKILL. */
  readonly stopTimeout: number;
  /** What others want to know of the box; nsgen does nothing with it but show it. */
  readonly annotations: Readonly<Record<string, string>>;
}

/** As docker has it. */
export const DEFAULT_STOP_TIMEOUT = 10;

/** What a login shell of root has, in the order in which Debian has it. */
export const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const DEFAULT_ENVIRONMENT: Readonly<Record<Exclude<DefaultVariable, 'TERM'>, string>> = {
  PATH: DEFAULT_PATH,
  HOME: '/root',
};

/** What docker run -t sets: nearly every terminal understands it, and nearly every system describes it. */
export const TERMINAL_ENVIRONMENT: Readonly<Record<DefaultVariable, string>> = {
  ...DEFAULT_ENVIRONMENT,
  TERM: 'xterm',
};

/** What each namespace is unless the box says otherwise. A time namespace only costs, unless clocks are moved. */
const DEFAULT_NAMESPACES: Readonly<Record<NamespaceType, NamespaceChoice>> = {
  pid: { kind: 'new' },
  mount: { kind: 'new' },
  uts: { kind: 'new' },
  ipc: { kind: 'new' },
  net: { kind: 'new' },
  cgroup: { kind: 'new' },
  time: { kind: 'shared' },
  user: { kind: 'unprivileged' },
};

/**
 * Checks a box and fills its defaults in.
 *
 * @param input the box as written: parsed YAML or JSON, or an object of the caller's. A box that has been through here
 *   before is returned as it is.
 * @throws BoxError with every problem found, each with its field.
 */
export function parseBox(input: unknown): Box {
  return isChecked(input) ? input : checkBox(input, []);
}

/**
 * The same for a box in a pod.
 *
 * @param shared the namespaces that are the pod's; the user namespace is in any case. The box may say nothing of them.
 * @throws BoxError as parseBox does.
 */
export function parseBoxOfPod(input: unknown, shared: readonly NamespaceType[]): Box {
  const pods: readonly NamespaceType[] = [...shared, 'user'];
  const problems = podProblems(input, pods);
  try {
    const box = checkBox(input, pods);
    if (problems.length === 0) return box;
  } catch (error) {
    if (!(error instanceof BoxError)) throw error;
    problems.push(...error.problems);
  }
  throw new BoxError(problems);
}

function podProblems(input: unknown, pods: readonly NamespaceType[]): Problem[] {
  const given = isMapping(input) ? input.namespaces : undefined;
  if (!isMapping(given)) return [];
  const message = (type: NamespaceType) =>
    type === 'user' ? "is the pod's: give it to the pod (its field user)" : 'is shared in the pod (its field share)';
  return pods
    .filter(type => Object.hasOwn(given, type))
    .map(type => ({ field: `namespaces.${type}`, message: message(type) }));
}

function checkBox(input: unknown, pods: readonly NamespaceType[]): Box {
  const result = v.safeParse(boxSchema, input);
  if (!result.success)
    throw new BoxError([
      ...result.issues.flatMap(issue => issueProblems(issue)),
      ...otherProblems(input, result.issues, pods),
    ]);
  const box = fillDefaults(result.output, pods);
  const problems = ruleProblems(result.output, box);
  if (problems.length > 0) throw new BoxError(problems);
  checked.set(freeze(box), input);
  return box;
}

/** Boxes that came out of parseBox, and what of. They are frozen, so what was checked stays true. */
const checked = new WeakMap<object, unknown>();

/** What parseBox has made a box of: a description without its defaults, to be written down and read again. */
export function inputOf(box: Box): Readonly<Record<string, unknown>> {
  const input = checked.get(box);
  if (!isMapping(input)) throw new TypeError('a box that parseBox has not made');
  return input;
}

/** The same box, of the same description, with nsgen's own init: also in a pod, where that is not pid 1. */
export function withOwnInit(box: Box): Box {
  const own: Box = { ...box, init: true };
  checked.set(Object.freeze(own), inputOf(box));
  return own;
}

const isChecked = (input: unknown): input is Box => typeof input === 'object' && input !== null && checked.has(input);

function freeze<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const nested of Object.values(value)) freeze(nested);
  return Object.freeze(value);
}

/** What the rules have to say of the fields that are sound: who corrects a box wants to hear of everything at once. */
function otherProblems(
  input: unknown,
  issues: readonly v.BaseIssue<unknown>[],
  pods: readonly NamespaceType[],
): readonly Problem[] {
  const unsound = new Set(issues.map(issue => issue.path?.[0]?.key));
  // Most rules ask for a namespace, which is not known then.
  if (!isMapping(input) || unsound.has('namespaces')) return [];
  const sound = Object.entries(input).filter(([key]) => !unsound.has(key));
  const rest = v.safeParse(boxSchema, { command: ['/bin/true'], ...Object.fromEntries(sound) });
  return rest.success ? ruleProblems(rest.output, fillDefaults(rest.output, pods)) : [];
}

function fillDefaults(given: CheckedBox, pods: readonly NamespaceType[]): Box {
  const namespaces = { ...DEFAULT_NAMESPACES };
  for (const type of NAMESPACE_TYPES) {
    const choice = given.namespaces?.[type];
    if (choice !== undefined) namespaces[type] = namespaceChoice(choice);
    if (pods.includes(type)) namespaces[type] = { kind: 'pod' };
  }
  const ownMounts = namespaces.mount.kind === 'new';
  const written =
    given.rootfs === undefined || typeof given.rootfs === 'object' ? given.rootfs : { path: given.rootfs };
  const overlay = overlayOf(given.overlay, written?.path);
  // An overlay alone is the root, and takes the place of one of its layers.
  const alone = overlay?.lower[0];
  const root = written ?? (alone && { path: alone.path });
  const rootfs = root && rootfsOf(root, ownMounts);
  const ownRoot = ownMounts && rootfs?.change === 'pivot_root';
  const protects = ownRoot && given.privileged !== true;
  return {
    command: given.command,
    env: environmentOf(given.env ?? {}, given.terminal ? TERMINAL_ENVIRONMENT : DEFAULT_ENVIRONMENT),
    cwd: given.cwd ?? (rootfs === undefined ? undefined : ROOT_DIRECTORY),
    hostname: given.hostname,
    domainname: given.domainname,
    namespaces,
    timeOffsets: { monotonic: given.timeOffsets?.monotonic ?? 0, boottime: given.timeOffsets?.boottime ?? 0 },
    propagation: given.propagation ?? 'private',
    proc: given.proc ?? ownMounts,
    rootfs,
    overlay,
    dev: given.dev ?? ownRoot,
    mounts: (given.mounts ?? []).map(fillMount),
    symlinks: fillSymlinks(given.symlinks),
    files: fillFiles(given.files),
    maskedPaths: distinct(given.maskedPaths ?? (protects ? DEFAULT_MASKED_PATHS.map(absolutePath) : [])),
    readonlyPaths: distinct(given.readonlyPaths ?? (protects ? DEFAULT_READONLY_PATHS.map(absolutePath) : [])),
    loopback: given.loopback ?? namespaces.net.kind === 'new',
    resources: resourcesOf(given.resources),
    accounting: given.accounting ?? false,
    freezer: given.freezer ?? false,
    terminal: given.terminal ?? false,
    cgroupParent: given.cgroupParent,
    init: given.init === false ? undefined : given.init,
    stopTimeout: given.stopTimeout ?? DEFAULT_STOP_TIMEOUT,
    annotations: { ...given.annotations },
  };
}

/** The defaults that are not given, then what is, in its order. null takes a default away. */
function environmentOf(
  given: Readonly<Record<string, string | null>>,
  usual: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const defaults = Object.entries(usual).filter(([name]) => !Object.hasOwn(given, name));
  const own = Object.entries(given).flatMap(([name, value]) => (value === null ? [] : [[name, value] as const]));
  return Object.fromEntries([...defaults, ...own]);
}
const distinct = (paths: readonly AbsolutePath[]): readonly AbsolutePath[] => [...new Set(paths)];

const ROOT_DIRECTORY = absolutePath('/');
type GivenRootfs = Exclude<NonNullable<CheckedBox['rootfs']>, string>;

function rootfsOf(
  { path = PROGRAMS_DIRECTORY, from, change, readOnly = false }: GivenRootfs,
  ownMounts: boolean,
): Rootfs {
  if (from !== undefined) return { path: PROGRAMS_DIRECTORY, change: change ?? 'pivot_root', readOnly, from };
  return { path, change: change ?? (ownMounts ? 'pivot_root' : 'chroot'), readOnly };
}

/** Every host has it, and nobody looks for anything there: a place to mount a file system that only the box sees. */
const PROGRAMS_DIRECTORY = absolutePath('/proc/fs');

function namespaceChoice(value: 'auto' | 'new' | 'shared' | NamespacePath): NamespaceChoice {
  if (value === 'auto') return { kind: 'unprivileged' };
  if (isAbsolutePath(value)) return { kind: 'joined', path: value };
  return { kind: value };
}
