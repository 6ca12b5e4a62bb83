import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import type * as FfiRs from 'ffi-rs';
import { type Architecture, machineCode } from './machine-code.js';

/**
 * The few calls into glibc that go through ffi-rs itself: mapping memory, and jumping to the syscall program's code.
 * Everything else is a table that this code walks (program.ts), because a call through ffi-rs costs microseconds.
 */

/** A mapping shared with every process that has it across clone(2), seen as a Buffer and by its address. */
export interface Mapping {
  readonly buffer: Buffer;
  readonly address: number;
}

export interface Libc {
  /** Anonymous MAP_SHARED memory: a child without CLONE_VM still writes its failures where we read them. */
  mapShared(length: number): Mapping;
  /** Runs the table of entries at an address; returns when it reaches an entry that says so. mmap(2), machine-code.ts */
  run(header: number, firstEntry: number): void;
}

const PROT_READ_WRITE = 3;
const PROT_READ_EXEC = 5;
const MAP_SHARED_ANONYMOUS = 0x21;
const MAP_PRIVATE_ANONYMOUS = 0x22;
const MAP_FAILED = -1;
const PAGE = 4096;

export function architecture(): Architecture {
  const name = process.arch;
  if (process.platform === 'linux' && (name === 'x64' || name === 'arm64')) return name;
  throw new Error(`the ffi backend knows Linux on x64 and arm64, not ${process.platform} on ${name}`);
}

let loaded: Libc | undefined;

/** @throws Error when ffi-rs has no binary for this system, or the system forbids executable memory. */
export function libc(): Libc {
  loaded ??= load();
  return loaded;
}

function load(): Libc {
  const ffi = binding();
  const { I32, I64, External } = ffi.DataType;
  ffi.open({ library: 'libc', path: '' });
  const call = (
    funcName: string,
    retType: FfiRs.DataType,
    paramsType: FfiRs.DataType[],
    paramsValue: unknown[],
  ): unknown => ffi.load({ library: 'libc', funcName, retType, paramsType, paramsValue, freeResultMemory: false });

  const map = (length: number, flags: number): Mapping & { readonly pointer: FfiRs.JsExternal } => {
    const types = [I64, I64, I32, I32, I32, I64];
    const pointer = call('mmap', External, types, [0, length, PROT_READ_WRITE, flags, -1, 0]) as FfiRs.JsExternal;
    // ffi-rs keeps a pointer opaque; memcpy(3) of nothing returns its destination as a number.
    const address = Number(call('memcpy', I64, [External, External, I64], [pointer, pointer, 0]));
    if (address === MAP_FAILED) throw new Error(`mmap of ${length} bytes failed: not enough memory`);
    return { pointer, address, buffer: ffi.createExternalBuffer(pointer, length) };
  };

  const code = map(PAGE, MAP_PRIVATE_ANONYMOUS);
  code.buffer.set(machineCode(architecture()));
  if (Number(call('mprotect', I32, [External, I64, I32], [code.pointer, PAGE, PROT_READ_EXEC])) !== 0) {
    throw new Error(
      'mprotect(PROT_READ|PROT_EXEC) failed: a policy (SELinux execmem?) forbids it; use --backend script',
    );
  }
  return {
    mapShared: length => map(length, MAP_SHARED_ANONYMOUS),
    // ffi-rs calls symbols, not addresses. bsearch(3) with one element calls the function it is given, once, with two
    // pointers of our choice: key and base. It needs nothing else of glibc, and nothing of the stack beyond its frame.
    run: (header, firstEntry) => {
      call('bsearch', I64, [I64, I64, I64, I64, I64], [header, firstEntry, 1, 1, code.address]);
    },
  };
}

/**
 * ffi-rs's own index.js asks process.report whether libc is glibc: 4 ms, a sixth of a Node start. Its binary packages
 * are what it loads in the end. Their file is looked for where npm puts it, and opened: to require() the package takes
 * half a ms more, and is what is left where the packages lie elsewhere.
 */
function binding(): typeof FfiRs {
  const kinds = ['gnu', 'musl'].map(libcName => `linux-${architecture()}-${libcName}`);
  const ways: readonly ((kind: string) => typeof FfiRs | undefined)[] = [
    kind => fromFile(installedFile(kind)),
    kind => requireFrom(import.meta.filename)(packageOf(kind)),
    kind => requireFrom(requireFrom(import.meta.filename).resolve('ffi-rs'))(packageOf(kind)),
  ];
  let unusable: Error | undefined;
  for (const load of ways)
    for (const kind of kinds) {
      try {
        const found = load(kind);
        if (found !== undefined) return found;
      } catch (error) {
        if (isUnusable(error)) unusable ??= error;
        else if (!isMissing(error)) throw error;
      }
    }
  throw unusable === undefined ? notFound(kinds) : notLoaded(unusable);
}

const packageOf = (kind: string) => `@yuuang/ffi-rs-${kind}`;

/** Not an import of node:module, which takes a quarter of a ms. */
const requireFrom = (path: string): NodeJS.Require => process.getBuiltinModule('node:module').createRequire(path);

function installedFile(kind: string): string | undefined {
  for (let directory = import.meta.dirname; ; directory = dirname(directory)) {
    const file = `${directory}/node_modules/${packageOf(kind)}/ffi-rs.${kind}.node`;
    if (existsSync(file)) return file;
    if (directory === dirname(directory)) return undefined;
  }
}

function fromFile(file: string | undefined): typeof FfiRs | undefined {
  if (file === undefined) return undefined;
  const loadedModule = { exports: {} };
  process.dlopen(loadedModule, file);
  return loadedModule.exports as typeof FfiRs;
}

function notFound(kinds: readonly string[]): Error {
  const names = kinds.map(packageOf).join(', ');
  return new Error(`ffi-rs has no binary here (looked for ${names}): install without --omit=optional`);
}

/** The message of dlopen(3) has the path. */
const notLoaded = ({ message }: Error) =>
  new Error(
    `the binary of ffi-rs cannot be loaded: ${message}: install it again on this system, or use --backend script`,
  );

const hasCode = (error: unknown, code: string): error is Error =>
  error instanceof Error && 'code' in error && error.code === code;

const isMissing = (error: unknown) => hasCode(error, 'MODULE_NOT_FOUND');

/** Also that of another libc, where the packages of both are installed. */
const isUnusable = (error: unknown): error is Error => hasCode(error, 'ERR_DLOPEN_FAILED');
