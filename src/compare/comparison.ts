import { randomBytes } from 'node:crypto';
import type { Readable } from 'node:stream';
import { type BackendName, loadBackend } from '../backends/backend.js';
import { StartError } from '../backends/failure.js';
import type { Box } from '../box/box.js';
import { makePlan } from '../plan/plan.js';
import { probeCommand, SECTIONS, type SectionName, SIGNALS_COMMAND } from './probe.js';
import { resourcesOf, WAITING_COMMAND } from './resources.js';
import { lookOn, readWorld, type World } from './world.js';

/** One thing of a box as both backends have it. */
export interface Compared<Name extends string = string> {
  readonly name: Name;
  readonly same: boolean;
  readonly ffi: string;
  readonly script: string;
}

export interface Comparison {
  readonly same: boolean;
  /** Exit status, stdout and stderr of the command. */
  readonly command: readonly Compared[];
  /** What the probe saw; empty when it could not be run. */
  readonly world: readonly Compared<SectionName>[];
  /** Why the world could not be looked at. */
  readonly unseen: string | undefined;
}

/**
 * Starts a box by both backends, each with its command and then with the probe, and compares.
 *
 * @throws BoxError when one of the backends refuses the box.
 */
export async function compareBackends(box: Box): Promise<Comparison> {
  const ffi = await runIn('ffi', box);
  const script = await runIn('script', box);
  const command = compareRuns(ffi, script);
  const seen = { ffi: await lookInside('ffi', box), script: await lookInside('script', box) };
  const world = seen.ffi.world && seen.script.world ? compareWorlds(seen.ffi.world, seen.script.world) : [];
  const unseen = seen.ffi.unseen ?? seen.script.unseen;
  const sameSight = (seen.ffi.world === undefined) === (seen.script.world === undefined);
  const same = sameSight && [...command, ...world].every(part => part.same);
  return { same, command, world, unseen: sameSight ? unseen : onlyOne(seen.ffi.world === undefined, unseen) };
}

const onlyOne = (ffi: boolean, unseen: string | undefined) =>
  `only under ${ffi ? 'script' : 'ffi'}: under ${ffi ? 'ffi' : 'script'} ${unseen}`;

/** How a box ended, and what it wrote. */
export interface Run {
  readonly exitStatus: number;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
  /** Whether the command was started; undefined where only the exit status tells. */
  readonly started: boolean | undefined;
}

async function runIn(backend: BackendName, box: Box): Promise<Run> {
  try {
    const running = await (await loadBackend(backend)).start(box, { stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' });
    const [{ exitStatus }, stdout, stderr] = await Promise.all([
      running.ended,
      bytesOf(running.stdout),
      bytesOf(running.stderr),
    ]);
    return { exitStatus, stdout, stderr, started: backend === 'ffi' ? true : undefined };
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    const stderr = Buffer.from(`nsgen: ${error.message}\n`);
    return { exitStatus: error.exitStatus, stdout: Buffer.alloc(0), stderr, started: false };
  }
}

async function bytesOf(stream: Readable | undefined): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream ?? []) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

/** Where the command was not started, what is on stderr is the backend's own error line, in its own words. */
export function compareRuns(ffi: Run, script: Run): readonly Compared[] {
  const ownWords = ffi.started === false;
  return [
    compare('exit status', `${ffi.exitStatus}\n`, `${script.exitStatus}\n`),
    compare('stdout', timeless(ffi.stdout.toString('latin1')), timeless(script.stdout.toString('latin1'))),
    ...(ownWords ? [] : [compare('stderr', ffi.stderr.toString('latin1'), script.stderr.toString('latin1'))]),
  ];
}

/** The processor use (C) and the start time (STIME) in what `ps -ef` prints are of the run, not of the box. */
export function timeless(stdout: string): string {
  if (!/^UID +PID +PPID +C STIME /.test(stdout)) return stdout;
  return stdout.replace(/^(\S+ +\d+ +\d+) +\d+ \S+/gm, '$1  - -    ');
}

export const compareWorlds = (ffi: World, script: World): readonly Compared<SectionName>[] =>
  SECTIONS.map(name => compare(name, ffi.get(name) ?? '', script.get(name) ?? ''));

/** Compared byte for byte (latin1), shown as UTF-8. */
function compare<Name extends string>(name: Name, ffi: string, script: string): Compared<Name> {
  return { name, same: ffi === script, ffi: asUtf8(ffi), script: asUtf8(script) };
}

const asUtf8 = (text: string): string => Buffer.from(text, 'latin1').toString('utf8');

interface Sight {
  readonly world: World | undefined;
  readonly unseen: string | undefined;
}

/** What the command that shows signals has to say; it needs /bin/cat and /proc. */
export const signalsShown = ({ exitStatus, stdout }: Run): string =>
  exitStatus === 0 ? stdout.toString('latin1') : 'not visible here: /bin/cat /proc/self/status\n';

export const hasCgroups = (box: Box): boolean => makePlan(box).some(({ kind }) => kind === 'make-cgroup');
export const NOT_LIMITED = 'in the cgroups of the caller, and in none of its own\n';

/** The command has answered: whatever the backend does before it is done. */
async function lookFromOutside(backend: BackendName, box: Box): Promise<string> {
  const running = await (await loadBackend(backend)).start(
    { ...box, command: WAITING_COMMAND },
    { stdin: 'pipe', stdout: 'pipe', stderr: 'pipe' },
  );
  running.stdin?.on('error', () => {});
  running.stdin?.write('here\n');
  await new Promise(resolve => running.stdout?.once('data', resolve).once('close', resolve));
  const seen = resourcesOf(running.pid);
  running.stdin?.end();
  running.stdout?.resume();
  running.stderr?.resume();
  await running.ended;
  return seen;
}

const CANNOT_EXECUTE: readonly number[] = [126, 127];

/** The world of a box, as its own command would see it. */
export async function lookInside(backend: BackendName, box: Box): Promise<Sight> {
  const mark = randomBytes(16).toString('hex');
  const onlooker = lookOn(box);
  const run = await runIn(backend, { ...box, command: probeCommand(mark) });
  const outside = onlooker.until();
  if (run.stdout.includes(mark)) {
    const signals = signalsShown(await runIn(backend, { ...box, command: SIGNALS_COMMAND }));
    const resources = hasCgroups(box) ? await lookFromOutside(backend, box) : NOT_LIMITED;
    return { world: readWorld(run.stdout, mark, outside, { signals, resources }), unseen: undefined };
  }
  if (CANNOT_EXECUTE.includes(run.exitStatus)) return { world: undefined, unseen: 'the box has no /bin/sh that runs' };
  const [line = ''] = run.stderr.toString('utf8').split('\n');
  return { world: undefined, unseen: `the box does not start (status ${run.exitStatus}): ${line}` };
}
