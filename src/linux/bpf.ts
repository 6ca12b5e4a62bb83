import { type Argument, bytes, integer, type Result, type SystemCall, symbol } from './system-call.js';

/** Programs of the kernel's virtual machine, as data, and the calls that load and attach them: bpf(2). */

/** One instruction: struct bpf_insn of include/uapi/linux/bpf.h, eight bytes, the same on every architecture. */
export interface BpfInstruction {
  readonly code: number;
  /** Registers, 0 to 10. */
  readonly to: number;
  readonly from: number;
  /** Of memory, or how many instructions a jump leaves out. */
  readonly offset: number;
  readonly value: number;
}

/** Operations that a device program is made of. 32-bit ones clear the upper half of a register. */
const CODE = {
  /** BPF_LDX | BPF_MEM | BPF_W */
  load: 0x61,
  /** BPF_ALU | BPF_MOV, of a number and of a register */
  set: 0xb4,
  copy: 0xbc,
  /** BPF_ALU | BPF_AND, BPF_RSH */
  and: 0x54,
  shiftRight: 0x74,
  /** BPF_JMP | BPF_JNE, BPF_JSET, BPF_JA */
  jumpUnless: 0x55,
  jumpIfSet: 0x45,
  jump: 0x05,
  exit: 0x95,
} as const;

const make = (code: number, to: number, from: number, offset: number, value: number): BpfInstruction => ({
  code,
  to,
  from,
  offset,
  value,
});

/** A 32-bit field of the struct that a register points at. */
export const load = (to: number, from: number, offset: number) => make(CODE.load, to, from, offset, 0);
export const set = (to: number, value: number) => make(CODE.set, to, 0, 0, value);
export const copy = (to: number, from: number) => make(CODE.copy, to, from, 0, 0);
export const and = (to: number, value: number) => make(CODE.and, to, 0, 0, value);
export const shiftRight = (to: number, value: number) => make(CODE.shiftRight, to, 0, 0, value);
export const jumpUnless = (register: number, value: number, over: number) =>
  make(CODE.jumpUnless, register, 0, over, value);
export const jumpIfSet = (register: number, bits: number, over: number) =>
  make(CODE.jumpIfSet, register, 0, over, bits);
export const jump = (over: number) => make(CODE.jump, 0, 0, over, 0);
export const exit = (): BpfInstruction => make(CODE.exit, 0, 0, 0, 0);

export function encode(program: readonly BpfInstruction[]): Uint8Array {
  const bytes = Buffer.alloc(program.length * 8);
  for (const [index, { code, to, from, offset, value }] of program.entries()) {
    bytes.writeUInt8(code, index * 8);
    bytes.writeUInt8(to | (from << 4), index * 8 + 1);
    bytes.writeInt16LE(offset, index * 8 + 2);
    bytes.writeInt32LE(value, index * 8 + 4);
  }
  return bytes;
}

const COMMAND = { BPF_PROG_LOAD: 5, BPF_PROG_ATTACH: 8 } as const;
const PROGRAM_TYPE = { BPF_PROG_TYPE_CGROUP_DEVICE: 15 } as const;
const ATTACH_TYPE = { BPF_CGROUP_DEVICE: 6 } as const;
/** Those of the cgroups above are asked as well, and of the cgroups below. */
const ATTACH = { BPF_F_ALLOW_MULTI: 2 } as const;

/** As much of union bpf_attr as BPF_PROG_LOAD has needed since Linux 4.15, up to prog_name; then what it points at. */
const LOAD = { type: 0, count: 4, instructions: 8, license: 16, size: 48 } as const;
const LICENSE = Buffer.from('GPL\0\0\0\0\0');

/** Loads a program that decides which devices a cgroup may use. */
export function loadDeviceProgram(program: readonly BpfInstruction[], result: Result): SystemCall {
  const attributes = Buffer.alloc(LOAD.size);
  attributes.writeUInt32LE(PROGRAM_TYPE.BPF_PROG_TYPE_CGROUP_DEVICE, LOAD.type);
  attributes.writeUInt32LE(program.length, LOAD.count);
  const text = `{prog_type=BPF_PROG_TYPE_CGROUP_DEVICE, insn_cnt=${program.length}, insns=[...], license="GPL"}`;
  const argument = bytes(
    Buffer.concat([attributes, LICENSE, encode(program)]),
    text,
    [],
    [
      { offset: LOAD.license, to: LOAD.size },
      { offset: LOAD.instructions, to: LOAD.size + LICENSE.length },
    ],
  );
  return { name: 'bpf', arguments: [command('BPF_PROG_LOAD'), argument, integer(LOAD.size)], result };
}

/** target_fd, attach_bpf_fd, attach_type, attach_flags. */
export function attachDeviceProgram(program: Result, cgroup: Result): SystemCall {
  const attributes = Buffer.alloc(16);
  attributes.writeUInt32LE(ATTACH_TYPE.BPF_CGROUP_DEVICE, 8);
  attributes.writeUInt32LE(ATTACH.BPF_F_ALLOW_MULTI, 12);
  const text = `{target_fd=<${cgroup.of}>, attach_bpf_fd=<${program.of}>, attach_type=BPF_CGROUP_DEVICE, attach_flags=BPF_F_ALLOW_MULTI}`;
  const argument = bytes(attributes, text, [
    { offset: 0, result: cgroup },
    { offset: 4, result: program },
  ]);
  return { name: 'bpf', arguments: [command('BPF_PROG_ATTACH'), argument, integer(attributes.length)] };
}

const command = (name: keyof typeof COMMAND): Argument => symbol(name, COMMAND[name]);
