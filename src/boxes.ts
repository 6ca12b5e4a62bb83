import { closeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { emitWarning } from 'node:process';
import type { BackendName } from './backends/backend.js';
import { detachedBox, foregroundProblems } from './backends/detached.js';
import { type Box, inputOf, parseBox } from './box/box.js';
import { BoxError } from './box/problem.js';
import type { BoxInput } from './box/schema.js';
import { openBox } from './exec/box.js';
import { signalNumber } from './host/signal.js';
import { packageRoot } from './package-root.js';
import { type BoxState, findBox, isPod, listBoxes, StateError } from './state/boxes.js';
import { claimName } from './state/claim.js';
import { endOfBox, sameBox, signalBox, stopBox } from './state/end.js';
import { isBoxName, NAME_RULE } from './state/names.js';
import { removeState, signalPod, stopPod, waitForPod } from './state/pods.js';
import { LOG_FILE } from './state/record.js';
import { wordOf } from './state/word.js';

/** Boxes that have names, for programs: what nsgen run --detach, ps, stop, kill, wait, logs, rm and exec do. */

/** A box or a pod that has a name, as it was when it was asked for. What it can do, it does to this box, and to no later one of its name. */
export interface NamedBox {
  readonly name: string;
  /** `starting`: whoever starts it is still at it. `elsewhere`: it was started in another pid namespace, where its processes are. */
  readonly status: 'starting' | 'running' | 'ended' | 'elsewhere';
  /** Its first process, as the host numbers it, as long as it runs. */
  readonly pid: number | undefined;
  /** Of a box that has ended: 128+N after signal N, 125 if it was never started. */
  readonly exitStatus: number | undefined;
  /** When it was started: ISO 8601, UTC. */
  readonly created: string;
  readonly command: readonly string[];
  readonly backend: BackendName;
  /** Whether whoever started it waits for its end. */
  readonly foreground: boolean;
  /** The pod that it belongs to. */
  readonly pod: string | undefined;
  /** What is wrong with it, in words. */
  readonly problem: string | undefined;
  /** The path of what it has written to its stdout and stderr. Undefined in the foreground, and of a pod: its boxes have them. */
  readonly log: string | undefined;
  /** Sends a signal, SIGKILL unless given, to its command, or the commands of a pod. False when it has ended. */
  kill(signal?: NodeJS.Signals | number): Promise<boolean>;
  /** Ends it: SIGTERM, and SIGKILL after `timeout` seconds (what the box says unless given). Its exit status. */
  stop(options?: { readonly timeout?: number }): Promise<number>;
  /** Waits for its end. Its exit status; of a pod the first, as its boxes were started, that is not 0. */
  wait(): Promise<number>;
  /** Removes it, with its log; one that runs only with `force`, which ends it first. */
  remove(options?: { readonly force?: boolean }): Promise<void>;
  /** Runs a command in it, to its end. */
  exec(command: readonly [string, ...string[]], options?: ExecOptions): Promise<ExecResult>;
}

export interface ExecOptions {
  readonly backend?: BackendName;
  /** Variables besides those of the box. */
  readonly env?: Readonly<Record<string, string>>;
  /** The directory in the box to start in, instead of the box's own. */
  readonly cwd?: string;
  /** What the command reads; nothing unless given. */
  readonly input?: string | Uint8Array;
}

export interface ExecResult {
  /** That of the command; 125, 126 or 127 when it could not be started, and then stderr says why. */
  readonly exitStatus: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface DetachedOptions {
  /** One is made up unless given. */
  readonly name?: string | undefined;
  readonly backend?: BackendName | undefined;
}

/** @throws what startDetached of the library says. */
export async function startDetached(
  given: BoxInput | Box,
  { name, backend = 'ffi' }: DetachedOptions,
): Promise<NamedBox> {
  const box = detachedBox(parseBox(given));
  checkName(name);
  if (backend === 'script') {
    const { startDetachedScript } = await import('./backends/script/detached.js');
    return namedBox(findBox(await startDetachedScript(box, name)));
  }
  const { startDetached: start } = await import('./backends/ffi/detached.js');
  const claim = claimName({ name, command: box.command, pod: undefined, backend, box: inputOf(box) });
  try {
    await start(box, claim);
  } catch (error) {
    claim.remove();
    throw error;
  }
  claim.close();
  return namedBox(findBox(claim.name));
}

/** @throws BoxError when it is none. */
export function checkName(name: string | undefined): void {
  if (name !== undefined && !isBoxName(name)) throw new BoxError([{ field: 'name', message: NAME_RULE }]);
}

/** The same for a box that somebody waits for. @throws BoxError */
export function checkForeground(name: string, box: Box): void {
  const problems = foregroundProblems(box);
  if (problems.length > 0) throw new BoxError(problems);
  checkName(name);
}

export const allBoxes = (): readonly NamedBox[] => listBoxes().map(namedBox);

export const boxOf = (name: string): NamedBox => namedBox(findBox(name));

function namedBox(state: BoxState): NamedBox {
  const { name, status, process, exitStatus, created, command, backend, foreground, pod, problem, directory } = state;
  const present = () => sameBox(state) ?? removed(state);
  const ofPod = isPod(state);
  const wait = async () =>
    ofPod ? waitForPod(present(), warn) : statusOf(state, await endOfBox(present(), { onLeft: warn }));
  return {
    ...{ name, status, exitStatus, created, command, backend, foreground, pod, problem },
    pid: process?.pid,
    log: foreground || ofPod ? undefined : join(directory, LOG_FILE),
    kill: async (signal = 'SIGKILL') => (ofPod ? signalPod : signalBox)(present(), numberOf(signal)),
    async stop({ timeout } = {}) {
      if (timeout !== undefined && !(timeout >= 0)) throw new RangeError(`timeout: ${timeout} is no number of seconds`);
      const given = timeout === undefined ? undefined : timeout * 1000;
      if (!ofPod) return statusOf(state, await stopBox(present(), given));
      await stopPod(present(), given);
      return wait();
    },
    wait,
    async remove({ force = false } = {}) {
      await removeState(present(), force);
    },
    exec: async (command, options = {}) => execIn(present(), command, options),
  };
}

/** The exit status is what was asked for; Node prints the warning, unless the program listens for it. */
const warn = ({ message }: Error): void => emitWarning(message);

function removed(state: BoxState): never {
  throw new StateError(`${isPod(state) ? 'pod' : 'box'} ${JSON.stringify(state.name)} has been removed`);
}

const statusOf = (state: BoxState, end: BoxState | undefined): number => end?.exitStatus ?? removed(state);

function numberOf(signal: NodeJS.Signals | number): number {
  const number = signalNumber(String(signal));
  if (number === undefined) throw new RangeError(`there is no signal ${JSON.stringify(signal)}`);
  return number;
}

/**
 * By nsgen exec, a process of its own: this one keeps its descriptors, its memory and its threads away from what is in the
 * box.
 */
async function execIn(
  state: BoxState,
  command: readonly string[],
  { backend = 'ffi', env = {}, cwd, input = '' }: ExecOptions,
): Promise<ExecResult> {
  closeSync(openBox(state).target.directory);
  const flags = [
    `--backend=${backend}`,
    ...Object.entries(env).map(([name, value]) => `--env=${name}=${value}`),
    ...(cwd === undefined ? [] : [`--workdir=${cwd}`]),
  ];
  const nsgen = [process.execPath, join(packageRoot, 'dist', 'bin', 'nsgen.cjs')];
  const words = ['--pdeathsig', 'KILL', '--', ...nsgen, 'exec', ...flags, '--', wordOf(state), ...command];
  const { execa } = await import('execa');
  const { exitCode, stdout, stderr } = await execa('setpriv', words, {
    input,
    env: { NSGEN_STATE_DIRECTORY: dirname(state.directory) },
    reject: false,
    stripFinalNewline: false,
    maxBuffer: Number.POSITIVE_INFINITY,
  });
  if (exitCode === undefined)
    throw new StateError('cannot start nsgen exec: setpriv (util-linux) is missing, or it was killed');
  return { exitStatus: exitCode, stdout, stderr };
}
