import { readdirSync } from 'node:fs';
import type { BackendName } from '../backends/backend.js';
import { EXIT_STATUS } from '../backends/failure.js';
import { type Box, parseBox, parseBoxOfPod } from '../box/box.js';
import type { ProcessIdentity } from '../host/process.js';
import type { Shared } from '../pod/shared.js';
import { directoryProblem, requireOwnProc, StateError, stateDirectory } from './directory.js';
import { ELSEWHERE } from './elsewhere.js';
import { type Life, readLife } from './life.js';
import { readLifeOnFile } from './life-on-file.js';
import { isBoxName, NAME_RULE } from './names.js';
import { placeOf } from './pid-namespace.js';
import { readPodLife } from './pod-life.js';
import { type BoxRecord, readRecord } from './record.js';

export { StateError, stateDirectory } from './directory.js';
export { isBoxName, NAME_RULE } from './names.js';

/** A box that has a name, running or not, as its directory and the kernel tell of it. */
export interface BoxState {
  readonly name: string;
  readonly directory: string;
  /** When it was started: ISO 8601, UTC. */
  readonly created: string;
  readonly command: readonly string[];
  /** The pod that it belongs to, by name. */
  readonly pod: string | undefined;
  /** Of a pod and of each box in it: what they share. */
  readonly shared: Shared | undefined;
  readonly backend: BackendName;
  /** Whether whoever started it waits for its end. Then it has no log. */
  readonly foreground: boolean;
  /** Whose cgroups those of the box are named by: the nsgen, or the script, that has started it. */
  readonly maker: ProcessIdentity;
  /** Its description. Read when it is asked for. */
  readonly box: Box;
  /**
   * `starting`: there is no init yet, and who starts it is still at it. `elsewhere`: it was started in another pid namespace,
   * and whether it runs cannot be told here.
   */
  readonly status: 'starting' | 'running' | 'ended' | 'elsewhere';
  /** Whether it has got as far as its init. */
  readonly started: boolean;
  /** Its pid 1 as the host sees it, as long as it runs. */
  readonly process: ProcessIdentity | undefined;
  /**
   * Of a box that has ended: that of its command, 137 if it was killed, 125 if it was never started. A pod has none. Of a box
   * elsewhere, if it is on file.
   */
  readonly exitStatus: number | undefined;
  /** Whether it has ended, and nobody could write down how, because who would have was killed. */
  readonly abandoned: boolean;
  /** What is wrong with it, in words. */
  readonly problem: string | undefined;
}

/** A directory among those of the boxes that is none, or a damaged one. Nothing in it is followed. */
export interface Damaged {
  readonly name: string;
  readonly directory: string;
  readonly problem: string;
}

export const isBox = (found: BoxState | Damaged): found is BoxState => 'status' in found;

/** Whether it is a pod: its process is the init, and the boxes in it have names of their own. */
export const isPod = ({ pod, shared }: Pick<BoxRecord, 'pod' | 'shared'>): boolean =>
  pod === undefined && shared !== undefined;

/** As far as can be told: of a box elsewhere, by its exit status. */
export const hasEnded = ({ status, exitStatus }: BoxState): boolean => status === 'ended' || exitStatus !== undefined;

/** 128 + SIGKILL. */
const KILLED = 137;

/** All boxes of this user that have names, the oldest first. @throws StateError */
export function listBoxes(parent?: string): readonly BoxState[] {
  return readStates(parent).boxes;
}

/** The same, and what is there besides. @throws StateError */
export function readStates(parent = stateDirectory()): {
  readonly boxes: readonly BoxState[];
  readonly damaged: readonly Damaged[];
} {
  requireOwnProc();
  const boxes: BoxState[] = [];
  const damaged: Damaged[] = [];
  for (const name of namesIn(parent)) {
    const found = readState(`${parent}/${name}`, name);
    if (found === undefined) continue;
    if (isBox(found)) boxes.push(found);
    else damaged.push(found);
  }
  boxes.sort((one, other) => Date.parse(one.created) - Date.parse(other.created));
  return { boxes, damaged };
}

/**
 * The box of this name.
 *
 * @throws StateError when there is none, or its directory is damaged.
 */
export function findBox(name: string): BoxState {
  if (!isBoxName(name)) throw new StateError(`${JSON.stringify(name)} is no name of a box: it ${NAME_RULE}`);
  const parent = stateDirectory();
  requireOwnProc();
  const found = readState(`${parent}/${name}`, name);
  if (found === undefined)
    throw new StateError(`there is no box ${JSON.stringify(name)} (nsgen ps -a lists those that there are)`);
  if (!isBox(found)) throw new StateError(`box ${JSON.stringify(name)}: ${found.problem}`);
  return found;
}

/** What begins with a dot is being made, or removed. */
function namesIn(parent: string): readonly string[] {
  try {
    return readdirSync(parent)
      .filter(name => !name.startsWith('.'))
      .sort();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}

/** Undefined: it is gone, or was never there. */
export function readState(directory: string, name: string): BoxState | Damaged | undefined {
  try {
    if (!isBoxName(name)) throw new Error(`its name ${NAME_RULE}`);
    const problem = directoryProblem(directory);
    if (problem !== undefined) throw new Error(problem);
    const record = readRecord(directory);
    if (record.name !== name) throw new Error(`it says that it is ${JSON.stringify(record.name)}`);
    const place = placeOf(record.pidNamespace);
    const life = place === 'here' ? lifeOf(directory, record) : readLifeOnFile(directory, isPod(record));
    return stateOf(directory, record, life, place === 'elsewhere');
  } catch (error) {
    if (directoryIsGone(directory)) return undefined;
    return { name, directory, problem: error instanceof Error ? error.message : String(error) };
  }
}

const lifeOf = (directory: string, record: BoxRecord): Life =>
  isPod(record)
    ? readPodLife(directory)
    : readLife(directory, {
        inPod: record.pod !== undefined,
        attendant: record.foreground ? record.maker : undefined,
      });

function directoryIsGone(directory: string): boolean {
  try {
    readdirSync(directory);
    return false;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ENOENT';
  }
}

function stateOf(directory: string, record: BoxRecord, life: Life, elsewhere: boolean): BoxState {
  const { box, ...rest } = record;
  let parsed: Box | undefined;
  return {
    ...rest,
    shared: record.shared,
    directory,
    get box() {
      const input = { ...box, command: record.command };
      parsed ??= record.pod === undefined ? parseBox(input) : parseBoxOfPod(input, record.shared?.share ?? ['pid']);
      return parsed;
    },
    status: elsewhere ? 'elsewhere' : life.held ? (life.started ? 'running' : 'starting') : 'ended',
    started: life.started,
    process: life.process,
    ...endOf(life, record.foreground),
    ...(isPod(record) ? { exitStatus: undefined, abandoned: life.problem !== undefined, problem: life.problem } : {}),
    ...(elsewhere ? { exitStatus: life.exitStatus, abandoned: false, problem: ELSEWHERE } : {}),
  };
}

function endOf(
  { held, started, exitStatus, problem }: Life,
  foreground: boolean,
): Pick<BoxState, 'exitStatus' | 'abandoned' | 'problem'> {
  if (held) return { exitStatus: undefined, abandoned: false, problem };
  if (!started) {
    const why = 'it was not started: who would have was killed';
    return { exitStatus: EXIT_STATUS.failed, abandoned: true, problem: why };
  }
  if (exitStatus !== undefined || !foreground) return { exitStatus: exitStatus ?? KILLED, abandoned: false, problem };
  return {
    exitStatus: KILLED,
    abandoned: true,
    problem: problem ?? 'who started it was killed, and the box with them',
  };
}
