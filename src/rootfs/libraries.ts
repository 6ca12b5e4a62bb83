import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Elf, ElfError, readElfFile } from './elf.js';
import { type LdSoCache, readLdSoCacheFile } from './ld-so-cache.js';
import { defaultDirectories, libNames, platformOf, supportedHwcaps, usualLoader } from './processor.js';

export const LD_SO_CACHE = '/etc/ld.so.cache';

/** What a program loads before its first instruction. */
export interface Loaded {
  /** As ld.so(8) opens them, the loader (PT_INTERP) among them. */
  readonly paths: readonly string[];
  /** Names that nothing was found for, each with the file that needs it. */
  readonly missing: readonly { readonly name: string; readonly by: string }[];
  /** The parsed files, by path. */
  readonly objects: ReadonlyMap<string, Elf>;
}

interface LoadedObject {
  readonly path: string;
  readonly elf: Elf;
  /** What made it be loaded. */
  readonly loader: LoadedObject | undefined;
}

/** Finds libraries as ld.so(8) does, for a caller without LD_LIBRARY_PATH and its like. */
export class LibrarySearch {
  #cache: LdSoCache | undefined;
  readonly #files = new Map<string, Elf | undefined>();

  /** The ELF file at a path; undefined where there is none, or it is unreadable or malformed. */
  #read(path: string): Elf | undefined {
    if (!this.#files.has(path)) this.#files.set(path, readOrNothing(path));
    return this.#files.get(path);
  }

  /** @param path a program or library, by its real name: $ORIGIN is the directory that it is in. */
  load(path: string, elf: Elf): Loaded {
    const main: LoadedObject = { path, elf, loader: undefined };
    const objects: LoadedObject[] = [main];
    const known = new Set<string>(elf.soname === undefined ? [] : [elf.soname]);
    const missing: { name: string; by: string }[] = [];
    // One file by two paths is one object.
    const files = new Set([identity(path)]);
    // The loader has been loaded by the kernel: it goes by its DT_SONAME, and by the name that the program has for it.
    const interpreter = elf.interpreter ?? (elf.needed.length > 0 ? usualLoader(elf) : undefined);
    const loader = interpreter === undefined ? undefined : this.#read(interpreter);
    if (interpreter !== undefined && loader !== undefined) {
      objects.push({ path: interpreter, elf: loader, loader: main });
      files.add(identity(interpreter));
      for (const name of [interpreter, loader.soname]) if (name !== undefined) known.add(name);
    } else if (elf.interpreter !== undefined) {
      missing.push({ name: elf.interpreter, by: path });
    }
    // Breadth first, as ld.so loads: of two libraries with one name, the first counts for everybody.
    for (const object of objects) {
      for (const name of object.elf.needed) {
        if (known.has(name)) continue;
        const found = this.#find(name, object, main);
        if (found === undefined) {
          missing.push({ name, by: object.path });
          continue;
        }
        known.add(name);
        const file = identity(found.path);
        if (files.has(file)) continue;
        files.add(file);
        if (found.elf.soname !== undefined) known.add(found.elf.soname);
        objects.push(found);
      }
    }
    return {
      paths: objects.slice(1).map(object => object.path),
      missing,
      objects: new Map(objects.map(object => [object.path, object.elf])),
    };
  }

  #find(name: string, object: LoadedObject, main: LoadedObject): LoadedObject | undefined {
    for (const path of this.#candidates(name, object, main)) {
      const elf = this.#read(path);
      if (elf !== undefined && fits(elf, main.elf)) return { path, elf, loader: object };
    }
    return undefined;
  }

  *#candidates(name: string, object: LoadedObject, main: LoadedObject): Generator<string> {
    if (name.includes('/')) {
      yield* expand(name, object);
      return;
    }
    const levels = supportedHwcaps(main.elf);
    const inDirectories = (directories: readonly string[]) =>
      directories
        .flatMap(directory => [...levels.map(level => `${directory}/glibc-hwcaps/${level}`), directory])
        .map(directory => `${directory}/${name}`);
    if (object.elf.runpath === undefined) {
      for (const owner of ancestors(object, main)) yield* inDirectories(searchPath(owner.elf.rpath, owner));
    }
    yield* inDirectories(searchPath(object.elf.runpath ?? [], object));
    const defaults = defaultDirectories(main.elf);
    for (const path of this.#cached(name, levels)) {
      if (!object.elf.noDefaultDirectories || !defaults.some(directory => path.startsWith(`${directory}/`))) yield path;
    }
    if (!object.elf.noDefaultDirectories) yield* inDirectories(defaults);
  }

  /** Best first. */
  #cached(name: string, levels: readonly string[]): readonly string[] {
    this.#cache ??= readLdSoCacheFile(LD_SO_CACHE);
    const entries = this.#cache.get(name) ?? [];
    return [...levels, undefined].flatMap(level =>
      entries.filter(({ hwcaps }) => hwcaps === level).map(({ path }) => path),
    );
  }
}

function identity(path: string): string {
  const { dev, ino } = statSync(path);
  return `${dev}:${ino}`;
}

function readOrNothing(path: string): Elf | undefined {
  try {
    return readElfFile(path);
  } catch (error) {
    if (error instanceof ElfError || (error instanceof Error && 'code' in error)) return undefined;
    throw error;
  }
}

const fits = (library: Elf, program: Elf): boolean =>
  library.machine === program.machine && library.bits === program.bits && library.littleEndian === program.littleEndian;

/** DT_RPATH counts for all that its object loads, and what that loads; the program's counts always. */
function* ancestors(object: LoadedObject, main: LoadedObject): Generator<LoadedObject> {
  let sawMain = false;
  for (let owner: LoadedObject | undefined = object; owner !== undefined; owner = owner.loader) {
    sawMain ||= owner === main;
    yield owner;
  }
  if (!sawMain) yield main;
}

/** A relative directory, an empty one too, would mean where the program is started: nothing is copied from there. */
const searchPath = (directories: readonly string[], object: LoadedObject): readonly string[] =>
  directories
    .flatMap(directory => expand(directory, object))
    .filter(directory => directory.startsWith('/'))
    .map(directory => directory.replace(/(?<=.)\/+$/, ''));

/** $ORIGIN, $LIB and $PLATFORM, with or without braces. */
function expand(text: string, { path, elf }: LoadedObject): readonly string[] {
  if (!text.includes('$')) return [text];
  const values = libNames(elf).map(lib => ({ ORIGIN: dirname(path), LIB: lib, PLATFORM: platformOf(elf) }));
  const expanded = values.map(({ ORIGIN, LIB, PLATFORM }) =>
    text
      .replace(/\$(?:ORIGIN(?![A-Za-z0-9_])|\{ORIGIN\})/g, () => ORIGIN)
      .replace(/\$(?:LIB(?![A-Za-z0-9_])|\{LIB\})/g, () => LIB)
      .replace(/\$(?:PLATFORM(?![A-Za-z0-9_])|\{PLATFORM\})/g, () => PLATFORM),
  );
  return [...new Set(expanded)];
}
