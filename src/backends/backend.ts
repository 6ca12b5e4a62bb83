import type { Readable, Writable } from 'node:stream';
import type { Box } from '../box/box.js';
import type { Stats } from '../host/cgroup/stats.js';

/** What carries a plan out. Both give the process inside the same world; that is the point of having two. */
export interface Backend {
  readonly name: BackendName;
  /**
   * Starts a box. It ends, at the latest, when this process does.
   *
   * @param name one that the box is to be known by.
   * @throws BoxError when the backend cannot carry a field out, StartError when the kernel or the host refuses, StateError
   *   when another box has the name.
   */
  start(box: Box, streams: StreamOptions, name?: WantedName): Promise<RunningBox>;
}

export interface WantedName {
  readonly name: string;
  /** What parseBox has made the box of. The bundles of the command do not know each other's boxes. */
  readonly input: Readonly<Record<string, unknown>>;
}

export const BACKEND_NAMES = ['ffi', 'script'] as const;
export type BackendName = (typeof BACKEND_NAMES)[number];

export const isBackendName = (name: string): name is BackendName => BACKEND_NAMES.some(known => known === name);

/** Where a standard stream goes: to the caller's own, to a pipe, or to /dev/null. */
export type StreamOption = 'inherit' | 'pipe' | 'ignore';

export interface StreamOptions {
  readonly stdin: StreamOption;
  readonly stdout: StreamOption;
  readonly stderr: StreamOption;
}

export interface RunningBox {
  /** The command itself (ffi), or the bash that watches over it (script), as the caller sees it. */
  readonly pid: number;
  /** Undefined unless it is a pipe. */
  readonly stdin: Writable | undefined;
  readonly stdout: Readable | undefined;
  readonly stderr: Readable | undefined;
  /** What a box with a terminal of its own can be told of it. Undefined without one. */
  readonly terminal: BoxTerminal | undefined;
  /** Sends a signal to the command. False when it has ended already. */
  kill(signal: NodeJS.Signals): boolean;
  /** Sends SIGTERM, and SIGKILL when the box has not ended `stopTimeout` seconds later. Resolves as `ended` does. */
  stop(): Promise<End>;
  /**
   * Stops all of the box, which as pid 1 would ignore SIGTSTP: by its freezer, or else the command and all its descendants by
   * SIGSTOP. Resolves when they have stopped, or soon.
   *
   * @returns how many go on all the same, because others of the box let them. By script 0: it says so itself.
   */
  suspend(): Promise<number>;
  /** What suspend has stopped goes on. Before SIGCONT to the command, which is the caller's to send. */
  resume(): void;
  /**
   * What the box has used so far, at once and then after each interval (milliseconds; a second unless given). The last
   * is what it has used in all.
   *
   * @throws BoxError without `accounting` in the box.
   */
  stats(options?: { readonly interval?: number }): AsyncIterableIterator<Stats>;
  /** Stops all processes of the box; resolves when they have stopped. Rejects without `freezer` in the box, or when it ends. */
  freeze(): Promise<void>;
  /** Lets them go on. */
  thaw(): Promise<void>;
  /** Resolves, once, when the box has ended and been reaped. */
  readonly ended: Promise<End>;
}

/** The terminal of a box. Its stdin is what is typed there, its stdout what is shown. */
export interface BoxTerminal {
  /**
   * Gives it another size; who is in its foreground gets SIGWINCH. A caller's terminal that is inherited is followed by
   * itself.
   *
   * @throws RangeError unless both are 0 to 65535; BoxError under the script backend.
   */
  resize(size: TerminalSize): void;
}

export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** How a command ended. */
export interface End {
  /** Its status, or 128+N when signal N ended it; 125, 126 or 127 when it could not be started. */
  readonly exitStatus: number;
  /** The signal that ended it, where the backend can tell. */
  readonly signal: NodeJS.Signals | undefined;
  /** Whether the kernel has killed somebody in the box because its limit of memory was reached. Then exitStatus is 137. */
  readonly outOfMemory: boolean;
  /** What the box has used in all, if it has `accounting`. */
  readonly stats: Stats | undefined;
}

const loaded = new Map<BackendName, Backend>();

/** Loads a backend, once, and only that one: the script needs no ffi-rs, the direct run no ejs. */
export async function loadBackend(name: BackendName): Promise<Backend> {
  const backend = loaded.get(name) ?? (await importBackend(name));
  loaded.set(name, backend);
  return backend;
}

async function importBackend(name: BackendName): Promise<Backend> {
  switch (name) {
    case 'ffi':
      return (await import('./ffi/backend.js')).ffiBackend;
    case 'script':
      return (await import('./script/backend.js')).scriptBackend;
  }
}
