import type { Architecture, Instruction } from './machine-code.js';
import { type Argument, type Output, valueIn } from './system-call.js';

/**
 * What a program is called with, for a table of system calls, which knows only addresses that were there before: pointers
 * that the first instructions copy from the stack. The words after the program's own name are the paths where a command
 * may be, `/bin/sh`, and the command.
 */
export class StackWords {
  readonly room: Output;

  constructor(readonly paths: number) {
    this.room = { length: 8 * (paths + 3), text: 'words' };
  }

  /** One of the paths. */
  path(index: number): Argument {
    return valueIn(this.room, 8 * index, `path ${index + 1}`);
  }

  /** The pointer itself: eight bytes. */
  pointer(index: number): Argument {
    return { kind: 'output', output: this.room, offset: 8 * index };
  }

  get shell(): Argument {
    return valueIn(this.room, 8 * this.paths, '/bin/sh and command');
  }

  get command(): Argument {
    return valueIn(this.room, 8 * (this.paths + 1), 'command');
  }

  get environment(): Argument {
    return valueIn(this.room, 8 * (this.paths + 2), 'environment');
  }

  /**
   * At the entry point of a program, before anything else: the stack holds argc, argv, NULL, envp. Whoever calls it with fewer
   * words, to see whether it can be executed, has no more of them copied, and the others are NULL.
   */
  instructions(architecture: Architecture, address: number): readonly Instruction[] {
    switch (architecture) {
      case 'x64':
        return [
          ['488d742410', 'lea rsi,[rsp+0x10]'],
          [`bf${bytes(address)}`, `mov edi,${hex(address)}`],
          [`b9${bytes(this.paths)}`, `mov ecx,${hex(this.paths)}`],
          ['488b0424', 'mov rax,QWORD PTR [rsp]'],
          ['4839c1', 'cmp rcx,rax'],
          ['480f47c8', 'cmova rcx,rax'],
          ['f348a5', 'rep movs QWORD PTR es:[rdi],QWORD PTR ds:[rsi]'],
          ['4889f0', 'mov rax,rsi'],
          ['48ab', 'stos QWORD PTR es:[rdi],rax'],
          ['4883c008', 'add rax,0x8'],
          ['48ab', 'stos QWORD PTR es:[rdi],rax'],
          ['488b0424', 'mov rax,QWORD PTR [rsp]'],
          ['488d44c410', 'lea rax,[rsp+rax*8+0x10]'],
          ['48ab', 'stos QWORD PTR es:[rdi],rax'],
        ];
      case 'arm64':
        return [
          ['e1430091', 'add x1, sp, #0x10'],
          ...loadWord(0, address),
          ...loadWord(2, this.paths),
          ['e30340f9', 'ldr x3, [sp]'],
          ['5f0003eb', 'cmp x2, x3'],
          ['4290839a', 'csel x2, x2, x3, ls'],
          ['a20000b4', 'cbz x2, 0x34'],
          ['238440f8', 'ldr x3, [x1], #8'],
          ['038400f8', 'str x3, [x0], #8'],
          ['420400d1', 'sub x2, x2, #0x1'],
          ['fcffff17', 'b 0x20'],
          ['018400f8', 'str x1, [x0], #8'],
          ['21200091', 'add x1, x1, #0x8'],
          ['018400f8', 'str x1, [x0], #8'],
          ['e30340f9', 'ldr x3, [sp]'],
          ['e36f238b', 'add x3, sp, x3, lsl #3'],
          ['63400091', 'add x3, x3, #0x10'],
          ['030000f9', 'str x3, [x0]'],
        ];
    }
  }
}

/** Before run(header, first) of machine-code.ts, which never returns here. The addresses have 32 bits. */
export function callOfRun(architecture: Architecture, header: number, first: number): readonly Instruction[] {
  switch (architecture) {
    case 'x64':
      return [
        [`bf${bytes(header)}`, `mov edi,${hex(header)}`],
        [`be${bytes(first)}`, `mov esi,${hex(first)}`],
      ];
    case 'arm64':
      return [...loadWord(0, header), ...loadWord(1, first)];
  }
}

/** movz and movk of arm64: register and half in the low bits and from bit 21 on, the value from bit 5 on. */
const loadWord = (register: number, value: number): readonly Instruction[] => [
  [bytes(0xd2800000 + (value & 0xffff) * 32 + register), `mov x${register}, #${hex(value & 0xffff)}`],
  [bytes(0xf2a00000 + (value >>> 16) * 32 + register), `movk x${register}, #${hex(value >>> 16)}, lsl #16`],
];

function bytes(word: number): string {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32LE(word);
  return buffer.toString('hex');
}

const hex = (value: number): string => `0x${value.toString(16)}`;
