/** The init for arm64 (AAPCS64, little-endian). System calls change x0 only. */
import type { Instruction } from '../linux/machine-code.js';

export const arm64: readonly Instruction[] = [
  // _start. The stack holds argc, argv[0], argv[1] (the command), ..., NULL, envp. x19 keeps where it begins. Below it:
  // sp+0x0 the signal mask as it was, +0x8 all signals, +0x10 a wait status or a process id, +0x18 siginfo.
  ['f3030091', 'mov x19, sp'],
  ['ff8302d1', 'sub sp, sp, #0xa0'],

  // 0x8: prctl(PR_SET_NAME, name): executed through a descriptor, it would be called by the descriptor's number.
  ['e81480d2', 'mov x8, #0xa7'],
  ['e00180d2', 'mov x0, #0xf'],
  ['e1190010', 'adr x1, 0x34c'],
  ['010000d4', 'svc #0x0'],

  // 0x18: rt_sigprocmask(SIG_SETMASK, all, mask, 8). What is blocked waits for rt_sigtimedwait below; to an init,
  // nothing else would be delivered but what it has a handler for.
  ['e81080d2', 'mov x8, #0x87'],
  ['400080d2', 'mov x0, #0x2'],
  ['04008092', 'mov x4, #0xffffffffffffffff'],
  ['e40700f9', 'str x4, [sp, #8]'],
  ['e1230091', 'add x1, sp, #0x8'],
  ['e2030091', 'mov x2, sp'],
  ['030180d2', 'mov x3, #0x8'],
  ['010000d4', 'svc #0x0'],

  // 0x38: close_range(4, ~0, 0), what it was executed from among them: before anybody is there to look at them.
  ['883680d2', 'mov x8, #0x1b4'],
  ['800080d2', 'mov x0, #0x4'],
  ['01008012', 'mov w1, #0xffffffff'],
  ['020080d2', 'mov x2, #0x0'],
  ['010000d4', 'svc #0x0'],

  // 0x4c: x21: envp. x22: the command. Without one, there is only reaping to do: x20, its process id, is 0.
  ['616a40a9', 'ldp x1, x26, [x19]'],
  ['760a40f9', 'ldr x22, [x19, #16]'],
  ['750e018b', 'add x21, x19, x1, lsl #3'],
  ['b5420091', 'add x21, x21, #0x10'],
  ['140080d2', 'mov x20, #0x0'],
  ['d60200b4', 'cbz x22, 0xb8'],

  // 0x64: x23: its length. x25: '/' if there is one in it.
  ['170080d2', 'mov x23, #0x0'],
  ['190080d2', 'mov x25, #0x0'],
  ['c16a7738', 'ldrb w1, [x22, x23]'],
  ['a1000034', 'cbz w1, 0x84'],
  ['f7060091', 'add x23, x23, #0x1'],
  ['3fbc0071', 'cmp w1, #0x2f'],
  ['3900999a', 'csel x25, x1, x25, eq'],
  ['fbffff17', 'b 0x6c'],

  // 0x84: If the arguments begin with a word of 15 bytes ("/proc/self/fd/4"), ps is to show the title in its place.
  ['c1021acb', 'sub x1, x22, x26'],
  ['3f4000f1', 'cmp x1, #0x10'],
  ['81000054', 'b.ne 0x9c'],
  ['e0150010', 'adr x0, 0x34c'],
  ['010840a9', 'ldp x1, x2, [x0]'],
  ['410b00a9', 'stp x1, x2, [x26]'],

  // 0x9c: clone(CLONE_VM|CLONE_VFORK|SIGCHLD): as vfork(2), it returns when the command is executed. These flags leave
  // out all arguments behind the stack. x20: the process id of the command.
  ['881b80d2', 'mov x8, #0xdc'],
  ['202288d2', 'mov x0, #0x4111'],
  ['010080d2', 'mov x1, #0x0'],
  ['010000d4', 'svc #0x0'],
  ['f40300aa', 'mov x20, x0'],
  ['600700b4', 'cbz x0, 0x19c'],
  ['a012f8b7', 'tbnz x0, #63, 0x308'],

  // 0xb8: wait4(-1, status, WNOHANG, NULL), until there is nothing more to reap. When it was the command, it ends with
  // WEXITSTATUS or 128+WTERMSIG.
  ['882080d2', 'mov x8, #0x104'],
  ['00008092', 'mov x0, #0xffffffffffffffff'],
  ['e1430091', 'add x1, sp, #0x10'],
  ['220080d2', 'mov x2, #0x1'],
  ['030080d2', 'mov x3, #0x0'],
  ['010000d4', 'svc #0x0'],
  ['1f0000f1', 'cmp x0, #0x0'],
  ['2d020054', 'b.le 0x118'],
  ['1f0014eb', 'cmp x0, x20'],
  ['e1feff54', 'b.ne 0xb8'],
  ['e11340b9', 'ldr w1, [sp, #16]'],
  ['203c0853', 'ubfx w0, w1, #8, #8'],
  ['21180072', 'ands w1, w1, #0x7f'],
  ['40000054', 'b.eq 0xf4'],
  ['20000211', 'add w0, w1, #0x80'],

  // 0xf4: write(3, status, 1): to whoever has left it something open there. exit_group(status).
  ['e01300b9', 'str w0, [sp, #16]'],
  ['080880d2', 'mov x8, #0x40'],
  ['600080d2', 'mov x0, #0x3'],
  ['e1430091', 'add x1, sp, #0x10'],
  ['220080d2', 'mov x2, #0x1'],
  ['010000d4', 'svc #0x0'],
  ['e01340b9', 'ldr w0, [sp, #16]'],
  ['c80b80d2', 'mov x8, #0x5e'],
  ['010000d4', 'svc #0x0'],

  // 0x118: rt_sigtimedwait(all, info, NULL, 8): for ever, until a signal comes.
  ['281180d2', 'mov x8, #0x89'],
  ['e0230091', 'add x0, sp, #0x8'],
  ['e1630091', 'add x1, sp, #0x18'],
  ['020080d2', 'mov x2, #0x0'],
  ['030180d2', 'mov x3, #0x8'],
  ['010000d4', 'svc #0x0'],
  ['1f4400f1', 'cmp x0, #0x11'],
  ['20fcff54', 'b.eq 0xb8'],
  ['e10300aa', 'mov x1, x0'],
  ['1f0000f1', 'cmp x0, #0x0'],
  ['cdfeff54', 'b.le 0x118'],

  // 0x144: Without a command: after INT and TERM it ends, with 128 and the number.
  ['d40000b5', 'cbnz x20, 0x15c'],
  ['820090d2', 'mov x2, #0x8004'],
  ['4224c09a', 'lsr x2, x2, x0'],
  ['42fe0736', 'tbz w2, #0, 0x118'],
  ['00000211', 'add w0, w0, #0x80'],
  ['e7ffff17', 'b 0xf4'],

  // 0x15c: The kernel itself (si_code above 0) sends INT, QUIT, TSTP, TTIN, TTOU and WINCH to all of a group: the
  // command has got it too, or was not meant.
  ['e22340b9', 'ldr w2, [sp, #32]'],
  ['5f000071', 'cmp w2, #0x0'],
  ['ad000054', 'b.le 0x178'],
  ['820180d2', 'mov x2, #0xc'],
  ['020ea2f2', 'movk x2, #0x1070, lsl #16'],
  ['4224c09a', 'lsr x2, x2, x0'],
  ['22fd0737', 'tbnz w2, #0, 0x118'],

  // 0x178: rt_sigqueueinfo(command, signal, info), which passes a value on, or else kill(command, signal).
  ['481180d2', 'mov x8, #0x8a'],
  ['e00314aa', 'mov x0, x20'],
  ['e2630091', 'add x2, sp, #0x18'],
  ['010000d4', 'svc #0x0'],
  ['80fcffb4', 'cbz x0, 0x118'],
  ['281080d2', 'mov x8, #0x81'],
  ['e00314aa', 'mov x0, x20'],
  ['010000d4', 'svc #0x0'],
  ['e0ffff17', 'b 0x118'],

  // 0x19c: The child. close_range(3, ~0, 0): the command gets 0, 1 and 2.
  ['883680d2', 'mov x8, #0x1b4'],
  ['600080d2', 'mov x0, #0x3'],
  ['01008012', 'mov w1, #0xffffffff'],
  ['020080d2', 'mov x2, #0x0'],
  ['010000d4', 'svc #0x0'],

  // 0x1b0: getsid(0) and getppid(): does the session belong to the init?
  ['881380d2', 'mov x8, #0x9c'],
  ['010000d4', 'svc #0x0'],
  ['f40300aa', 'mov x20, x0'],
  ['a81580d2', 'mov x8, #0xad'],
  ['010000d4', 'svc #0x0'],
  ['1f0014eb', 'cmp x0, x20'],
  ['a1010054', 'b.ne 0x1fc'],

  // 0x1cc: If so: setpgid(0, 0), and ioctl(0, TIOCSPGRP, getpid()) for the terminal if there is one: its keys are the
  // command's.
  ['481380d2', 'mov x8, #0x9a'],
  ['000080d2', 'mov x0, #0x0'],
  ['010080d2', 'mov x1, #0x0'],
  ['010000d4', 'svc #0x0'],
  ['881580d2', 'mov x8, #0xac'],
  ['010000d4', 'svc #0x0'],
  ['e01300b9', 'str w0, [sp, #16]'],
  ['a80380d2', 'mov x8, #0x1d'],
  ['000080d2', 'mov x0, #0x0'],
  ['01828ad2', 'mov x1, #0x5410'],
  ['e2430091', 'add x2, sp, #0x10'],
  ['010000d4', 'svc #0x0'],

  // 0x1fc: rt_sigprocmask(SIG_SETMASK, mask, NULL, 8): as it was.
  ['e81080d2', 'mov x8, #0x87'],
  ['400080d2', 'mov x0, #0x2'],
  ['e1030091', 'mov x1, sp'],
  ['020080d2', 'mov x2, #0x0'],
  ['030180d2', 'mov x3, #0x8'],
  ['010000d4', 'svc #0x0'],

  // 0x214: execvp(3). x0: what to execute, the command itself if there is a / in it. x24: where to go on in PATH. x20:
  // -errno.
  ['34008092', 'mov x20, #0xfffffffffffffffe'],
  ['970700b4', 'cbz x23, 0x308'],
  ['e00316aa', 'mov x0, x22'],
  ['180080d2', 'mov x24, #0x0'],
  ['790400b5', 'cbnz x25, 0x2b0'],

  // 0x228: PATH, in envp.
  ['022a8852', 'mov w2, #0x4150'],
  ['820aa972', 'movk w2, #0x4854, lsl #16'],
  ['e10315aa', 'mov x1, x21'],
  ['388440f8', 'ldr x24, [x1], #8'],
  ['980600b4', 'cbz x24, 0x308'],
  ['034740b8', 'ldr w3, [x24], #4'],
  ['7f00026b', 'cmp w3, w2'],
  ['81ffff54', 'b.ne 0x234'],
  ['03174038', 'ldrb w3, [x24], #1'],
  ['7ff40071', 'cmp w3, #0x3d'],
  ['21ffff54', 'b.ne 0x234'],

  // 0x254: x1: a directory of it. x2: its length, up to a : or the end.
  ['e10318aa', 'mov x1, x24'],
  ['03034039', 'ldrb w3, [x24]'],
  ['a3000034', 'cbz w3, 0x270'],
  ['7fe80071', 'cmp w3, #0x3a'],
  ['60000054', 'b.eq 0x270'],
  ['18070091', 'add x24, x24, #0x1'],
  ['fbffff17', 'b 0x258'],

  // 0x270: Below the stack: the directory, a / unless it is empty, the command. x0: the beginning of that.
  ['020301cb', 'sub x2, x24, x1'],
  ['e04300d1', 'sub x0, sp, #0x10'],
  ['000002cb', 'sub x0, x0, x2'],
  ['000017cb', 'sub x0, x0, x23'],
  ['e40300aa', 'mov x4, x0'],
  ['e20000b4', 'cbz x2, 0x2a0'],
  ['23144038', 'ldrb w3, [x1], #1'],
  ['83140038', 'strb w3, [x4], #1'],
  ['420400d1', 'sub x2, x2, #0x1'],
  ['a2ffffb5', 'cbnz x2, 0x288'],
  ['e3058052', 'mov w3, #0x2f'],
  ['83140038', 'strb w3, [x4], #1'],
  ['e10316aa', 'mov x1, x22'],
  ['23144038', 'ldrb w3, [x1], #1'],
  ['83140038', 'strb w3, [x4], #1'],
  ['c3ffff35', 'cbnz w3, 0x2a4'],

  // 0x2b0: execve(x0, argv+1, envp). ENOEXEC: execve("/bin/sh", {"/bin/sh", x0, the arguments}, envp).
  ['e50300aa', 'mov x5, x0'],
  ['a81b80d2', 'mov x8, #0xdd'],
  ['61420091', 'add x1, x19, #0x10'],
  ['e20315aa', 'mov x2, x21'],
  ['010000d4', 'svc #0x0'],
  ['1f2000b1', 'cmn x0, #0x8'],
  ['c1000054', 'b.ne 0x2e0'],
  ['80040010', 'adr x0, 0x35c'],
  ['609600a9', 'stp x0, x5, [x19, #8]'],
  ['61220091', 'add x1, x19, #0x8'],
  ['010000d4', 'svc #0x0'],
  ['180080d2', 'mov x24, #0x0'],

  // 0x2e0: After ENOENT, EACCES, ENODEV and ENOTDIR, the next directory. EACCES counts more than what comes behind it.
  ['9f3600b1', 'cmn x20, #0xd'],
  ['9402809a', 'csel x20, x20, x0, eq'],
  ['180100b4', 'cbz x24, 0x308'],
  ['e00300cb', 'neg x0, x0'],
  ['81008452', 'mov w1, #0x2004'],
  ['0103a072', 'movk w1, #0x18, lsl #16'],
  ['2124c09a', 'lsr x1, x1, x0'],
  ['61000036', 'tbz w1, #0, 0x308'],
  ['01174038', 'ldrb w1, [x24], #1'],
  ['81faff35', 'cbnz w1, 0x254'],

  // 0x308: Not executed. write(2, message, 27), write(2, command, x23), write(2, newline, 1).
  ['080880d2', 'mov x8, #0x40'],
  ['400080d2', 'mov x0, #0x2'],
  ['a1020010', 'adr x1, 0x364'],
  ['620380d2', 'mov x2, #0x1b'],
  ['010000d4', 'svc #0x0'],
  ['400080d2', 'mov x0, #0x2'],
  ['e10316aa', 'mov x1, x22'],
  ['e20317aa', 'mov x2, x23'],
  ['010000d4', 'svc #0x0'],
  ['400080d2', 'mov x0, #0x2'],
  ['61020070', 'adr x1, 0x37f'],
  ['220080d2', 'mov x2, #0x1'],
  ['010000d4', 'svc #0x0'],

  // 0x33c: exit_group(ENOENT ? 127 : 126): of the child, or of the init itself if there could be none.
  ['c00f80d2', 'mov x0, #0x7e'],
  ['9f0a00b1', 'cmn x20, #0x2'],
  ['0014809a', 'cinc x0, x0, eq'],
  ['6bffff17', 'b 0xf4'],
];
