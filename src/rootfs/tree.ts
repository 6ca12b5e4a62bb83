import { lstatSync, readdirSync, readlinkSync } from 'node:fs';
import type { Time } from '../linux/file-calls.js';

/** What a rootfs is made of. Every path is absolute and canonical: no symbolic link on the way to it. */
export type Entry = Directory | SymbolicLink | CopiedFile | WrittenFile;

export interface Directory {
  readonly kind: 'directory';
  readonly path: string;
  readonly mode: number;
}

export interface SymbolicLink {
  readonly kind: 'symlink';
  readonly path: string;
  readonly target: string;
  readonly modified: Time;
}

/** A file of the host, which has the same path there. */
export interface CopiedFile {
  readonly kind: 'file';
  readonly path: string;
  readonly mode: number;
  readonly size: number;
  readonly modified: Time;
}

/** A file with this in it, whatever the host has there. */
export interface WrittenFile {
  readonly kind: 'text';
  readonly path: string;
  readonly mode: number;
  readonly text: string;
}

/** Where a path has led to: never to a symbolic link. */
export interface Place {
  readonly path: string;
  readonly kind: 'directory' | 'file';
}

/** A path that cannot be had, and why. */
export class PathError extends Error {
  override readonly name = 'PathError';

  constructor(path: string, why: string) {
    super(`${JSON.stringify(path)}: ${why}`);
  }
}

/** As under a umask of 022; the bits for setuid, setgid and sticky do not come along. */
const MODE_BITS = 0o755;
const DIRECTORY_MODE = 0o755;

/** The kernel follows as many: path_resolution(7). */
const MOST_LINKS = 40;

/** They hold no files of a disk: what a box has there is mounted. */
const NOT_COPIED = ['/dev', '/proc', '/sys'];

/** Collects files of the host with all that leads to them: directories, and symbolic links with what they name. */
export class Tree {
  readonly #entries = new Map<string, Entry>();
  /** Directories that were taken whole. */
  readonly listed: string[] = [];

  /** In an order in which they can be made: a directory comes before what is in it. */
  entries(): readonly Entry[] {
    return [...this.#entries.values()].toSorted((one, other) => (one.path < other.path ? -1 : 1));
  }

  has(path: string): boolean {
    return this.#entries.has(path);
  }

  put(entry: Entry): void {
    this.#entries.set(entry.path, entry);
  }

  /**
   * Adds what is at a path, and what is on the way there.
   *
   * @throws PathError when nothing is there, or nothing that can be copied.
   */
  add(path: string): Place {
    const rest = path.split('/').reverse();
    let place: Place = { path: '', kind: 'directory' };
    let links = 0;
    while (rest.length > 0) {
      const part = rest.pop() ?? '';
      if (part === '' || part === '.') continue;
      if (place.kind !== 'directory') throw new PathError(path, `${JSON.stringify(place.path)} is no directory`);
      if (part === '..') {
        place = { path: place.path.slice(0, Math.max(0, place.path.lastIndexOf('/'))), kind: 'directory' };
        continue;
      }
      const entry = this.#entryAt(`${place.path}/${part}`, path);
      if (entry.kind !== 'symlink') {
        place = { path: entry.path, kind: entry.kind === 'directory' ? 'directory' : 'file' };
      } else {
        if (++links > MOST_LINKS) throw new PathError(path, 'too many symbolic links');
        rest.push(...entry.target.split('/').reverse());
        if (entry.target.startsWith('/')) place = { path: '', kind: 'directory' };
      }
    }
    if (place.path === '') throw new PathError(path, 'the root of the host is not copied');
    return place;
  }

  /**
   * Adds all that is in a directory. A symbolic link in it stays one; the file that it names comes along, the contents
   * of a directory that it names do not.
   *
   * @returns the files.
   */
  addContents(directory: string): readonly string[] {
    this.listed.push(directory);
    return readdirSync(directory).flatMap(name => {
      const path = `${directory}/${name}`;
      const entry = this.#entryAt(path, path);
      switch (entry.kind) {
        case 'directory':
          return this.addContents(path);
        case 'symlink':
          return this.#addTarget(path);
        default:
          return [path];
      }
    });
  }

  /** A link in a directory may lead nowhere, as it does on the host. */
  #addTarget(path: string): readonly string[] {
    try {
      const place = this.add(path);
      return place.kind === 'file' ? [place.path] : [];
    } catch (error) {
      if (error instanceof PathError) return [];
      throw error;
    }
  }

  #entryAt(place: string, path: string): Entry {
    const known = this.#entries.get(place);
    if (known !== undefined) return known;
    if (NOT_COPIED.includes(place)) throw new PathError(path, `nothing is copied from ${place}`);
    // The script reads the lines of ldd(1), and Node has no name for bytes that are not UTF-8.
    if (place.includes('\n')) throw new PathError(place, 'its name has a newline in it');
    if (place.includes('\uFFFD')) throw new PathError(place, 'its name is not valid UTF-8');
    const entry = readEntry(place, path);
    this.put(entry);
    return entry;
  }
}

function readEntry(place: string, path: string): Entry {
  try {
    const stat = lstatSync(place, { bigint: true });
    const modified = timeOf(stat.mtimeNs);
    if (stat.isDirectory()) return { kind: 'directory', path: place, mode: DIRECTORY_MODE };
    if (stat.isSymbolicLink()) return { kind: 'symlink', path: place, target: readlinkSync(place), modified };
    if (!stat.isFile()) throw new PathError(path, 'it is neither a file nor a directory');
    return { kind: 'file', path: place, mode: Number(stat.mode) & MODE_BITS, size: Number(stat.size), modified };
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    throw new PathError(path, error.code === 'ENOENT' ? 'there is no such file' : String(error.code));
  }
}

function timeOf(nanoseconds: bigint): Time {
  const second = 1_000_000_000n;
  const rest = ((nanoseconds % second) + second) % second;
  return { seconds: Number((nanoseconds - rest) / second), nanoseconds: Number(rest) };
}
