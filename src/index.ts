import {
  BACKEND_NAMES,
  type BackendName,
  type End,
  loadBackend,
  type RunningBox,
  type StreamOption,
  type StreamOptions,
  type WantedName,
} from './backends/backend.js';
import { type Box, inputOf, parseBox } from './box/box.js';
import type { BoxInput } from './box/schema.js';
import type { DetachedOptions, NamedBox } from './boxes.js';
import type { Inspection } from './inspect/inspection.js';

export type {
  BackendName,
  BoxTerminal,
  End,
  RunningBox,
  StreamOption,
  StreamOptions,
  TerminalSize,
} from './backends/backend.js';
export { StartError } from './backends/failure.js';
export { type Box, parseBox } from './box/box.js';
export { BoxError, type Problem } from './box/problem.js';
export type { BoxInput } from './box/schema.js';
export type { DetachedOptions, ExecOptions, ExecResult, NamedBox } from './boxes.js';
export { type Pruned, type PruneOptions, prune } from './host/cgroup/prune.js';
export type { Limit, Stats } from './host/cgroup/stats.js';
export type { Inspection } from './inspect/inspection.js';
export { describe, type Operation, type OperationName } from './plan/operations.js';
export { makePlan, type Plan } from './plan/plan.js';
export { makeRootfs, RootfsError, type RootfsOptions } from './rootfs/make-rootfs.js';
export type { Written } from './rootfs/write-tree.js';
export { StateError } from './state/directory.js';
export { BACKEND_NAMES };

export interface StartOptions extends Partial<StreamOptions> {
  /** What carries the plan out; ffi unless given. */
  readonly backend?: BackendName;
  /** By which nsgen ps, and boxes(), know the box, as long as it runs and until it is removed. */
  readonly name?: string;
}

/**
 * Starts a box.
 *
 * @param box its description, as in box.yaml. For many boxes of one kind, what parseBox has made of it: then it is checked
 *   and planned once.
 * @param options standard streams are inherited unless said otherwise.
 * @throws BoxError when the description is refused, StartError when the box could not be started, StateError when another box
 *   has the name.
 */
export async function start(box: BoxInput | Box, options: StartOptions = {}): Promise<RunningBox> {
  const { backend = 'ffi', name, ...streams } = options;
  const checked = parseBox(box);
  const wanted = name === undefined ? undefined : await wantedName(name, checked);
  const inherited = { stdin: 'inherit', stdout: 'inherit', stderr: 'inherit' } as const;
  return (await loadBackend(backend)).start(checked, { ...inherited, ...streams }, wanted);
}

async function wantedName(name: string, box: Box): Promise<WantedName> {
  (await import('./boxes.js')).checkForeground(name, box);
  return { name, input: inputOf(box) };
}

/**
 * Starts a box that goes on without this program, with nsgen's own init and a log. Resolves when its command has been executed.
 *
 * @throws BoxError when the description is refused, StartError when the box could not be started, StateError when another box
 *   has the name.
 */
export async function startDetached(box: BoxInput | Box, options: DetachedOptions = {}): Promise<NamedBox> {
  return (await import('./boxes.js')).startDetached(box, options);
}

/** The boxes of this user that have names, as they are now, the oldest first: also those that have ended. */
export async function boxes(): Promise<readonly NamedBox[]> {
  return (await import('./boxes.js')).allBoxes();
}

/** The box of this name, as it is now. @throws StateError when there is none. */
export async function findBox(name: string): Promise<NamedBox> {
  return (await import('./boxes.js')).boxOf(name);
}

export interface RunOptions {
  readonly backend?: BackendName;
  readonly name?: string;
  /** What the command reads: this, then the end. Nothing unless given; `inherit` passes the caller's stdin on. */
  readonly input?: string | Uint8Array;
  readonly stdin?: 'inherit' | 'ignore';
  /** Unless `pipe`, the default, the result has no text for it. */
  readonly stdout?: StreamOption;
  readonly stderr?: StreamOption;
  /** Whether an exit status other than 0 rejects; true unless given. */
  readonly reject?: boolean;
}

export interface Result extends End {
  /** What it wrote, as UTF-8, byte for byte (no newline is taken off). */
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that ended with a status other than 0. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly result: Result;

  constructor(command: readonly string[], result: Result) {
    const how = result.signal === undefined ? `exit status ${result.exitStatus}` : `ended by ${result.signal}`;
    const why = result.outOfMemory ? ' (memory limit reached)' : '';
    super(`${command.join(' ')}: ${how}${why}${result.stderr === '' ? '' : `\n${result.stderr.trimEnd()}`}`);
    this.result = result;
  }
}

/**
 * Runs a box to its end.
 *
 * @returns what the command wrote and how it ended.
 * @throws CommandError when it ended with a status other than 0 (unless `reject: false`), and what `start` throws.
 */
export async function run(box: BoxInput | Box, options: RunOptions = {}): Promise<Result> {
  const { input, reject = true, stdin = 'ignore', stdout = 'pipe', stderr = 'pipe', ...rest } = options;
  const running = await start(box, { ...rest, stdin: input === undefined ? stdin : 'pipe', stdout, stderr });
  // A command that ends without reading all of its input is not an error of the caller's.
  running.stdin?.on('error', () => {}).end(input);
  const [end, out, error] = await Promise.all([running.ended, textOf(running.stdout), textOf(running.stderr)]);
  const result: Result = { ...end, stdout: out, stderr: error };
  if (reject && end.exitStatus !== 0) throw new CommandError(box.command, result);
  return result;
}

/**
 * Renders a box as a bash script that starts it without nsgen.
 *
 * @throws BoxError when the description is refused, or has a field that bash cannot carry out.
 */
export async function script(box: BoxInput | Box): Promise<string> {
  const { renderScript } = await import('./backends/script/render.js');
  return renderScript(parseBox(box));
}

/**
 * Looks at a box or a process: its namespaces and with whom it shares them, its ids, rights, limits, cgroups and mounts,
 * and the processes around it. docs/inspect.md describes each field.
 *
 * @param target a pid as /proc counts, or the name of a box.
 * @throws Error with `exitStatus` 125 when there is no such process or box.
 */
export async function inspect(target: number | string): Promise<Inspection> {
  return (await import('./inspect/index.js')).inspect(target);
}

async function textOf(stream: RunningBox['stdout']): Promise<string> {
  if (stream === undefined) return '';
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString('utf8');
}
