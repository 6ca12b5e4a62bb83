import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { type BackendName, isBackendName } from '../backends/backend.js';
import { isMapping } from '../box/values.js';
import type { ProcessIdentity } from '../host/process.js';
import { isShared, type Shared } from '../pod/shared.js';
import { isPidNamespace } from './pid-namespace.js';

/** What box.json says: written before the box is started, and never changed. */
export interface BoxRecord {
  readonly name: string;
  /** ISO 8601, UTC. */
  readonly created: string;
  readonly command: readonly string[];
  readonly pod: string | undefined;
  /** Of a pod and of each box in it: what they share. A pod itself is in no pod. */
  readonly shared?: Shared | undefined;
  readonly backend: BackendName;
  /** Whether whoever started it waits for its end and writes that down, and its output goes where theirs does. */
  readonly foreground: boolean;
  /** Whose cgroups those of the box are named by: the nsgen, or the script, that has started it. */
  readonly maker: ProcessIdentity;
  /** Where its number means something, and those in the files `life` and `process`. Undefined: nowhere that is known. */
  readonly pidNamespace?: string | undefined;
  /** The description, as it was given to parseBox. */
  readonly box: Readonly<Record<string, unknown>>;
}

export const RECORD_FILE = 'box.json';

/** What the box has written to its stdout and stderr; in the foreground it has none. */
export const LOG_FILE = 'log';

/** Of what is in there: a box may hold files. */
const LARGEST = 64 * 1024 * 1024;

export const recordText = (record: BoxRecord): string => `${JSON.stringify(record)}\n`;

/** @throws Error saying what is wrong with it. */
export function readRecord(directory: string): BoxRecord {
  return parseRecord(readRegular(`${directory}/${RECORD_FILE}`));
}

/** A file that is no symlink, device or pipe, up to so many bytes. */
function readRegular(path: string): string {
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const found = fstatSync(descriptor);
    if (!found.isFile()) throw new Error(`${RECORD_FILE} is not a file`);
    if (found.size > LARGEST) throw new Error(`${RECORD_FILE} is too large`);
    return readFileSync(descriptor, 'utf8');
  } finally {
    closeSync(descriptor);
  }
}

function parseRecord(text: string): BoxRecord {
  const value = parsed(text);
  if (!isMapping(value)) throw new Error(`${RECORD_FILE} is no mapping`);
  const { name, created, command, pod, shared, backend, foreground = false, maker, pidNamespace, box } = value;
  if (typeof name !== 'string') throw wrong('name');
  if (typeof created !== 'string' || Number.isNaN(Date.parse(created))) throw wrong('created');
  if (!isStrings(command)) throw wrong('command');
  if (pod !== undefined && typeof pod !== 'string') throw wrong('pod');
  if (shared !== undefined && !isShared(shared)) throw wrong('shared');
  if (typeof backend !== 'string' || !isBackendName(backend)) throw wrong('backend');
  if (typeof foreground !== 'boolean') throw wrong('foreground');
  if (!isIdentity(maker)) throw wrong('maker');
  if (pidNamespace !== undefined && !isPidNamespace(pidNamespace)) throw wrong('pidNamespace');
  if (!isMapping(box)) throw wrong('box');
  return { name, created, command, pod, shared, backend, foreground, maker, pidNamespace, box };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(`${RECORD_FILE} is not JSON`);
  }
}

const wrong = (field: string) => new Error(`${RECORD_FILE}: ${field} is missing or malformed`);

const isStrings = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every(word => typeof word === 'string');

const isIdentity = (value: unknown): value is ProcessIdentity =>
  isMapping(value) && Number.isSafeInteger(value.pid) && typeof value.start === 'string';
