import { closeSync, constants, openSync, readFileSync } from 'node:fs';
import { isNamespacePath, type NamespaceType, namespaceFile } from '../box/values.js';
import { parseStat } from '../host/process.js';
import type { NamespaceToJoin } from '../plan/operation.js';
import { type BoxState, StateError } from '../state/boxes.js';
import { findRunningPod } from '../state/pods.js';
import type { Shared } from './shared.js';

/** A pod that runs, held by a descriptor: what is joined by it is never that of a later process of its number. */
export interface HeldPod {
  readonly name: string;
  readonly shared: Shared;
  /** Those of its init, for what the ffi backend makes of this process: nobody else may look into one that is not dumpable. */
  readonly namespaces: readonly NamespaceToJoin[];
  /** The same, for programs that this process starts. */
  readonly namespacesForOthers: readonly NamespaceToJoin[];
  close(): void;
}

/** @throws StateError when no such pod runs. */
export function holdPod(name: string): HeldPod {
  const pod = findRunningPod(name);
  const { shared, process: init } = pod;
  if (shared === undefined || init === undefined) throw ended(pod);
  const directory = openDirectory(pod, init.pid);
  const close = () => closeSync(directory);
  const path = `/proc/self/fd/${directory}`;
  try {
    if (parseStat(readFileSync(`${path}/stat`, 'latin1')).start !== init.start) throw ended(pod);
    const namespacesForOthers = namespacesOf(shared, `/proc/${process.pid}/fd/${directory}`);
    return { name, shared, namespaces: namespacesOf(shared, path), namespacesForOthers, close };
  } catch (error) {
    close();
    throw error instanceof StateError ? error : ended(pod);
  }
}

function openDirectory(pod: BoxState, pid: number): number {
  try {
    return openSync(`/proc/${pid}`, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch {
    throw ended(pod);
  }
}

const ended = ({ name }: BoxState) => new StateError(`pod ${JSON.stringify(name)} has ended`);

/** @param init its directory in /proc. */
export function namespacesOf({ share, user }: Shared, init: string): readonly NamespaceToJoin[] {
  const hasUser = user === 'new' || process.geteuid?.() !== 0;
  const types: readonly NamespaceType[] = hasUser ? [...share, 'user'] : share;
  return types.map(type => {
    const path = `${init}/ns/${namespaceFile(type)}`;
    if (!isNamespacePath(path)) throw new TypeError(path);
    return { type, path };
  });
}
