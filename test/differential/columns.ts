import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hasCgroups, NOT_LIMITED, type Run, timeless } from '../../src/compare/comparison.js';
import { withoutMaker } from '../../src/compare/normalise.js';
import { probeCommand, SECTIONS } from '../../src/compare/probe.js';
import { resourcesOf, WAITING_COMMAND } from '../../src/compare/resources.js';
import { lookOn, readWorld, type World } from '../../src/compare/world.js';
import { type Box, type BoxInput, parseBox, script } from '../../src/index.js';
import { nsgenPath } from '../support/cli.js';

/** One way to start a box. */
export type ColumnName = (typeof COLUMNS)[number];
export const COLUMNS = ['ffi', 'script', 'box.sh'] as const;

export interface Column {
  readonly run: Run;
  /** Undefined when the probe was not asked for. */
  readonly sight: Sight | undefined;
}

interface Sight {
  readonly world: World;
  /** What the probe wrote on stderr: nothing, unless the box is as it is in a way that a shell speaks of. */
  readonly complaints: string;
}

export interface Circumstances {
  readonly caller?: string | undefined;
  readonly directory?: string | undefined;
  readonly input?: Uint8Array | undefined;
  readonly probe: boolean;
  /** All three ways, unless these. */
  readonly ways?: readonly ColumnName[] | undefined;
}

/** Starts a box in all three ways, each with its command and with the probe. */
export async function runColumns(
  input: BoxInput,
  circumstances: Circumstances,
): Promise<ReadonlyMap<ColumnName, Column>> {
  const box = parseBox(input);
  const files = mkdtempSync(join(tmpdir(), 'nsgen-test-box-'));
  // For boxes that an ordinary user starts.
  chmodSync(files, 0o755);
  try {
    const mark = randomBytes(16).toString('hex');
    const probe = probeCommand(mark);
    writeFileSync(join(files, 'box.json'), JSON.stringify(input));
    writeFileSync(join(files, 'probe.json'), JSON.stringify({ ...input, command: probe }));
    writeFileSync(join(files, 'waiting.json'), JSON.stringify({ ...input, command: WAITING_COMMAND }));
    writeFileSync(join(files, 'box.sh'), await script(input));
    const columns = new Map<ColumnName, Column>();
    for (const name of circumstances.ways ?? COLUMNS) {
      const run = await start(startWords(name, files, 'box.json', []), circumstances);
      if (!circumstances.probe) {
        columns.set(name, { run, sight: undefined });
        continue;
      }
      columns.set(name, {
        run,
        sight: await look(
          box,
          mark,
          startWords(name, files, 'probe.json', probe),
          startWords(name, files, 'waiting.json', WAITING_COMMAND),
          circumstances,
        ),
      });
    }
    return columns;
  } finally {
    rmSync(files, { recursive: true });
  }
}

async function look(
  box: Box,
  mark: string,
  words: readonly string[],
  waiting: readonly string[],
  circumstances: Circumstances,
): Promise<Sight> {
  const onlooker = lookOn(box);
  const run = await start(words, { ...circumstances, input: undefined });
  assert.ok(run.stdout.includes(mark), `the probe did not run: status ${run.exitStatus}, ${run.stderr}`);
  const outside = onlooker.until();
  const resources = hasCgroups(box) ? await lookFromOutside(waiting, circumstances) : NOT_LIMITED;
  return {
    world: readWorld(run.stdout, mark, outside, { signals: '', resources }),
    complaints: run.stderr.toString('latin1'),
  };
}

/** The script has the command in it; the probe is given as the other command that it may be started with. */
function startWords(name: ColumnName, files: string, file: string, command: readonly string[]): readonly string[] {
  return name === 'box.sh'
    ? ['bash', join(files, 'box.sh'), ...(command.length > 0 ? ['--', ...command] : [])]
    : [process.execPath, nsgenPath, 'run', '--backend', name, '-f', join(files, file)];
}

type Start = Pick<Circumstances, 'caller' | 'directory' | 'input'>;

function spawnWords(words: readonly string[], { caller, directory }: Start) {
  const [program = '', ...args] =
    caller === undefined ? words : ['bash', '-c', `${caller}\nexec "$@"`, 'caller', ...words];
  return spawn(program, args, { cwd: directory, stdio: ['pipe', 'pipe', 'pipe'] });
}

/** What limits a box, by each way to start it: without a probe, for where all is slow. */
export async function resourcesByWay(
  input: BoxInput,
  ways: readonly ColumnName[],
): Promise<ReadonlyMap<ColumnName, string>> {
  const files = mkdtempSync(join(tmpdir(), 'nsgen-test-box-'));
  try {
    const waiting = { ...input, command: WAITING_COMMAND };
    writeFileSync(join(files, 'waiting.json'), JSON.stringify(waiting));
    writeFileSync(join(files, 'box.sh'), await script({ ...input, command: [...WAITING_COMMAND] }));
    const seen = ways.map(
      async way => [way, withoutMaker(await lookFromOutside(startWords(way, files, 'waiting.json', []), {}))] as const,
    );
    return new Map(await Promise.all(seen));
  } finally {
    rmSync(files, { recursive: true });
  }
}

/** What limits the box while it waits, which is from its first answer on. */
async function lookFromOutside(words: readonly string[], circumstances: Start): Promise<string> {
  const child = spawnWords(words, circumstances);
  const ended = once(child, 'close');
  child.stdin.on('error', () => {}).write('here\n');
  child.stderr.resume();
  await Promise.race([once(child.stdout, 'data'), ended]);
  const seen = child.pid === undefined ? '' : resourcesOf(child.pid);
  child.stdin.end();
  await ended;
  return seen;
}

export async function start(words: readonly string[], circumstances: Start): Promise<Run> {
  const child = spawnWords(words, circumstances);
  const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on('data', chunk => stdout.push(chunk));
  child.stderr.on('data', chunk => stderr.push(chunk));
  child.stdin.on('error', () => {}).end(circumstances.input);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status, signal) => {
      // The command may end by a signal; what started it must not.
      if (status === null) reject(new Error(`${words.slice(0, 5).join(' ')} was ended by ${signal}`));
      else
        resolve({
          exitStatus: status,
          stdout: Buffer.concat(stdout),
          stderr: Buffer.concat(stderr),
          started: undefined,
        });
    });
  });
}

/** Asserts that all columns are those of the first. */
export function assertSame(columns: ReadonlyMap<ColumnName, Column>, { fails }: { readonly fails: boolean }): Column {
  const [first, ...others] = [...columns];
  assert.ok(first !== undefined);
  const [, expected] = first;
  for (const [name, actual] of others) {
    const which = `${name} differs from ffi in `;
    assert.equal(actual.run.exitStatus, expected.run.exitStatus, `${which}exit status: ${actual.run.stderr}`);
    const same = timeless(actual.run.stdout.toString('latin1')) === timeless(expected.run.stdout.toString('latin1'));
    assert.ok(same, `${which}stdout: ${clip(actual.run.stdout)}`);
    if (!fails) assert.equal(clip(actual.run.stderr), clip(expected.run.stderr), `${which}stderr`);
    if (!fails) assert.ok(actual.run.stderr.equals(expected.run.stderr), `${which}stderr`);
    for (const section of SECTIONS)
      assert.equal(actual.sight?.world.get(section), expected.sight?.world.get(section), `${which}${section}`);
    assert.equal(actual.sight?.complaints, expected.sight?.complaints, `${which}what the probe complains of`);
  }
  return expected;
}

const clip = (bytes: Buffer): string => bytes.subarray(0, 400).toString('latin1');
