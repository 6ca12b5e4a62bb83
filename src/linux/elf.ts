import type { Architecture } from './machine-code.js';

/**
 * Executables that need nothing: an ELF header, a program header for each segment, code and, where it has any, data. The
 * code begins where the headers end, and is its own entry point.
 */

// Of elf.h.
const ELFCLASS64 = 2;
const ELFDATA2LSB = 1;
const EV_CURRENT = 1;
const ET_EXEC = 2;
const MACHINES: Readonly<Record<Architecture, number>> = { x64: 62, arm64: 183 };
const PT_LOAD = 1;
const PF_X = 1;
const PF_W = 2;
const PF_R = 4;

const ELF_HEADER_SIZE = 64;
const PROGRAM_HEADER_SIZE = 56;

const TEXT_ADDRESS = 0x400000;
const DATA_ADDRESS = 0x800000;
/** The largest page of an arm64 kernel. */
const ALIGNMENT = 0x10000;

/** Where the code begins, in a file with so many segments. */
export const codeOffset = (segments: 1 | 2): number => ELF_HEADER_SIZE + segments * PROGRAM_HEADER_SIZE;

/** Where the data of a file with so many bytes of code begins. It is a multiple of 16. */
export const dataAddress = (codeLength: number): number => DATA_ADDRESS + dataOffset(codeLength);

const dataOffset = (codeLength: number): number => (codeOffset(2) + codeLength + 15) & ~15;

/** Nothing in the file depends on the host. */
export function makeElf(architecture: Architecture, code: Buffer, data?: Buffer): Buffer {
  if (data === undefined)
    return Buffer.concat([elfHeader(architecture, 1), textHeader(codeOffset(1) + code.length), code]);
  const offset = dataOffset(code.length);
  const elf = Buffer.alloc(offset + data.length);
  const text = [
    elfHeader(architecture, 2),
    textHeader(codeOffset(2) + code.length),
    dataHeader(offset, data.length),
    code,
  ];
  elf.set(Buffer.concat(text));
  elf.set(data, offset);
  return elf;
}

function elfHeader(architecture: Architecture, segments: 1 | 2): Buffer {
  const header = Buffer.alloc(ELF_HEADER_SIZE);
  header.set([0x7f, ...Buffer.from('ELF'), ELFCLASS64, ELFDATA2LSB, EV_CURRENT]);
  header.writeUInt16LE(ET_EXEC, 16);
  header.writeUInt16LE(MACHINES[architecture], 18);
  header.writeUInt32LE(EV_CURRENT, 20);
  header.writeBigUInt64LE(BigInt(TEXT_ADDRESS + codeOffset(segments)), 24);
  header.writeBigUInt64LE(BigInt(ELF_HEADER_SIZE), 32);
  header.writeUInt16LE(ELF_HEADER_SIZE, 52);
  header.writeUInt16LE(PROGRAM_HEADER_SIZE, 54);
  header.writeUInt16LE(segments, 56);
  return header;
}

/** The headers and the code, which nobody can write to. */
const textHeader = (size: number): Buffer => programHeader(PF_R | PF_X, 0, TEXT_ADDRESS, size);

const dataHeader = (offset: number, size: number): Buffer =>
  programHeader(PF_R | PF_W, offset, DATA_ADDRESS + offset, size);

function programHeader(flags: number, offset: number, address: number, size: number): Buffer {
  const header = Buffer.alloc(PROGRAM_HEADER_SIZE);
  header.writeUInt32LE(PT_LOAD, 0);
  header.writeUInt32LE(flags, 4);
  header.writeBigUInt64LE(BigInt(offset), 8);
  header.writeBigUInt64LE(BigInt(address), 16);
  header.writeBigUInt64LE(BigInt(address), 24);
  header.writeBigUInt64LE(BigInt(size), 32);
  header.writeBigUInt64LE(BigInt(size), 40);
  header.writeBigUInt64LE(BigInt(ALIGNMENT), 48);
  return header;
}
