import { closeSync, constants as fsConstants, openSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { execa } from 'execa';
import type { Box } from '../../box/box.js';
import { BoxError } from '../../box/problem.js';
import { stopped } from '../../host/process.js';
import { programFiles } from '../../host/program-files.js';
import { requireRootfs } from '../../host/rootfs.js';
import { makePlan } from '../../plan/plan.js';
import { accountsOf } from '../accounts.js';
import type { Backend, BoxTerminal, End, RunningBox, StreamOptions, WantedName } from '../backend.js';
import { EXIT_STATUS, StartError } from '../failure.js';
import type { OpenStreams } from '../ffi/streams.js';
import { ATTENDED } from './attended.js';
import { asksCgroups, cgroupsOf, pathOf, placesFor, readingsIn, statsWords } from './cgroup.js';
import { renderScript } from './render.js';

/** Carries a plan out by having bash run the rendered script. */
export const scriptBackend: Backend = {
  name: 'script',
  start: (box, options, wanted) => startScript(box, options, [], wanted),
};

/** @param pod what the script is told of the namespaces of the pod that the box is in. */
export async function startScript(
  box: Box,
  options: StreamOptions,
  pod: readonly string[],
  wanted?: WantedName,
): Promise<RunningBox> {
  requireRootfs(box);
  // For what it refuses; the script looks for itself.
  const plan = makePlan(box);
  programFiles(plan);
  const places = placesFor(plan, box);
  const text = renderScript(box, wanted && { ...wanted, foreground: true });
  const streams = await streamsFor(options);
  const script = openWithoutName(text);
  const written = asksCgroups(box) ? openWithoutName('') : undefined;
  const close = () => {
    for (const descriptor of [script, written]) if (descriptor !== undefined) closeSync(descriptor);
  };
  try {
    // setpriv, so that bash too, which watches over the box, dies with this process.
    const words = ['--pdeathsig', 'KILL', '--', 'bash', pathOf(script), ...pod, ...statsWords(written)];
    const subprocess = execa('setpriv', words, {
      stdio: stdioOptions(streams?.forBox ?? [0, 1, 2]),
      ...ATTENDED,
      encoding: 'buffer',
      // A session of its own: what the keys of a terminal send comes from this process, and only once. But script(1)
      // takes the keys of the caller's terminal over, and has to hear of its size.
      detached: !(box.terminal && options.stdin === 'inherit'),
    });
    const { pid } = subprocess;
    if (pid === undefined)
      throw new StartError('cannot start bash: setpriv (util-linux) or bash is missing', EXIT_STATUS.failed);
    const accounts = accountsOf(box, cgroupsOf(places, pid), () => ended);
    const ended = subprocess.then((result): End => {
      const exitStatus = result.exitCode ?? 128 + signalNumber(result.signal);
      const end = accounts.endWith({ exitStatus, signal: result.signal }, () => readingsIn(written));
      close();
      return end;
    });
    const forCaller = streams?.forCaller() ?? { stdin: undefined, stdout: undefined, stderr: undefined };
    const { stats, freeze, thaw } = accounts;
    let toldToStop = false;
    const kill = (signal: NodeJS.Signals) => {
      if (signal === 'SIGTSTP' || signal === 'SIGCONT') toldToStop = signal === 'SIGTSTP';
      return subprocess.kill(signal);
    };
    // The script suspends the box itself when it gets SIGTSTP, then itself, and lets it go on after SIGCONT.
    const suspend = async () => {
      if (!toldToStop) kill('SIGTSTP');
      await stopped(pid, () => subprocess.exitCode === null && subprocess.signalCode === null);
      return 0;
    };
    // It escalates by itself.
    const stop = () => {
      accounts.freezer?.thaw();
      kill('SIGTERM');
      return ended;
    };
    return {
      pid,
      ...forCaller,
      terminal: box.terminal ? FOLLOWS_CALLER : undefined,
      kill,
      stop,
      suspend,
      resume: () => {},
      stats,
      freeze,
      thaw,
      ended,
    };
  } catch (error) {
    close();
    streams?.abandon();
    throw error;
  } finally {
    streams?.closeBoxEnds();
  }
}

/** script(1) gives it the size of the terminal that it is given itself, and takes no other. */
const FOLLOWS_CALLER: BoxTerminal = {
  resize() {
    const message =
      "with the script backend its size is that of the caller's terminal: use backend: 'ffi' to resize it";
    throw new BoxError([{ field: 'terminal', message }]);
  },
};

/**
 * The streams of the other backend, because Node's own are not what it calls them: its pipes are sockets, which
 * /dev/stdout cannot open, and its /dev/null is for reading only on stdin. What is inherited needs none.
 */
async function streamsFor(options: StreamOptions): Promise<OpenStreams | undefined> {
  if (Object.values(options).every(option => option === 'inherit')) return undefined;
  return (await import('../ffi/streams.js')).openStreams(options);
}

const stdioOptions = ([stdin, stdout, stderr]: OpenStreams['forBox']) =>
  [stdioOption(stdin), stdioOption(stdout), stdioOption(stderr)] as const;

const stdioOption = (descriptor: number) => (isExecaDescriptor(descriptor) ? descriptor : 'inherit');

/** execa's types end at 9; what it passes on to Node may be any. */
const isExecaDescriptor = (descriptor: number): descriptor is 3 | 4 | 5 | 6 | 7 | 8 | 9 => descriptor > 2;

export const signalNumber = (name: NodeJS.Signals | undefined) => (name === undefined ? 0 : constants.signals[name]);

/** fs.constants has no O_TMPFILE; it is this bit and O_DIRECTORY, whose value differs between architectures: open(2). */
const O_TMPFILE = 0o20000000 | fsConstants.O_DIRECTORY;

/**
 * A file that never has a name: nothing is left behind, at whatever moment this process is killed. A pipe bash would
 * read byte by byte, and an argument is limited to 128 KiB.
 */
export function openWithoutName(text: string): number {
  const descriptor = openUnnamed([tmpdir(), '/dev/shm']);
  try {
    writeFileSync(descriptor, text);
    return descriptor;
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

/** A file system may lack O_TMPFILE; tmpfs has it. */
function openUnnamed(directories: readonly string[]): number {
  for (const directory of directories) {
    try {
      return openSync(directory, O_TMPFILE | fsConstants.O_RDWR, 0o600);
    } catch {}
  }
  const message = `cannot make an unnamed file for the script in ${directories.join(' or ')} (O_TMPFILE): set TMPDIR`;
  throw new StartError(message, EXIT_STATUS.failed);
}
