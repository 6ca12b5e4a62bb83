import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { isAlive, numbersOf, type ProcessIdentity, parseStat, statOf } from '../host/process.js';
import { INIT_NAME, LIFE_DESCRIPTOR, STARTED } from '../init/names.js';
import { LOCK } from '../linux/constants.js';
import { runCalls } from '../linux/program.js';
import { flags, integer, type SystemCall } from '../linux/system-call.js';

/**
 * The file `life` of a box. Its first process has it open as long as it runs, with a lock (flock(2)) that ends with it. It
 * says three things, in the order in which they happen:
 *
 *     4711 (node) R ...      the process itself, as /proc/self/stat told it on the host, before anything else was done
 *     started                it is about to become the init
 *     \x03                   one byte: the status with which the init ended
 *
 * In the foreground, whoever starts the box has the lock, writes the status, and closes the file before the command is
 * there: then all of it is as they and the kernel wrote it.
 *
 * Else the box could write anything there: root in it by way of /proc/1/fd/3. So its word is taken for the status, and for
 * nothing else: who the process is, the kernel is asked.
 *
 * Nor is the lock safe from it: root in it can take it off (pidfd_getfd(2)), or hand it to somebody else. So whoever starts
 * a box writes down which process it is, as soon as it is known, in a file that the box has not open.
 */
export const LIFE_FILE = 'life';

const PROCESS_FILE = 'process';

/** Of a box whose init has been executed. */
export const rememberProcess = (directory: string, { pid, start }: ProcessIdentity): void =>
  writeFileSync(`${directory}/${PROCESS_FILE}`, `${pid} ${start}\n`, { flag: 'wx', mode: 0o600 });

/** Undefined: whoever started it was killed too soon, and there is but the file `life`. */
export function remembered(directory: string): ProcessIdentity | undefined {
  const path = `${directory}/${PROCESS_FILE}`;
  const text = statSync(path, { throwIfNoEntry: false })?.isFile() ? readFileSync(path, 'latin1') : '';
  const [, pid, start] = /^([1-9]\d{0,9}) (\d{1,20})\n$/.exec(text) ?? [];
  return pid === undefined || start === undefined ? undefined : { pid: Number(pid), start };
}

export interface Life {
  /** Whether its first process runs, or whoever is about to start it. */
  readonly held: boolean;
  /** Whether it got as far as the init. */
  readonly started: boolean;
  /** The first process, if it runs. */
  readonly process: ProcessIdentity | undefined;
  /** What the init has written. */
  readonly exitStatus: number | undefined;
  /** Why it cannot be believed. */
  readonly problem: string | undefined;
}

/** A line of stat, a word and a byte are fewer. */
const LARGEST = 4096;

/** What a box is, as its record has it. */
interface Kind {
  /** The process may have any number in its pid namespace, which is that of the pod. */
  readonly inPod?: boolean;
  /** Who waits for its end, if it is in the foreground. */
  readonly attendant?: ProcessIdentity | undefined;
}

/** @throws Error when it cannot be read. */
export function readLife(directory: string, { inPod = false, attendant }: Kind = {}): Life {
  const path = `${directory}/${LIFE_FILE}`;
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const file = fstatSync(descriptor);
    if (!file.isFile()) throw new Error(`${LIFE_FILE} is not a file`);
    if (attendant !== undefined) return attendedLife(descriptor, attendant);
    // In this order: who ends in between has written all.
    const known = remembered(directory);
    const held = known === undefined ? isHeld(descriptor) : isAlive(known);
    const { claimed, ...said } = parseLife(contentOf(descriptor));
    if (known !== undefined) {
      const problem = said.started ? said.problem : SCRIBBLED;
      return { ...said, held, started: true, process: held ? known : undefined, problem };
    }
    if (!held) return { ...said, held, process: undefined };
    const isInit = (pid: number) => hasOpen(pid, file) && isBelow(pid, inPod);
    const isIt = claimed !== undefined && statOf(claimed.pid)?.start === claimed.start && isInit(claimed.pid);
    const process = isIt ? claimed : search(isInit);
    // Before it is the init, it has another name; what the init has found there, it was said in.
    if (process === undefined || said.started || statOf(process.pid)?.name !== INIT_NAME)
      return { ...said, held, process };
    return { ...said, held, process, started: true, problem: SCRIBBLED };
  } finally {
    closeSync(descriptor);
  }
}

/** Of a box that somebody waits for. It may outlive them, though: the kernel spares who has become another user, prctl(2). */
function attendedLife(descriptor: number, attendant: ProcessIdentity): Life {
  const attended = isHeld(descriptor);
  const { claimed, ...said } = parseLife(contentOf(descriptor));
  const isIt = claimed !== undefined && isAlive(claimed) && isBelowProcess(claimed.pid, attendant);
  return { ...said, held: attended || isIt, process: isIt ? claimed : undefined };
}

/** Of a script, unshare(1) or script(1) comes in between. A process whose parent has ended is another's child now. */
function isBelowProcess(pid: number, ancestor: ProcessIdentity): boolean {
  if (!isAlive(ancestor)) return true;
  const parent = statOf(pid)?.parent ?? 0;
  return parent === ancestor.pid || statOf(parent)?.parent === ancestor.pid;
}

export function contentOf(descriptor: number): Buffer {
  const room = Buffer.alloc(LARGEST + 1);
  return room.subarray(0, readSync(descriptor, room, 0, room.length, 0));
}

interface Said extends Pick<Life, 'started' | 'exitStatus' | 'problem'> {
  readonly claimed: ProcessIdentity | undefined;
}

export function parseLife(content: Buffer): Said {
  const text = content.toString('latin1');
  const nothing = { claimed: undefined, started: false, exitStatus: undefined, problem: undefined };
  // Half a line: whoever wrote it was killed meanwhile.
  const end = text.indexOf('\n');
  if (end < 0 && text.length <= LARGEST) return nothing;
  const claimed = identityIn(text.slice(0, end));
  const rest = text.slice(end + 1);
  if (claimed === undefined) return { ...nothing, started: true, problem: SCRIBBLED };
  if (rest.length < STARTED.length && STARTED.startsWith(rest)) return { ...nothing, claimed };
  const sane = rest.startsWith(STARTED) && rest.length <= STARTED.length + 1;
  const byte = sane && rest.length > STARTED.length ? content[end + 1 + STARTED.length] : undefined;
  return { claimed, started: true, exitStatus: byte, problem: sane ? undefined : SCRIBBLED };
}

const SCRIBBLED = `somebody in the box has written to ${LIFE_FILE}`;

function identityIn(line: string): ProcessIdentity | undefined {
  const pid = /^([1-9]\d{0,9}) \(/.exec(line)?.[1];
  const { start } = parseStat(line);
  return pid !== undefined && /^\d{1,20}$/.test(start) ? { pid: Number(pid), start } : undefined;
}

/** A lock for reading is refused as long as there is one for writing. */
export function isHeld(descriptor: number): boolean {
  const lock: SystemCall = {
    name: 'flock',
    arguments: [integer(descriptor), flags(LOCK, 'LOCK_SH', 'LOCK_NB')],
    tolerate: ['EAGAIN'],
  };
  const outcome = runCalls([lock]);
  if (outcome.failure !== undefined) throw new Error(`cannot ask for the lock of ${LIFE_FILE}`);
  return outcome.result(lock) !== 0;
}

interface FileIdentity {
  readonly dev: number;
  readonly ino: number;
}

/** A box can write any number to the file; it cannot make the process of that number open it. */
function hasOpen(pid: number, file: FileIdentity): boolean {
  try {
    const open = statSync(`/proc/${pid}/fd/${LIFE_DESCRIPTOR}`);
    return open.dev === file.dev && open.ino === file.ino;
  } catch {
    return false;
  }
}

/**
 * Whether a process is in a pid namespace below ours; the first there, unless it is in a pod. NSpid: its number in each
 * namespace, from ours down to its own. proc_pid_status(5)
 */
function isBelow(pid: number, inPod: boolean): boolean {
  const numbers = numbersOf(pid);
  return numbers.length > 1 && (inPod || numbers.at(-1) === 1);
}

/** Of a box that has hidden who it is. */
function search(isInit: (pid: number) => boolean): ProcessIdentity | undefined {
  for (const pid of readdirSync('/proc')
    .filter(name => /^[1-9]\d*$/.test(name))
    .map(Number)) {
    const start = isInit(pid) ? statOf(pid)?.start : undefined;
    if (start !== undefined) return { pid, start };
  }
  return undefined;
}
