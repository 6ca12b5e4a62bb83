import { accessSync, constants, realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { End } from '../backends/backend.js';
import { BoxError } from '../box/problem.js';

/** Where --stats-json puts the statistics of a box. */
export interface StatsFile {
  write(end: End): void;
}

/**
 * Looks, before the box is started, whether the file can be written later.
 *
 * @throws BoxError when it cannot.
 */
export function openStatsFile(name: string): StatsFile {
  // The command writes to stdout.
  if (name === '-') throw refused('must be a file: on stdout, it would be mixed with what the command writes');
  if (name === '') throw refused('must not be empty');
  try {
    return isOther(name) ? otherFile(name) : regularFile(name);
  } catch (error) {
    throw refused(`cannot write it: ${error instanceof Error ? error.message : String(error)}`);
  }
}

const refused = (message: string) => new BoxError([{ field: '--stats-json', message }]);

/** A pipe, a terminal, /dev/stderr: something that is there, and must not be replaced by a file. */
function isOther(name: string): boolean {
  const known = statSync(name, { throwIfNoEntry: false });
  return known !== undefined && !known.isFile();
}

function otherFile(name: string): StatsFile {
  if (statSync(name).isDirectory()) throw new Error(`EISDIR: ${JSON.stringify(name)} is a directory`);
  accessSync(name, constants.W_OK);
  return { write: end => writeFileSync(name, statsJson(end)) };
}

/** Whoever reads it finds the old file or the new one, whole. A link stays, and leads to the new one. */
function regularFile(name: string): StatsFile {
  const path = statSync(name, { throwIfNoEntry: false }) === undefined ? name : realpathSync(name);
  accessSync(dirname(path), constants.W_OK | constants.X_OK);
  return {
    write(end) {
      const unfinished = `${path}.${process.pid}.tmp`;
      try {
        // wx: not through a link that somebody else has put there.
        writeFileSync(unfinished, statsJson(end), { flag: 'wx' });
        renameSync(unfinished, path);
      } catch (error) {
        rmSync(unfinished, { force: true });
        throw error;
      }
    },
  };
}

/** Every field is there: what the host does not count is null. */
function statsJson({ exitStatus, outOfMemory, stats }: End): string {
  const whole = { exitStatus, outOfMemory, stats };
  return `${JSON.stringify(whole, (_, value: unknown) => (value === undefined ? null : value), 2)}\n`;
}
