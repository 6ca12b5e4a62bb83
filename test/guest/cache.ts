import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** The only thing that the tests leave behind: what the guests are made of, so that it is downloaded once. */
const cacheDirectory = () => join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'nsgen-test-guest');

const HOUR = 3_600_000;

/**
 * A directory of that name in the cache, made by `make` if it is not there. It gets its name when it is whole, so a run
 * that is killed, or one beside this, cannot leave half of one.
 */
export async function cached(name: string, make: (directory: string) => Promise<void>): Promise<string> {
  const directory = join(cacheDirectory(), name);
  if (existsSync(directory)) return directory;
  mkdirSync(cacheDirectory(), { recursive: true });
  removeAbandoned();
  const partial = `${directory}.${process.pid}.partial`;
  try {
    rmSync(partial, { recursive: true, force: true });
    mkdirSync(partial);
    await make(partial);
    rename(partial, directory);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
  return directory;
}

/** Of two runs that make the same at once, the first one's is kept. */
function rename(partial: string, directory: string): void {
  try {
    renameSync(partial, directory);
  } catch (error) {
    if (!existsSync(directory)) throw error;
  }
}

function removeAbandoned(): void {
  for (const name of readdirSync(cacheDirectory()).filter(name => name.endsWith('.partial'))) {
    const path = join(cacheDirectory(), name);
    const { mtimeMs } = statSync(path, { throwIfNoEntry: false }) ?? { mtimeMs: Number.NaN };
    if (Date.now() - mtimeMs > HOUR) rmSync(path, { recursive: true, force: true });
  }
}
