/**
 * A static executable for the tests of the machine code: one segment, everything at fixed addresses. It loads the
 * registers that a function must preserve with the values it finds in the data page, runs the code on the table there,
 * stores the registers again, writes the data page to stdout and exits with 0.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Architecture, Instruction } from '../src/linux/machine-code.js';

// Above 4 GB, so that an address cut to 32 bits shows; below 512 GB, all that an arm64 kernel may have (VA_BITS=39).
const BASE = 0x12_0000_0000;
const STUB = 0x100;
const CODE = 0x200;

/** The data page, as the file has it and as it is written to stdout: addresses. */
export const DATA = BASE + 0x1000;
export const DATA_SIZE = 0x1000;
const REGISTERS_BEFORE = DATA;
const REGISTERS_AFTER = DATA + 0x80;
const STACK_POINTER_AFTER = DATA + 0xf0;
const RETURNED = DATA + 0xf8;
export const HEADER_ADDRESS = DATA + 0x100;
export const TABLE = DATA + 0x180;
/** For what the system calls read and write. */
export const BUFFER = DATA + 0xe00;

/** Whole pages, zero at first. They are of 64 kB because an arm64 kernel may have no smaller ones. */
export const PAGE_SIZE = 0x10000;
export const STACK = BASE + PAGE_SIZE;
export const SPARE = STACK + PAGE_SIZE;
const END = SPARE + 2 * PAGE_SIZE;

/** How many registers a function must preserve: rbx, rbp, r12 to r15; x19 to x29. The stack pointer is another. */
const PRESERVED: Readonly<Record<Architecture, number>> = { x64: 6, arm64: 11 };

// e_machine: EM_X86_64, EM_AARCH64 (elf.h).
const MACHINES: Readonly<Record<Architecture, number>> = { x64: 62, arm64: 183 };

/** It stands at STUB; the code is 0x100 further on, the data page 0xf00. */
export const STUBS: Readonly<Record<Architecture, readonly Instruction[]>> = {
  x64: [
    // The registers get their values from the data page.
    ['488d05f90e0000', 'lea rax,[rip+0xef9]'],
    ['488b18', 'mov rbx,QWORD PTR [rax]'],
    ['488b6808', 'mov rbp,QWORD PTR [rax+0x8]'],
    ['4c8b6010', 'mov r12,QWORD PTR [rax+0x10]'],
    ['4c8b6818', 'mov r13,QWORD PTR [rax+0x18]'],
    ['4c8b7020', 'mov r14,QWORD PTR [rax+0x20]'],
    ['4c8b7828', 'mov r15,QWORD PTR [rax+0x28]'],

    // The stack; run(header, table).
    ['488da000f00100', 'lea rsp,[rax+0x1f000]'],
    ['488db800010000', 'lea rdi,[rax+0x100]'],
    ['488db080010000', 'lea rsi,[rax+0x180]'],
    ['e8c8000000', 'call 0x100'],

    // What the registers are now, the stack pointer and the returned value.
    ['488d35c10e0000', 'lea rsi,[rip+0xec1]'],
    ['48899e80000000', 'mov QWORD PTR [rsi+0x80],rbx'],
    ['4889ae88000000', 'mov QWORD PTR [rsi+0x88],rbp'],
    ['4c89a690000000', 'mov QWORD PTR [rsi+0x90],r12'],
    ['4c89ae98000000', 'mov QWORD PTR [rsi+0x98],r13'],
    ['4c89b6a0000000', 'mov QWORD PTR [rsi+0xa0],r14'],
    ['4c89bea8000000', 'mov QWORD PTR [rsi+0xa8],r15'],
    ['4889a6f0000000', 'mov QWORD PTR [rsi+0xf0],rsp'],
    ['488986f8000000', 'mov QWORD PTR [rsi+0xf8],rax'],

    // write(1, data page, 4096); exit_group(0).
    ['b801000000', 'mov eax,0x1'],
    ['bf01000000', 'mov edi,0x1'],
    ['ba00100000', 'mov edx,0x1000'],
    ['0f05', 'syscall'],
    ['b8e7000000', 'mov eax,0xe7'],
    ['31ff', 'xor edi,edi'],
    ['0f05', 'syscall'],
  ],
  arm64: [
    // The registers get their values from the data page.
    ['09780010', 'adr x9, 0xf00'],
    ['335140a9', 'ldp x19, x20, [x9]'],
    ['355941a9', 'ldp x21, x22, [x9, #16]'],
    ['376142a9', 'ldp x23, x24, [x9, #32]'],
    ['396943a9', 'ldp x25, x26, [x9, #48]'],
    ['3b7144a9', 'ldp x27, x28, [x9, #64]'],
    ['3d2940f9', 'ldr x29, [x9, #80]'],

    // The stack; run(header, table).
    ['3f7d4091', 'add sp, x9, #0x1f, lsl #12'],
    ['20010491', 'add x0, x9, #0x100'],
    ['21010691', 'add x1, x9, #0x180'],
    ['36000094', 'bl 0x100'],

    // What the registers are now, the stack pointer and the returned value.
    ['a1760010', 'adr x1, 0xf00'],
    ['335008a9', 'stp x19, x20, [x1, #128]'],
    ['355809a9', 'stp x21, x22, [x1, #144]'],
    ['37600aa9', 'stp x23, x24, [x1, #160]'],
    ['39680ba9', 'stp x25, x26, [x1, #176]'],
    ['3b700ca9', 'stp x27, x28, [x1, #192]'],
    ['ea030091', 'mov x10, sp'],
    ['3d6800f9', 'str x29, [x1, #208]'],
    ['2a000fa9', 'stp x10, x0, [x1, #240]'],

    // write(1, data page, 4096); exit_group(0).
    ['080880d2', 'mov x8, #0x40'],
    ['200080d2', 'mov x0, #0x1'],
    ['020082d2', 'mov x2, #0x1000'],
    ['010000d4', 'svc #0x0'],
    ['c80b80d2', 'mov x8, #0x5e'],
    ['000080d2', 'mov x0, #0x0'],
    ['010000d4', 'svc #0x0'],
  ],
};

/** The executable as a file: man 5 elf. */
const staticElf = (architecture: Architecture, code: Uint8Array, data: Uint8Array): Buffer => {
  const file = Buffer.alloc(DATA - BASE + DATA_SIZE);

  const header = 0;
  file.write('7f454c46020101', header, 'hex'); // ELF, 64 bits, little-endian, version 1
  file.writeUInt16LE(2, header + 16); // e_type: ET_EXEC
  file.writeUInt16LE(MACHINES[architecture], header + 18); // e_machine
  file.writeUInt32LE(1, header + 20); // e_version
  file.writeBigUInt64LE(BigInt(BASE + STUB), header + 24); // e_entry
  file.writeBigUInt64LE(64n, header + 32); // e_phoff
  file.writeUInt16LE(64, header + 52); // e_ehsize
  file.writeUInt16LE(56, header + 54); // e_phentsize
  file.writeUInt16LE(1, header + 56); // e_phnum

  const segment = 64;
  file.writeUInt32LE(1, segment); // p_type: PT_LOAD
  file.writeUInt32LE(7, segment + 4); // p_flags: PF_R | PF_W | PF_X
  file.writeBigUInt64LE(BigInt(BASE), segment + 16); // p_vaddr
  file.writeBigUInt64LE(BigInt(file.length), segment + 32); // p_filesz
  file.writeBigUInt64LE(BigInt(END - BASE), segment + 40); // p_memsz
  file.writeBigUInt64LE(BigInt(PAGE_SIZE), segment + 48); // p_align

  file.write(STUBS[architecture].map(([bytes]) => bytes).join(''), STUB, 'hex');
  file.set(code, CODE);
  file.set(data, DATA - BASE);
  return file;
};

/** Runs a command that must do its work and say nothing else, and returns its stdout. */
export const spawn = (command: string, ...args: string[]): Buffer => {
  const { error, status, signal, stdout, stderr } = spawnSync(command, args, {
    timeout: 20_000,
    killSignal: 'SIGKILL',
  });
  assert.ifError(error);
  assert.deepEqual({ status, signal, stderr: stderr.toString() }, { status: 0, signal: null, stderr: '' });
  return stdout;
};

/** Gives a file with these contents to `use`, and removes it. */
export const withFile = <Result>(contents: Uint8Array, use: (file: string) => Result): Result => {
  const directory = mkdtempSync(join(tmpdir(), 'nsgen-machine-code-'));
  try {
    const file = join(directory, 'file');
    writeFileSync(file, contents, { mode: 0o755 });
    return use(file);
  } finally {
    rmSync(directory, { recursive: true });
  }
};

const EMULATORS: Readonly<Record<Architecture, string>> = { x64: 'qemu-x86_64-static', arm64: 'qemu-aarch64-static' };

/** Runs the code on the page, checks that it keeps to the calling convention, and returns the page as it then is. */
export const execute = (architecture: Architecture, code: Uint8Array, page: Uint8Array): Buffer => {
  const data = Buffer.from(page);
  const registers = Array.from({ length: PRESERVED[architecture] }, (_, index) => BigInt(index + 1) * 0x1_0001_0001n);
  for (const [index, value] of registers.entries()) data.writeBigInt64LE(value, REGISTERS_BEFORE - DATA + index * 8);

  const output = withFile(staticElf(architecture, code, data), file =>
    architecture === process.arch ? spawn(file) : spawn(EMULATORS[architecture], file),
  );
  assert.equal(output.length, DATA_SIZE);

  const word = (address: number): bigint => output.readBigInt64LE(address - DATA);
  assert.deepEqual(
    registers.map((_, index) => word(REGISTERS_AFTER + index * 8)),
    registers,
  );
  assert.equal(word(STACK_POINTER_AFTER), BigInt(STACK + PAGE_SIZE));
  assert.equal(BigInt.asIntN(32, word(RETURNED)), 0n);
  return output;
};
