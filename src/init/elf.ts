import type { Architecture, Instruction } from '../linux/machine-code.js';
import { arm64 } from './code-arm64.js';
import { x64 } from './code-x64.js';

/**
 * The init: a program of one page, for x86-64 and arm64, which is pid 1 of a box in place of the command. It executes the
 * command as its child (looked up in PATH, as execvp(3) would), passes signals on to it, reaps whatever is left to it, and
 * ends with the command's status: 128+N when signal N ended it. Without a command it only reaps, until TERM or INT.
 *
 * An executable is an ELF header, one program header, the code of its architecture, and some text.
 */

/** The name of its process, and of the file that it is executed from. */
export const INIT_NAME = 'nsgen-init';
export const INIT_FILE = `memfd:${INIT_NAME}`;

/** Where a box that has a name has its file `life` open: the init writes the exit status there, and keeps it to itself. */
export const LIFE_DESCRIPTOR = 3;

/** What such a box writes there before it executes the init. */
export const STARTED = 'started\n';

/**
 * How it is called. The script can execute it by such a path only, and cannot choose another word; in its place, of the
 * same length, ps shows `nsgen-init exec`.
 */
export const INIT_DESCRIPTOR = 4;
export const INIT_PATH = `/proc/self/fd/${INIT_DESCRIPTOR}`;

/** What lies behind the code, in this order; the code knows how long each is. */
export const INIT_TEXTS: readonly string[] = [
  `${INIT_NAME}\0exec\0`,
  '/bin/sh\0',
  `${INIT_NAME}: cannot execute `,
  '\n',
];

export const INIT_ARCHITECTURES: readonly Architecture[] = ['x64', 'arm64'];

const LISTS: Readonly<Record<Architecture, readonly Instruction[]>> = { x64, arm64 };

export const initInstructions = (architecture: Architecture): readonly Instruction[] => LISTS[architecture];

// Of elf.h.
const ELFCLASS64 = 2;
const ELFDATA2LSB = 1;
const EV_CURRENT = 1;
const ET_EXEC = 2;
const MACHINES: Readonly<Record<Architecture, number>> = { x64: 62, arm64: 183 };
const PT_LOAD = 1;
const PF_X = 1;
const PF_R = 4;

const ELF_HEADER_SIZE = 64;
const PROGRAM_HEADER_SIZE = 56;

/** Where the code begins, in the file. */
export const CODE_OFFSET = ELF_HEADER_SIZE + PROGRAM_HEADER_SIZE;

const ADDRESS = 0x400000;
/** The largest page of an arm64 kernel. */
const ALIGNMENT = 0x10000;

const executables = new Map<Architecture, Buffer>();

/** The whole file. Nothing in it depends on the host. */
export function initElf(architecture: Architecture): Buffer {
  const known = executables.get(architecture);
  if (known !== undefined) return known;
  const code = Buffer.from(LISTS[architecture].map(([bytes]) => bytes).join(''), 'hex');
  const body = Buffer.concat([code, Buffer.from(INIT_TEXTS.join(''))]);
  const size = CODE_OFFSET + body.length;
  const elf = Buffer.concat([elfHeader(architecture), programHeader(size), body]);
  executables.set(architecture, elf);
  return elf;
}

function elfHeader(architecture: Architecture): Buffer {
  const header = Buffer.alloc(ELF_HEADER_SIZE);
  header.set([0x7f, ...Buffer.from('ELF'), ELFCLASS64, ELFDATA2LSB, EV_CURRENT]);
  header.writeUInt16LE(ET_EXEC, 16);
  header.writeUInt16LE(MACHINES[architecture], 18);
  header.writeUInt32LE(EV_CURRENT, 20);
  header.writeBigUInt64LE(BigInt(ADDRESS + CODE_OFFSET), 24);
  header.writeBigUInt64LE(BigInt(ELF_HEADER_SIZE), 32);
  header.writeUInt16LE(ELF_HEADER_SIZE, 52);
  header.writeUInt16LE(PROGRAM_HEADER_SIZE, 54);
  header.writeUInt16LE(1, 56);
  return header;
}

/** One segment, which nobody can write to: the headers, the code and the text. */
function programHeader(size: number): Buffer {
  const header = Buffer.alloc(PROGRAM_HEADER_SIZE);
  header.writeUInt32LE(PT_LOAD, 0);
  header.writeUInt32LE(PF_R | PF_X, 4);
  header.writeBigUInt64LE(BigInt(ADDRESS), 16);
  header.writeBigUInt64LE(BigInt(ADDRESS), 24);
  header.writeBigUInt64LE(BigInt(size), 32);
  header.writeBigUInt64LE(BigInt(size), 40);
  header.writeBigUInt64LE(BigInt(ALIGNMENT), 48);
  return header;
}
