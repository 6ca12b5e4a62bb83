import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rm, rmdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { EXIT_STATUS } from '../backends/failure.js';
import { DEFAULT_PATH } from '../box/box.js';
import { BoxError, fieldName, type Problem } from '../box/problem.js';
import { pathProblem, programProblem } from '../box/values.js';
import { listRootfs, ProgramsError } from './programs.js';
import type { Entry } from './tree.js';
import { type WriteOptions, type Written, writeTree } from './write-tree.js';

export interface RootfsOptions {
  /** Whether files may share their blocks with the host's (reflinks), or be the same files (hard links). */
  readonly link?: boolean;
  /** Ends it half-way: what has been made is removed. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/** A rootfs that could not be made. Nothing of it is left. */
export class RootfsError extends Error {
  override readonly name = 'RootfsError';
  readonly exitStatus = EXIT_STATUS.failed;
}

/**
 * Makes a rootfs of programs of the host, with what they need and nothing else.
 *
 * @param directory is made; it may be there if it is empty.
 * @param programs names, looked up in the usual PATH, and absolute paths of files and directories.
 * @throws BoxError when a program is not there or the directory is not empty, RootfsError when writing fails, and the
 *   signal's reason.
 */
export async function makeRootfs(
  directory: string,
  programs: readonly string[],
  { link = false, signal, onProgress }: RootfsOptions = {},
): Promise<Written> {
  signal?.throwIfAborted();
  const problems = programs.flatMap((program, index) => problemAt(index, programProblem(program)));
  if (programs.length === 0) problems.push({ field: 'programs', message: 'must name a program' });
  const target = resolve(directory);
  const unusable = directory === '' ? 'must not be empty' : pathProblem(target);
  if (unusable !== undefined) problems.push({ field: 'directory', message: unusable });
  if (problems.length > 0) throw new BoxError(problems);
  const entries = list(programs);
  const ground = await Ground.take(target);
  try {
    const written = await writeTree(entries, ground.path, { link, signal, onProgress } satisfies WriteOptions);
    await ground.keep();
    return written;
  } catch (error) {
    await ground.remove();
    if (signal?.aborted) throw signal.reason;
    throw isSystemError(error) ? new RootfsError(`rootfs ${JSON.stringify(target)}: ${describe(error)}`) : error;
  } finally {
    await ground.close();
  }
}

const problemAt = (index: number, message: string | undefined): Problem[] =>
  message === undefined ? [] : [{ field: fieldName(['programs', index]), message }];

function list(programs: readonly string[]): readonly Entry[] {
  try {
    return listRootfs(programs, DEFAULT_PATH.split(':')).entries;
  } catch (error) {
    if (!(error instanceof ProgramsError)) throw error;
    throw new BoxError(
      error.problems.map(({ index, message }) => ({ field: fieldName(['programs', index]), message })),
    );
  }
}

/**
 * The directory that becomes the rootfs. Until it is done, only its owner can enter it; and it is written to by its
 * descriptor, whatever becomes of its name.
 */
class Ground {
  readonly #target: string;
  readonly #handle: FileHandle;
  /** The mode that it had; undefined for one that was made. */
  readonly #mode: number | undefined;
  readonly path: string;

  private constructor(target: string, handle: FileHandle, mode: number | undefined) {
    this.#target = target;
    this.#handle = handle;
    this.#mode = mode;
    this.path = `/proc/self/fd/${handle.fd}`;
  }

  /** @throws BoxError unless it is missing or an empty directory of the caller's. */
  static async take(target: string): Promise<Ground> {
    const made = await makeDirectory(target);
    const handle = await openDirectory(target);
    try {
      const stat = await handle.stat();
      const path = `/proc/self/fd/${handle.fd}`;
      if (stat.uid !== process.geteuid?.()) throw refused('is a directory of somebody else');
      await handle.chmod(0o700);
      if ((await readdir(path)).length > 0) {
        await handle.chmod(stat.mode & 0o7777);
        throw refused(`${JSON.stringify(target)} is not empty`);
      }
      return new Ground(target, handle, made ? undefined : stat.mode & 0o7777);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  async keep(): Promise<void> {
    await this.#handle.chmod(0o755);
  }

  async remove(): Promise<void> {
    for (const name of await readdir(this.path)) await rm(`${this.path}/${name}`, { recursive: true });
    if (this.#mode === undefined) await rmdir(this.#target);
    else await this.#handle.chmod(this.#mode);
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

/** @returns whether it was missing. */
async function makeDirectory(target: string): Promise<boolean> {
  try {
    await mkdir(target, { mode: 0o700 });
    return true;
  } catch (error) {
    if (isSystemError(error) && error.code === 'EEXIST') return false;
    throw isSystemError(error) ? refused(`cannot be made: ${describe(error)}`) : error;
  }
}

async function openDirectory(target: string): Promise<FileHandle> {
  try {
    return await open(target, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  } catch (error) {
    throw isSystemError(error) ? refused(`${JSON.stringify(target)} is no directory (${error.code})`) : error;
  }
}

const refused = (message: string) => new BoxError([{ field: 'directory', message }]);

const isSystemError = (error: unknown): error is NodeJS.ErrnoException =>
  error instanceof Error && 'code' in error && 'syscall' in error;

/** Node's own text has the path twice, and below /proc/self/fd. */
const describe = ({ code, syscall, path = '' }: NodeJS.ErrnoException): string =>
  `${syscall} ${JSON.stringify(path.replace(/^\/proc\/self\/fd\/\d+/, ''))}: ${code}`;
