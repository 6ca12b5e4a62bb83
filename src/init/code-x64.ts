/** The init for x86-64, in Intel syntax. System calls change rax, rcx and r11 only (System V ABI for AMD64, A.2.1). */
import type { Instruction } from '../linux/machine-code.js';

export const x64: readonly Instruction[] = [
  // _start. The stack holds argc, argv[0], argv[1] (the command), ..., NULL, envp. rbx keeps where it begins. Below it:
  // rsp+0x0 the signal mask as it was, +0x8 all signals, +0x10 a wait status or a process id, +0x18 siginfo.
  ['4889e3', 'mov rbx,rsp'],
  ['4881ec98000000', 'sub rsp,0x98'],

  // 0xa: prctl(PR_SET_NAME, name): executed through a descriptor, it would be called by the descriptor's number.
  ['b89d000000', 'mov eax,0x9d'],
  ['bf0f000000', 'mov edi,0xf'],
  ['488d35e1020000', 'lea rsi,[rip+0x2e1]'],
  ['0f05', 'syscall'],

  // 0x1d: rt_sigprocmask(SIG_SETMASK, all, mask, 8). What is blocked waits for rt_sigtimedwait below; to an init,
  // nothing else would be delivered but what it has a handler for.
  ['b80e000000', 'mov eax,0xe'],
  ['bf02000000', 'mov edi,0x2'],
  ['488d742408', 'lea rsi,[rsp+0x8]'],
  ['48830eff', 'or QWORD PTR [rsi],0xffffffffffffffff'],
  ['4889e2', 'mov rdx,rsp'],
  ['41ba08000000', 'mov r10d,0x8'],
  ['0f05', 'syscall'],

  // 0x3b: close_range(4, ~0, 0), what it was executed from among them: before anybody is there to look at them.
  ['b8b4010000', 'mov eax,0x1b4'],
  ['bf04000000', 'mov edi,0x4'],
  ['beffffffff', 'mov esi,0xffffffff'],
  ['31d2', 'xor edx,edx'],
  ['0f05', 'syscall'],

  // 0x4e: r15: envp. r12: the command. Without one, there is only reaping to do: ebp, its process id, is 0.
  ['8b03', 'mov eax,DWORD PTR [rbx]'],
  ['4c8d7cc310', 'lea r15,[rbx+rax*8+0x10]'],
  ['4c8b6310', 'mov r12,QWORD PTR [rbx+0x10]'],
  ['31ed', 'xor ebp,ebp'],
  ['4d85e4', 'test r12,r12'],
  ['745c', 'je 0xbc'],

  // 0x60: r13: its length. rdx: not 0 if there is a / in it.
  ['4531ed', 'xor r13d,r13d'],
  ['31d2', 'xor edx,edx'],
  ['438a042c', 'mov al,BYTE PTR [r12+r13*1]'],
  ['84c0', 'test al,al'],
  ['740c', 'je 0x79'],
  ['49ffc5', 'inc r13'],
  ['3c2f', 'cmp al,0x2f'],
  ['75f1', 'jne 0x65'],
  ['4489ea', 'mov edx,r13d'],
  ['ebec', 'jmp 0x65'],

  // 0x79: If the arguments begin with a word of 15 bytes ("/proc/self/fd/4"), ps is to show the title in its place.
  ['488b7b08', 'mov rdi,QWORD PTR [rbx+0x8]'],
  ['4c89e0', 'mov rax,r12'],
  ['4829f8', 'sub rax,rdi'],
  ['4883f810', 'cmp rax,0x10'],
  ['750a', 'jne 0x93'],
  ['0f10056c020000', 'movups xmm0,XMMWORD PTR [rip+0x26c]'],
  ['0f1107', 'movups XMMWORD PTR [rdi],xmm0'],

  // 0x93: clone(CLONE_VM|CLONE_VFORK|SIGCHLD): as vfork(2), it returns when the command is executed. r14: the / of
  // above. ebp: the process id of the command.
  ['4189d6', 'mov r14d,edx'],
  ['b838000000', 'mov eax,0x38'],
  ['bf11410000', 'mov edi,0x4111'],
  ['31f6', 'xor esi,esi'],
  ['31d2', 'xor edx,edx'],
  ['4531d2', 'xor r10d,r10d'],
  ['4531c0', 'xor r8d,r8d'],
  ['0f05', 'syscall'],
  ['89c5', 'mov ebp,eax'],
  ['85c0', 'test eax,eax'],
  ['0f84c7000000', 'je 0x17d'],
  ['0f88f7010000', 'js 0x2b3'],

  // 0xbc: wait4(-1, status, WNOHANG, NULL), until there is nothing more to reap. When it was the command, it ends with
  // WEXITSTATUS or 128+WTERMSIG.
  ['b83d000000', 'mov eax,0x3d'],
  ['4883cfff', 'or rdi,0xffffffffffffffff'],
  ['488d742410', 'lea rsi,[rsp+0x10]'],
  ['ba01000000', 'mov edx,0x1'],
  ['4531d2', 'xor r10d,r10d'],
  ['0f05', 'syscall'],
  ['85c0', 'test eax,eax'],
  ['7e3d', 'jle 0x115'],
  ['39e8', 'cmp eax,ebp'],
  ['75e0', 'jne 0xbc'],
  ['0fb67c2411', 'movzx edi,BYTE PTR [rsp+0x11]'],
  ['8b442410', 'mov eax,DWORD PTR [rsp+0x10]'],
  ['83e07f', 'and eax,0x7f'],
  ['7406', 'je 0xf0'],
  ['8db880000000', 'lea edi,[rax+0x80]'],

  // 0xf0: write(3, status, 1): to whoever has left it something open there. exit_group(status).
  ['897c2410', 'mov DWORD PTR [rsp+0x10],edi'],
  ['b801000000', 'mov eax,0x1'],
  ['bf03000000', 'mov edi,0x3'],
  ['488d742410', 'lea rsi,[rsp+0x10]'],
  ['ba01000000', 'mov edx,0x1'],
  ['0f05', 'syscall'],
  ['8b7c2410', 'mov edi,DWORD PTR [rsp+0x10]'],
  ['b8e7000000', 'mov eax,0xe7'],
  ['0f05', 'syscall'],

  // 0x115: rt_sigtimedwait(all, info, NULL, 8): for ever, until a signal comes.
  ['b880000000', 'mov eax,0x80'],
  ['488d7c2408', 'lea rdi,[rsp+0x8]'],
  ['488d742418', 'lea rsi,[rsp+0x18]'],
  ['31d2', 'xor edx,edx'],
  ['41ba08000000', 'mov r10d,0x8'],
  ['0f05', 'syscall'],
  ['83f811', 'cmp eax,0x11'],
  ['7489', 'je 0xbc'],
  ['89c6', 'mov esi,eax'],
  ['85c0', 'test eax,eax'],
  ['7edc', 'jle 0x115'],

  // 0x139: Without a command: after INT and TERM it ends, with 128 and the number.
  ['85ed', 'test ebp,ebp'],
  ['7513', 'jne 0x150'],
  ['8db880000000', 'lea edi,[rax+0x80]'],
  ['b904800000', 'mov ecx,0x8004'],
  ['480fa3c1', 'bt rcx,rax'],
  ['72a2', 'jb 0xf0'],
  ['ebc5', 'jmp 0x115'],

  // 0x150: The kernel itself (si_code above 0) sends INT, QUIT, TSTP, TTIN, TTOU and WINCH to all of a group: the
  // command has got it too, or was not meant.
  ['837c242000', 'cmp DWORD PTR [rsp+0x20],0x0'],
  ['7e0b', 'jle 0x162'],
  ['b90c007010', 'mov ecx,0x1070000c'],
  ['480fa3c1', 'bt rcx,rax'],
  ['72b3', 'jb 0x115'],

  // 0x162: rt_sigqueueinfo(command, signal, info), which passes a value on, or else kill(command, signal).
  ['b881000000', 'mov eax,0x81'],
  ['89ef', 'mov edi,ebp'],
  ['488d542418', 'lea rdx,[rsp+0x18]'],
  ['0f05', 'syscall'],
  ['85c0', 'test eax,eax'],
  ['74a1', 'je 0x115'],
  ['b83e000000', 'mov eax,0x3e'],
  ['0f05', 'syscall'],
  ['eb98', 'jmp 0x115'],

  // 0x17d: The child. close_range(3, ~0, 0): the command gets 0, 1 and 2.
  ['b8b4010000', 'mov eax,0x1b4'],
  ['bf03000000', 'mov edi,0x3'],
  ['83ceff', 'or esi,0xffffffff'],
  ['31d2', 'xor edx,edx'],
  ['0f05', 'syscall'],

  // 0x18e: getsid(0) and getppid(): does the session belong to the init?
  ['b87c000000', 'mov eax,0x7c'],
  ['31ff', 'xor edi,edi'],
  ['0f05', 'syscall'],
  ['89c5', 'mov ebp,eax'],
  ['b86e000000', 'mov eax,0x6e'],
  ['0f05', 'syscall'],
  ['39e8', 'cmp eax,ebp'],
  ['7529', 'jne 0x1cd'],

  // 0x1a4: If so: setpgid(0, 0), and ioctl(0, TIOCSPGRP, getpid()) for the terminal if there is one: its keys are the
  // command's.
  ['b86d000000', 'mov eax,0x6d'],
  ['31ff', 'xor edi,edi'],
  ['31f6', 'xor esi,esi'],
  ['0f05', 'syscall'],
  ['b827000000', 'mov eax,0x27'],
  ['0f05', 'syscall'],
  ['89442410', 'mov DWORD PTR [rsp+0x10],eax'],
  ['b810000000', 'mov eax,0x10'],
  ['31ff', 'xor edi,edi'],
  ['be10540000', 'mov esi,0x5410'],
  ['488d542410', 'lea rdx,[rsp+0x10]'],
  ['0f05', 'syscall'],

  // 0x1cd: rt_sigprocmask(SIG_SETMASK, mask, NULL, 8): as it was.
  ['b80e000000', 'mov eax,0xe'],
  ['bf02000000', 'mov edi,0x2'],
  ['4889e6', 'mov rsi,rsp'],
  ['31d2', 'xor edx,edx'],
  ['41ba08000000', 'mov r10d,0x8'],
  ['0f05', 'syscall'],

  // 0x1e4: execvp(3). rdi: what to execute, the command itself if there is a / in it. r14: where to go on in PATH. ebp:
  // -errno.
  ['bdfeffffff', 'mov ebp,0xfffffffe'],
  ['4d85ed', 'test r13,r13'],
  ['0f84c1000000', 'je 0x2b3'],
  ['4c89e7', 'mov rdi,r12'],
  ['4489f2', 'mov edx,r14d'],
  ['4531f6', 'xor r14d,r14d'],
  ['85d2', 'test edx,edx'],
  ['755d', 'jne 0x25c'],

  // 0x1ff: PATH, in envp.
  ['4c89fe', 'mov rsi,r15'],
  ['48ad', 'lods rax,QWORD PTR ds:[rsi]'],
  ['4885c0', 'test rax,rax'],
  ['0f84a6000000', 'je 0x2b3'],
  ['813850415448', 'cmp DWORD PTR [rax],0x48544150'],
  ['75ed', 'jne 0x202'],
  ['8078043d', 'cmp BYTE PTR [rax+0x4],0x3d'],
  ['75e7', 'jne 0x202'],
  ['4c8d7005', 'lea r14,[rax+0x5]'],

  // 0x21f: rsi: a directory of it. rcx: its length, up to a : or the end.
  ['4c89f6', 'mov rsi,r14'],
  ['418a06', 'mov al,BYTE PTR [r14]'],
  ['84c0', 'test al,al'],
  ['7409', 'je 0x232'],
  ['3c3a', 'cmp al,0x3a'],
  ['7405', 'je 0x232'],
  ['49ffc6', 'inc r14'],
  ['ebf0', 'jmp 0x222'],

  // 0x232: Below the stack: the directory, a / unless it is empty, the command. rdi: the beginning of that.
  ['4c89f1', 'mov rcx,r14'],
  ['4829f1', 'sub rcx,rsi'],
  ['488d7c24f0', 'lea rdi,[rsp-0x10]'],
  ['4829cf', 'sub rdi,rcx'],
  ['4c29ef', 'sub rdi,r13'],
  ['4989f8', 'mov r8,rdi'],
  ['e308', 'jrcxz 0x250'],
  ['f3a4', 'rep movs BYTE PTR es:[rdi],BYTE PTR ds:[rsi]'],
  ['c6072f', 'mov BYTE PTR [rdi],0x2f'],
  ['48ffc7', 'inc rdi'],
  ['4c89e6', 'mov rsi,r12'],
  ['498d4d01', 'lea rcx,[r13+0x1]'],
  ['f3a4', 'rep movs BYTE PTR es:[rdi],BYTE PTR ds:[rsi]'],
  ['4c89c7', 'mov rdi,r8'],

  // 0x25c: execve(rdi, argv+1, envp). ENOEXEC: execve("/bin/sh", {"/bin/sh", rdi, the arguments}, envp).
  ['b83b000000', 'mov eax,0x3b'],
  ['488d7310', 'lea rsi,[rbx+0x10]'],
  ['4c89fa', 'mov rdx,r15'],
  ['0f05', 'syscall'],
  ['83f8f8', 'cmp eax,0xfffffff8'],
  ['751d', 'jne 0x28c'],
  ['48897b10', 'mov QWORD PTR [rbx+0x10],rdi'],
  ['488d3d92000000', 'lea rdi,[rip+0x92]'],
  ['48897b08', 'mov QWORD PTR [rbx+0x8],rdi'],
  ['488d7308', 'lea rsi,[rbx+0x8]'],
  ['b83b000000', 'mov eax,0x3b'],
  ['0f05', 'syscall'],
  ['4531f6', 'xor r14d,r14d'],

  // 0x28c: After ENOENT, EACCES, ENODEV and ENOTDIR, the next directory. EACCES counts more than what comes behind it.
  ['83fdf3', 'cmp ebp,0xfffffff3'],
  ['7402', 'je 0x293'],
  ['89c5', 'mov ebp,eax'],
  ['4d85f6', 'test r14,r14'],
  ['741b', 'je 0x2b3'],
  ['f7d8', 'neg eax'],
  ['b904201800', 'mov ecx,0x182004'],
  ['480fa3c1', 'bt rcx,rax'],
  ['730e', 'jae 0x2b3'],
  ['418a06', 'mov al,BYTE PTR [r14]'],
  ['49ffc6', 'inc r14'],
  ['84c0', 'test al,al'],
  ['0f856cffffff', 'jne 0x21f'],

  // 0x2b3: Not executed. write(2, message, 27), write(2, command, r13), write(2, newline, 1).
  ['b801000000', 'mov eax,0x1'],
  ['bf02000000', 'mov edi,0x2'],
  ['488d3550000000', 'lea rsi,[rip+0x50]'],
  ['ba1b000000', 'mov edx,0x1b'],
  ['0f05', 'syscall'],
  ['b801000000', 'mov eax,0x1'],
  ['4c89e6', 'mov rsi,r12'],
  ['4c89ea', 'mov rdx,r13'],
  ['0f05', 'syscall'],
  ['b801000000', 'mov eax,0x1'],
  ['488d354b000000', 'lea rsi,[rip+0x4b]'],
  ['ba01000000', 'mov edx,0x1'],
  ['0f05', 'syscall'],

  // 0x2eb: exit_group(ENOENT ? 127 : 126): of the child, or of the init itself if there could be none.
  ['31ff', 'xor edi,edi'],
  ['83fdfe', 'cmp ebp,0xfffffffe'],
  ['400f94c7', 'sete dil'],
  ['83c77e', 'add edi,0x7e'],
  ['e9f4fdffff', 'jmp 0xf0'],
];
