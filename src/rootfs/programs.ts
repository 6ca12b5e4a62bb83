import { accessSync, constants, existsSync, lstatSync, statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { type Elf, ElfError, readElfFile } from './elf.js';
import { interpretersOf } from './hash-bang.js';
import { LD_SO_CACHE, LibrarySearch } from './libraries.js';
import { minimalEntries } from './minimal-files.js';
import { type Entry, PathError, type Place, Tree } from './tree.js';

/** Something in a list of programs that cannot be had. */
export interface ProgramProblem {
  /** Its place in the list. */
  readonly index: number;
  readonly message: string;
}

export class ProgramsError extends Error {
  override readonly name = 'ProgramsError';
  readonly problems: readonly ProgramProblem[];

  constructor(problems: readonly ProgramProblem[]) {
    super(problems.map(({ message }) => message).join('\n'));
    this.problems = problems;
  }
}

export interface Listing {
  readonly entries: readonly Entry[];
  /** Unless one of these changes, the entries stay what they are. */
  readonly watched: readonly string[];
}

/**
 * The rootfs of some programs: they, what they load, what the C library looks for, and the least of /etc.
 *
 * @param programs names, which are looked up in the path, and absolute paths of programs, libraries, other files, and
 *   directories, which are taken whole.
 * @param searchPath directories.
 * @returns paths in an order in which they can be made. @throws ProgramsError with everything that is not there.
 */
export function listRootfs(programs: readonly string[], searchPath: readonly string[]): Listing {
  const closure = new Closure(searchPath);
  const problems = programs.flatMap((program, index) => {
    try {
      closure.addWord(program);
      return [];
    } catch (error) {
      if (!(error instanceof PathError || error instanceof ElfError)) throw error;
      return [{ index, message: error.message }];
    }
  });
  if (problems.length > 0) throw new ProgramsError(problems);
  closure.addSurroundings();
  return closure.listing();
}

/** Interpreters of interpreters: the kernel goes as far (exec_binprm). */
const DEEPEST_SCRIPT = 5;

class Closure {
  readonly #tree = new Tree();
  readonly #libraries = new LibrarySearch();
  readonly #searchPath: readonly string[];
  /** By canonical path: what has been looked into. */
  readonly #examined = new Set<string>();
  /** As ld.so opens them. */
  readonly #loaded = new Map<string, Elf>();

  constructor(searchPath: readonly string[]) {
    this.#searchPath = searchPath;
  }

  listing(): Listing {
    const found = this.#tree.entries();
    const watched = found.filter(({ kind }) => kind !== 'directory').map(({ path }) => path);
    for (const entry of minimalEntries(path => this.#tree.has(path))) this.#tree.put(entry);
    return { entries: this.#tree.entries(), watched: [...watched, ...this.#tree.listed, ...this.#searchPath] };
  }

  addWord(word: string): void {
    const place = this.#tree.add(word.includes('/') ? word : this.#lookUp(word));
    if (place.kind === 'file') this.#examine(place, true, 0);
    else this.#addDirectory(place.path);
  }

  #lookUp(name: string): string {
    const path = this.#searchPath.map(directory => `${directory}/${name}`).find(isExecutable);
    if (path !== undefined) return path;
    throw new PathError(name, `no such program in ${this.#searchPath.join(':')}`);
  }

  /** @param needed whether it must run: what is in a directory may lack a library, here as on the host. */
  #examine({ path }: Place, needed: boolean, depth: number): void {
    if (this.#examined.has(path)) return;
    this.#examined.add(path);
    const elf = this.#readElf(path, needed);
    if (elf !== undefined) {
      this.#addLibraries(path, elf, needed);
      return;
    }
    const interpreters = interpretersOf(path);
    if (interpreters === undefined) return;
    try {
      if (depth >= DEEPEST_SCRIPT) throw new PathError(path, 'its interpreter is a script, and so on, without end');
      this.#examine(this.#tree.add(interpreters.path), needed, depth + 1);
      if (interpreters.name !== undefined)
        this.#examine(this.#tree.add(this.#lookUp(interpreters.name)), needed, depth + 1);
    } catch (error) {
      if (!(error instanceof PathError)) throw error;
      if (needed) throw new PathError(path, `its interpreter: ${error.message}`);
    }
  }

  #readElf(path: string, needed: boolean): Elf | undefined {
    try {
      return readElfFile(path);
    } catch (error) {
      if (error instanceof Error && 'code' in error) throw new PathError(path, String(error.code));
      if (!(error instanceof ElfError)) throw error;
      if (needed) throw new PathError(path, `this ELF file is malformed: ${error.message}`);
      return undefined;
    }
  }

  #addLibraries(path: string, elf: Elf, needed: boolean): void {
    const { paths, missing, objects } = this.#libraries.load(path, elf);
    const [first] = missing;
    if (needed && first !== undefined)
      throw new PathError(path, `${first.name} is not found, which ${JSON.stringify(first.by)} needs`);
    for (const library of paths) {
      this.#tree.add(library);
      const object = objects.get(library);
      if (object !== undefined) this.#loaded.set(library, object);
    }
  }

  #addDirectory(path: string): void {
    for (const file of this.#tree.addContents(path)) this.#examine({ path: file, kind: 'file' }, false, 0);
  }

  /** What no ELF file names, and the libraries that were loaded look for. */
  addSurroundings(): void {
    for (const path of MERGED) if (isSymbolicLink(path)) this.#tree.add(path);
    if (this.#loaded.size > 0 && existsSync(LD_SO_CACHE)) this.#tree.add(LD_SO_CACHE);
    for (const [path, elf] of [...this.#loaded]) if (basename(path) === LIBC) this.#addNameService(path, elf);
    const names = [...this.#loaded.keys()].map(path => basename(path));
    if (names.includes(LIBC)) for (const path of LOCALES) if (isDirectory(path)) this.#addData(path);
    if (names.some(name => TERMINAL_LIBRARY.test(name))) this.#addTerminals();
  }

  /** Since 2.34, "files" and "dns" are part of libc.so.6; the files of their names that are still there are empty. */
  #addNameService(libc: string, elf: Elf): void {
    if (elf.versions.includes('GLIBC_2.34')) return;
    for (const name of ['libnss_files.so.2', 'libnss_dns.so.2']) {
      const path = `${dirname(libc)}/${name}`;
      if (existsSync(path)) this.#examine(this.#tree.add(path), true, 0);
    }
  }

  #addTerminals(): void {
    for (const terminal of TERMINALS) {
      const path = TERMINFO_DIRECTORIES.map(directory => `${directory}/${terminal[0]}/${terminal}`).find(existsSync);
      if (path !== undefined) this.#tree.add(path);
    }
  }

  #addData(path: string): void {
    this.#tree.addContents(this.#tree.add(path).path);
  }
}

/** Scripts say `#!/bin/sh`, wherever the file is: hier(7), file-hierarchy(7). */
const MERGED = ['/bin', '/lib', '/lib32', '/lib64', '/libx32', '/sbin'];

const LIBC = 'libc.so.6';

/** Where glibc has it, and where Debian had it before. */
const LOCALES = ['/usr/lib/locale/C.utf8', '/usr/lib/locale/C.UTF-8'];

const TERMINAL_LIBRARY = /^lib(?:tinfow?|ncursesw?)\.so\./;

/** In the order in which ncurses on Debian searches. */
const TERMINFO_DIRECTORIES = ['/etc/terminfo', '/lib/terminfo', '/usr/share/terminfo'];
export const TERMINALS = [
  'dumb',
  'linux',
  'screen',
  'screen-256color',
  'tmux',
  'tmux-256color',
  'vt100',
  'xterm',
  'xterm-256color',
];

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

const isSymbolicLink = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
