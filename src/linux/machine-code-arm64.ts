/** arm64 (AAPCS64, little-endian). The offsets into an entry are those of ENTRY in entry.ts. */
import type { Instruction } from './machine-code.js';

export const arm64: readonly Instruction[] = [
  // run(x0: header, x1: entry). The header stays in x9, the current entry in x10, the masks in x11. A function need not
  // preserve these (AAPCS64, 6.1.1) and the kernel does: it restores every general register but x0 (kernel_exit in
  // arch/arm64/kernel/entry.S). So nothing is pushed, and lr is still there to return by.
  ['e90300aa', 'mov x9, x0'],
  ['ea0301aa', 'mov x10, x1'],

  // 0x08: the next entry. A negative number: return.
  ['480140f9', 'ldr x8, [x10]'],
  ['e804f8b7', 'tbnz x8, #63, 0xa8'],

  // 0x10: the arguments. One whose bit is set in the indirect mask is replaced by the 64 bits it points at.
  ['408540a9', 'ldp x0, x1, [x10, #8]'],
  ['428d41a9', 'ldp x2, x3, [x10, #24]'],
  ['449542a9', 'ldp x4, x5, [x10, #40]'],
  ['4b1d40f9', 'ldr x11, [x10, #56]'],
  ['4b000036', 'tbz w11, #0, 0x28'],
  ['000040f9', 'ldr x0, [x0]'],
  ['4b000836', 'tbz w11, #1, 0x30'],
  ['210040f9', 'ldr x1, [x1]'],
  ['4b001036', 'tbz w11, #2, 0x38'],
  ['420040f9', 'ldr x2, [x2]'],
  ['4b001836', 'tbz w11, #3, 0x40'],
  ['630040f9', 'ldr x3, [x3]'],
  ['4b002036', 'tbz w11, #4, 0x48'],
  ['840040f9', 'ldr x4, [x4]'],
  ['4b002836', 'tbz w11, #5, 0x50'],
  ['a50040f9', 'ldr x5, [x5]'],

  // 0x50: the system call. x0 + 4095 carries when x0 is -4095 or above, unsigned: an error (MAX_ERRNO in
  // include/linux/err.h).
  ['010000d4', 'svc #0x0'],
  ['403500f9', 'str x0, [x10, #104]'],
  ['4b3940f9', 'ldr x11, [x10, #112]'],
  ['600100b9', 'str w0, [x11]'],
  ['1ffc3fb1', 'cmn x0, #0xfff'],
  ['c2000054', 'b.cs 0x7c'],

  // 0x68: no error. Go on with onZero or, 0x74, onPositive.
  ['600000b5', 'cbnz x0, 0x74'],
  ['4a2540f9', 'ldr x10, [x10, #72]'],
  ['e6ffff17', 'b 0x8'],
  ['4a2940f9', 'ldr x10, [x10, #80]'],
  ['e4ffff17', 'b 0x8'],

  // 0x7c: an error. lsr takes the shift modulo 64, so errno 64 and above must be told apart before it.
  ['e00300cb', 'neg x0, x0'],
  ['1ffc00f1', 'cmp x0, #0x3f'],
  ['c8000054', 'b.hi 0x9c'],
  ['4b2140f9', 'ldr x11, [x10, #64]'],
  ['6b25c09a', 'lsr x11, x11, x0'],
  ['6b000036', 'tbz w11, #0, 0x9c'],

  // 0x94: tolerated. Go on with onTolerated.
  ['4a2d40f9', 'ldr x10, [x10, #88]'],
  ['dcffff17', 'b 0x8'],

  // 0x9c: not tolerated. The header gets the entry; go on with onFailure.
  ['2a0100f9', 'str x10, [x9]'],
  ['4a3140f9', 'ldr x10, [x10, #96]'],
  ['d9ffff17', 'b 0x8'],

  // 0xa8: return 0.
  ['00008052', 'mov w0, #0x0'],
  ['c0035fd6', 'ret'],
];
