import { constants } from 'node:fs';
import { chmod, copyFile, link, lstat, lutimes, mkdir, symlink, utimes, writeFile } from 'node:fs/promises';
import type { Time } from '../linux/file-calls.js';
import type { CopiedFile, Entry } from './tree.js';

/** What has been written. */
export interface Written {
  readonly files: number;
  readonly bytes: number;
  /** How the files of the host came there: by copies of their own, by copies that share blocks, or as the same files. */
  readonly by: Readonly<Record<'copy' | 'reflink' | 'hard link', number>>;
}

export interface WriteOptions {
  readonly link: boolean;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: ((done: number, total: number) => void) | undefined;
}

/** Writes entries below a directory that nobody else can write to, and that has none of them. */
export async function writeTree(entries: readonly Entry[], directory: string, options: WriteOptions): Promise<Written> {
  const by = { copy: 0, reflink: 0, 'hard link': 0 };
  const copier = new FileCopier(options.link);
  let [files, bytes, done] = [0, 0, 0];
  for (const entry of entries) {
    options.signal?.throwIfAborted();
    const target = `${directory}${entry.path}`;
    switch (entry.kind) {
      case 'directory':
        await mkdir(target);
        await chmod(target, entry.mode);
        break;
      case 'symlink':
        await symlink(entry.target, target);
        await lutimes(target, asNumber(entry.modified), asNumber(entry.modified));
        break;
      case 'text':
        await writeFile(target, entry.text, { flag: 'wx' });
        await chmod(target, entry.mode);
        break;
      case 'file':
        by[await copier.copy(entry, target)]++;
        break;
    }
    if (entry.kind === 'file' || entry.kind === 'text') files++;
    if (entry.kind === 'file') bytes += entry.size;
    if (entry.kind === 'text') bytes += Buffer.byteLength(entry.text);
    options.onProgress?.(++done, entries.length);
  }
  return { files, bytes, by };
}

const asNumber = ({ seconds, nanoseconds }: Time) => seconds + nanoseconds / 1e9;

type Way = keyof Written['by'];

/** What a file system or two of them cannot do, by the errors of ioctl_ficlone(2) and link(2). */
const CANNOT = ['EINVAL', 'EMLINK', 'ENOSYS', 'ENOTSUP', 'ENOTTY', 'EOPNOTSUPP', 'EPERM', 'EXDEV', 'EACCES'];

/** Copies in the cheapest way that is asked for and works. What has not worked once is not tried again. */
class FileCopier {
  #ways: readonly Way[];

  constructor(mayLink: boolean) {
    this.#ways = mayLink ? ['reflink', 'hard link', 'copy'] : ['copy'];
  }

  async copy(entry: CopiedFile, target: string): Promise<Way> {
    for (const way of this.#ways) {
      if (way === 'hard link' && !(await sharesMode(entry))) continue;
      try {
        await this.#copy(way, entry, target);
        return way;
      } catch (error) {
        const code = error instanceof Error && 'code' in error ? String(error.code) : '';
        if (way === 'copy' || !CANNOT.includes(code)) throw error;
        this.#ways = this.#ways.filter(other => other !== way);
      }
    }
    throw new Error('there is always a way to copy');
  }

  async #copy(way: Way, { path, mode, modified }: CopiedFile, target: string): Promise<void> {
    if (way === 'hard link') {
      await link(path, target);
      return;
    }
    const clone = way === 'reflink' ? constants.COPYFILE_FICLONE_FORCE : 0;
    await copyFile(path, target, constants.COPYFILE_EXCL | clone);
    await chmod(target, mode);
    await utimes(target, asNumber(modified), asNumber(modified));
  }
}

/** A link has the mode of the file: setuid would come along, and a change of it would reach the host. */
async function sharesMode({ path, mode }: CopiedFile): Promise<boolean> {
  return ((await lstat(path)).mode & 0o7777) === mode;
}
