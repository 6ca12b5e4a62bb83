import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { packageRoot } from '../../src/package-root.js';
import { boot, type Machine } from './emulator.js';
import { type Command, initramfs } from './initramfs.js';
import type { Parts } from './parts.js';
import { fromLine, type Result } from './results.js';

/** Runs test files in a guest, or where the outer run is, and makes each of their tests one of the outer run's. */

const here = dirname(fileURLToPath(import.meta.url));

/** A guest without its command. */
export interface Place extends Parts {
  readonly machine: Machine;
  readonly root: string;
  readonly brought: ReadonlyMap<string, string>;
  readonly node: string;
}

/** The test files of a directory beside this file. NSGEN_GUEST_FILES=memory,io chooses those with such a part. */
export function filesOf(directory: string): readonly string[] {
  const parts = (process.env.NSGEN_GUEST_FILES ?? '').split(',');
  const files = readdirSync(join(here, directory))
    .filter(name => name.endsWith('.test.js') && parts.some(part => name.includes(part)))
    .sort()
    .map(name => join(here, directory, name));
  if (files.length > 0) return files;
  throw new Error(
    `${join(here, directory)}: no test file has one of NSGEN_GUEST_FILES in its name: ${parts.join(', ')}`,
  );
}

export async function runInGuest(t: TestContext, files: readonly string[], place: Place, minutes: number) {
  const archive = initramfs(place.busybox, place.modules, {
    ...place,
    reachable: [packageRoot, dirname(place.node)],
    command: testCommand(place.node, files, true),
  });
  await follow(t, files, async onLine => {
    const began = Date.now();
    const { status, bootMilliseconds } = await boot(place.machine, archive, minutes * 60_000, onLine);
    const seconds = (milliseconds: number) => (milliseconds / 1000).toFixed(1);
    t.diagnostic(`booted in ${seconds(bootMilliseconds)} s, all of it ${seconds(Date.now() - began)} s`);
    return status;
  });
}

export async function runHere(t: TestContext, files: readonly string[]): Promise<void> {
  const { words, environment } = testCommand(process.execPath, files, false);
  await follow(t, files, onLine => {
    // It is told to by its environment, not by that of the test that this is.
    const { NODE_TEST_CONTEXT: _, ...inherited } = process.env;
    const [program = '', ...args] = words;
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', program, ...args], {
      env: { ...inherited, ...environment },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    createInterface({ input: child.stdout }).on('line', onLine);
    return new Promise((resolve, reject) => child.on('error', reject).on('close', status => resolve(status ?? 1)));
  });
}

/** One process for each file, which reports by itself: a second one above it would take a guest another second. */
const EACH = `failed=0
for file; do
  NSGEN_TEST_FILE=\${file##*/} timeout --kill-after=5 "$LIMIT" "$NODE" --test-reporter="$REPORTER" "$file" || failed=1
done
exit $failed`;

// A minute or so, but for what else the host does meanwhile.
const SECONDS_PER_FILE = 480;

const testCommand = (node: string, files: readonly string[], isGuest: boolean): Command => ({
  words: ['bash', '-c', EACH, 'tests', ...files],
  directory: packageRoot,
  environment: {
    PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: '/root',
    NO_COLOR: '1',
    NODE: node,
    REPORTER: join(here, 'reporter.js'),
    LIMIT: String(SECONDS_PER_FILE),
    ...(process.env.NSGEN_SEED !== undefined && { NSGEN_SEED: process.env.NSGEN_SEED }),
    ...(isGuest && { NSGEN_TEST_GUEST: '1' }),
  },
});

type Runs = (onLine: (line: string) => void) => Promise<number>;

async function follow(t: TestContext, files: readonly string[], run: Runs): Promise<void> {
  const came = new Map<string, number>(files.map(file => [basename(file), 0]));
  const announced = new Map<string, number>();
  const subtests: Promise<void>[] = [];
  let failures = 0;
  const outcome = await settled(
    run(line => {
      const told = fromLine(line);
      // Not stdout: there, node --test takes text between its own messages for a broken one now and then.
      if (told === undefined) console.error(line);
      else if (told.kind === 'end') announced.set(told.file, told.results);
      else {
        came.set(told.file, (came.get(told.file) ?? 0) + 1);
        if (told.failure !== undefined) failures++;
        subtests.push(asSubtest(t, told));
      }
    }),
  );
  await Promise.all(subtests);
  for (const [file, results] of came)
    await t.test(`${file} has ended, and all its results have come through`, () => {
      checkFile(file, results, announced.get(file));
    });
  if ('error' in outcome) throw outcome.error;
  if (outcome.status !== 0 && failures === 0 && announced.size === came.size)
    throw new Error(`The tests ended with status ${outcome.status}, yet none failed`);
}

/** Also of a guest that was cut off, each file is heard of: those that it had no time for are failures by their names. */
const settled = (run: Promise<number>): Promise<{ readonly status: number } | { readonly error: unknown }> =>
  run.then(
    status => ({ status }),
    error => ({ error }),
  );

function checkFile(file: string, results: number, announced: number | undefined): void {
  if (announced === undefined)
    throw new Error(
      results === 0
        ? `${file} gave no result: it crashed, or there was no time left for it`
        : `${file} did not end: it took more than ${SECONDS_PER_FILE} s, or crashed (its output is above), or there was no time left for it`,
    );
  if (announced === 0) throw new Error(`${file} has no test that ran`);
  if (announced !== results) throw new Error(`${file}: ${results} results came through, of ${announced}`);
}

const asSubtest = (t: TestContext, { file, path, seconds, skipped, failure }: Result): Promise<void> =>
  t.test(`${basename(file, '.test.js')}: ${path.join(' > ')} (${seconds.toFixed(1)} s)`, { skip: skipped }, () => {
    if (failure === undefined) return;
    const error = new Error(failure);
    error.stack = failure;
    throw error;
  });
