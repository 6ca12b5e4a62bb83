/** x86-64, System V calling convention, Intel syntax. The offsets into an entry are those of ENTRY in entry.ts. */
import type { Instruction } from './machine-code.js';

export const x64: readonly Instruction[] = [
  // run(rdi: header, rsi: entry). The header stays in rbp, the current entry in rbx: a system call changes only rax,
  // rcx and r11 (System V ABI for AMD64, A.2.1). With the six arguments, those are all the registers a function may
  // change without restoring them, hence the two pushes.
  ['55', 'push rbp'],
  ['53', 'push rbx'],
  ['4889fd', 'mov rbp,rdi'],
  ['4889f3', 'mov rbx,rsi'],

  // 0x08: the next entry. A negative number: return.
  ['488b03', 'mov rax,QWORD PTR [rbx]'],
  ['4885c0', 'test rax,rax'],
  ['0f8894000000', 'js 0xa8'],

  // 0x14: the arguments. Each shift moves the bit of the next argument out of the indirect mask; a bit that is set
  // replaces the argument by the 64 bits it points at.
  ['488b4b38', 'mov rcx,QWORD PTR [rbx+0x38]'],
  ['488b7b08', 'mov rdi,QWORD PTR [rbx+0x8]'],
  ['d1e9', 'shr ecx,1'],
  ['7303', 'jae 0x23'],
  ['488b3f', 'mov rdi,QWORD PTR [rdi]'],
  ['488b7310', 'mov rsi,QWORD PTR [rbx+0x10]'],
  ['d1e9', 'shr ecx,1'],
  ['7303', 'jae 0x2e'],
  ['488b36', 'mov rsi,QWORD PTR [rsi]'],
  ['488b5318', 'mov rdx,QWORD PTR [rbx+0x18]'],
  ['d1e9', 'shr ecx,1'],
  ['7303', 'jae 0x39'],
  ['488b12', 'mov rdx,QWORD PTR [rdx]'],
  ['4c8b5320', 'mov r10,QWORD PTR [rbx+0x20]'],
  ['d1e9', 'shr ecx,1'],
  ['7303', 'jae 0x44'],
  ['4d8b12', 'mov r10,QWORD PTR [r10]'],
  ['4c8b4328', 'mov r8,QWORD PTR [rbx+0x28]'],
  ['d1e9', 'shr ecx,1'],
  ['7303', 'jae 0x4f'],
  ['4d8b00', 'mov r8,QWORD PTR [r8]'],
  ['4c8b4b30', 'mov r9,QWORD PTR [rbx+0x30]'],
  ['d1e9', 'shr ecx,1'],
  ['7303', 'jae 0x5a'],
  ['4d8b09', 'mov r9,QWORD PTR [r9]'],

  // 0x5a: the system call. A result of -4095 and above, unsigned, is an error (A.2.1).
  ['0f05', 'syscall'],
  ['48894368', 'mov QWORD PTR [rbx+0x68],rax'],
  ['488b4b70', 'mov rcx,QWORD PTR [rbx+0x70]'],
  ['8901', 'mov DWORD PTR [rcx],eax'],
  ['483d01f0ffff', 'cmp rax,0xfffffffffffff001'],
  ['7311', 'jae 0x7f'],

  // 0x6e: no error. Go on with onZero or, 0x79, onPositive.
  ['4885c0', 'test rax,rax'],
  ['7506', 'jne 0x79'],
  ['488b5b48', 'mov rbx,QWORD PTR [rbx+0x48]'],
  ['eb8f', 'jmp 0x8'],
  ['488b5b50', 'mov rbx,QWORD PTR [rbx+0x50]'],
  ['eb89', 'jmp 0x8'],

  // 0x7f: an error. bt takes the bit number modulo 64, so errno 64 and above must be told apart before it.
  ['48f7d8', 'neg rax'],
  ['4883f83f', 'cmp rax,0x3f'],
  ['7713', 'ja 0x9b'],
  ['488b4b40', 'mov rcx,QWORD PTR [rbx+0x40]'],
  ['480fa3c1', 'bt rcx,rax'],
  ['7309', 'jae 0x9b'],

  // 0x92: tolerated. Go on with onTolerated.
  ['488b5b58', 'mov rbx,QWORD PTR [rbx+0x58]'],
  ['e96dffffff', 'jmp 0x8'],

  // 0x9b: not tolerated. The header gets the entry; go on with onFailure.
  ['48895d00', 'mov QWORD PTR [rbp+0x0],rbx'],
  ['488b5b60', 'mov rbx,QWORD PTR [rbx+0x60]'],
  ['e960ffffff', 'jmp 0x8'],

  // 0xa8: return 0.
  ['5b', 'pop rbx'],
  ['5d', 'pop rbp'],
  ['31c0', 'xor eax,eax'],
  ['c3', 'ret'],
];
