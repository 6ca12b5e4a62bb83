#!/usr/bin/env bash
#
# Starts a command in a box: a process with its own namespaces, root and identity.
# Written by nsgen from a description of the box. To change it, change the description and generate it again.
#
#   box      sha256 962c68fab72f11fc27d57a62a38760f2bec08a23d88d465a566476914fcfa53f
#   command  sh -c '(sleep 0.1 &); sleep 1; ps -ef'
#   needs    Linux, bash 4.4, coreutils, hostname, iproute2, mount, util-linux
#   usage    box.sh [--dry-run] [--help] [--] [COMMAND [ARGUMENT...]]
#
# It does, in this order:
#   - start a process in new namespaces: cgroup, ipc, mount, net, pid, uts, user (unless the caller is root)
#   - write down who it is, in the file life of its name
#   - lead a new session, without a terminal
#   - set the file mode mask to 0022
#   - map root inside to the caller outside (unless the caller is root)
#   - make all mounts private
#   - mount proc on /proc
#   - set the host name to "web"
#   - bring the loopback interface up
#   - pass stdin, stdout and stderr through
#   - close every other descriptor, but for life, which is 3
#   - make the init, 936 bytes, in a file without a name
#   - allow 1024 open descriptors, or as many as the hard limit says
#   - reset the actions of all signals, and block none
#   - execute the init, which starts "sh" "-c" "(sleep 0.1 &); sleep 1; ps -ef"
#
# The box goes on when this script has ended, which prints its name. nsgen ps, stop, wait, logs and rm know it by that.
# Without nsgen, look in its directory, /run/nsgen/NAME (of a user $XDG_RUNTIME_DIR/nsgen/NAME): "log" has what it has
# written; "life" begins with the number of its first process, which passes signals on ("kill NUMBER" ends it), and a third
# line is its exit status, one byte ("tail -n 1 life | od -An -tu1"). "flock -n life true" fails as long as it runs; after
# that the directory may be removed.

if [ -z "${BASH_VERSION-}" ]; then
  echo 'box.sh: needs bash: run it as "bash box.sh"' >&2
  exit 125
fi

# A function that the caller has exported would come before the builtin or program of its name. In POSIX mode none comes
# before unset.
POSIXLY_CORRECT=1
unset -f : break builtin cd continue declare die exec exit export hash kill local mapfile printf read return set shift \
  shopt trap true ulimit umask unset wait [ base64 bash chmod env flock hostname ip mkdir mount mv readlink rm setsid sleep stat unshare
unset POSIXLY_CORRECT

# Nothing that the caller has set may change what the commands below mean.
set +abfkmntvxCHP
set +o posix -hBeuo pipefail
export -n SHELLOPTS BASHOPTS
PATH=/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin
IFS=$' \t\n'
LC_ALL=C
export PATH LC_ALL
unset BASH_ENV ENV CDPATH GLOBIGNORE POSIXLY_CORRECT
unset -v child dev errors home_files last_pid optional_controller root
# bash takes EUID for what it finds in the environment; else nobody can change it.
if [[ ${EUID@a} != *r* ]]; then
  read -r -d '' EUID </proc/self/status || true
  [[ $EUID =~ $'\nUid:'[[:space:]]+[0-9]+[[:space:]]+([0-9]+) ]]
  EUID=${BASH_REMATCH[1]}
  export -n EUID
fi

# Ends with status 125, unless another is given: what failed is this script, not the command.
die() {
  printf 'box.sh: %s\n' "$1" >&2
  exit "${2-125}"
}

# Finds every tool that is used, before anything is changed. bash remembers where, in BASH_CMDS.
check_tools() {
  local tool packages='coreutils, hostname, iproute2, mount, util-linux'
  local -a missing=()
  if hash -- "$@" 2>/dev/null; then return; fi
  for tool in "$@"; do
    hash -- "$tool" 2>/dev/null || missing+=("$tool")
  done
  die "these programs are missing: ${missing[*]} (packages: $packages)"
}

# Looks for the namespace types in the running kernel.
check_kernel() {
  local name
  for name in "$@"; do
    [[ -e /proc/self/ns/$name ]] || die "this kernel has no $name namespaces (there is no /proc/self/ns/$name)"
  done
}

# A user namespace may be forbidden to everyone by the first of these files, and to ordinary users by the others.
check_user_namespaces() {
  local file forbids value
  [[ -e /proc/self/ns/user ]] || die 'this kernel has no user namespaces: run this as root'
  while read -r file forbids; do
    if ((EUID == 0)) && [[ $file == /proc/sys/kernel/* ]]; then continue; fi
    if [[ -r $file ]] && read -r value <"$file" && [[ $value == "$forbids" ]]; then
      die "user namespaces are switched off: $file is $value. "'Run this as root, or let an administrator set it'
    fi
  done <<'END'
/proc/sys/user/max_user_namespaces 0
/proc/sys/kernel/unprivileged_userns_clone 0
/proc/sys/kernel/apparmor_restrict_unprivileged_userns 1
END
}

# Without a user namespace, making or joining the others takes CAP_SYS_ADMIN: bit 21 of the effective capabilities.
check_privilege() {
  local status
  read -r -d '' status </proc/self/status || true
  if [[ $status =~ CapEff:[[:space:]]*([0-9a-f]+) ]] && ! ((16#${BASH_REMATCH[1]} >> 21 & 1)); then
    die 'not permitted (EPERM): namespaces need root with CAP_SYS_ADMIN, or a box with a user namespace'
  fi
}

# Waits so many seconds, whatever keys are pressed. Not by read -t: when a trap runs in it, bash 5.2 forgets the time, and
# waits for ever.
pause() {
  (trap '' INT QUIT TSTP && exec sleep "$1") || true
}

# Prints the init, an ELF executable of one page, for the processor that this bash was built for. What is in it, to be
# compared with what objdump says of it:
#
#   x86_64: 936 bytes, objdump -D -b binary -m i386:x86-64 -M intel
#   0078  4889e3          mov rbx,rsp
#   007b  4881ec98000000  sub rsp,0x98
#   0082  b89d000000      mov eax,0x9d
#   0087  bf0f000000      mov edi,0xf
#   008c  488d35e1020000  lea rsi,[rip+0x2e1]
#   0093  0f05            syscall
#   0095  b80e000000      mov eax,0xe
#   009a  bf02000000      mov edi,0x2
#   009f  488d742408      lea rsi,[rsp+0x8]
#   00a4  48830eff        or QWORD PTR [rsi],0xffffffffffffffff
#   00a8  4889e2          mov rdx,rsp
#   00ab  41ba08000000    mov r10d,0x8
#   00b1  0f05            syscall
#   00b3  b8b4010000      mov eax,0x1b4
#   00b8  bf04000000      mov edi,0x4
#   00bd  beffffffff      mov esi,0xffffffff
#   00c2  31d2            xor edx,edx
#   00c4  0f05            syscall
#   00c6  8b03            mov eax,DWORD PTR [rbx]
#   00c8  4c8d7cc310      lea r15,[rbx+rax*8+0x10]
#   00cd  4c8b6310        mov r12,QWORD PTR [rbx+0x10]
#   00d1  31ed            xor ebp,ebp
#   00d3  4d85e4          test r12,r12
#   00d6  745c            je 0x134
#   00d8  4531ed          xor r13d,r13d
#   00db  31d2            xor edx,edx
#   00dd  438a042c        mov al,BYTE PTR [r12+r13*1]
#   00e1  84c0            test al,al
#   00e3  740c            je 0xf1
#   00e5  49ffc5          inc r13
#   00e8  3c2f            cmp al,0x2f
#   00ea  75f1            jne 0xdd
#   00ec  4489ea          mov edx,r13d
#   00ef  ebec            jmp 0xdd
#   00f1  488b7b08        mov rdi,QWORD PTR [rbx+0x8]
#   00f5  4c89e0          mov rax,r12
#   00f8  4829f8          sub rax,rdi
#   00fb  4883f810        cmp rax,0x10
#   00ff  750a            jne 0x10b
#   0101  0f10056c020000  movups xmm0,XMMWORD PTR [rip+0x26c]
#   0108  0f1107          movups XMMWORD PTR [rdi],xmm0
#   010b  4189d6          mov r14d,edx
#   010e  b838000000      mov eax,0x38
#   0113  bf11410000      mov edi,0x4111
#   0118  31f6            xor esi,esi
#   011a  31d2            xor edx,edx
#   011c  4531d2          xor r10d,r10d
#   011f  4531c0          xor r8d,r8d
#   0122  0f05            syscall
#   0124  89c5            mov ebp,eax
#   0126  85c0            test eax,eax
#   0128  0f84c7000000    je 0x1f5
#   012e  0f88f7010000    js 0x32b
#   0134  b83d000000      mov eax,0x3d
#   0139  4883cfff        or rdi,0xffffffffffffffff
#   013d  488d742410      lea rsi,[rsp+0x10]
#   0142  ba01000000      mov edx,0x1
#   0147  4531d2          xor r10d,r10d
#   014a  0f05            syscall
#   014c  85c0            test eax,eax
#   014e  7e3d            jle 0x18d
#   0150  39e8            cmp eax,ebp
#   0152  75e0            jne 0x134
#   0154  0fb67c2411      movzx edi,BYTE PTR [rsp+0x11]
#   0159  8b442410        mov eax,DWORD PTR [rsp+0x10]
#   015d  83e07f          and eax,0x7f
#   0160  7406            je 0x168
#   0162  8db880000000    lea edi,[rax+0x80]
#   0168  897c2410        mov DWORD PTR [rsp+0x10],edi
#   016c  b801000000      mov eax,0x1
#   0171  bf03000000      mov edi,0x3
#   0176  488d742410      lea rsi,[rsp+0x10]
#   017b  ba01000000      mov edx,0x1
#   0180  0f05            syscall
#   0182  8b7c2410        mov edi,DWORD PTR [rsp+0x10]
#   0186  b8e7000000      mov eax,0xe7
#   018b  0f05            syscall
#   018d  b880000000      mov eax,0x80
#   0192  488d7c2408      lea rdi,[rsp+0x8]
#   0197  488d742418      lea rsi,[rsp+0x18]
#   019c  31d2            xor edx,edx
#   019e  41ba08000000    mov r10d,0x8
#   01a4  0f05            syscall
#   01a6  83f811          cmp eax,0x11
#   01a9  7489            je 0x134
#   01ab  89c6            mov esi,eax
#   01ad  85c0            test eax,eax
#   01af  7edc            jle 0x18d
#   01b1  85ed            test ebp,ebp
#   01b3  7513            jne 0x1c8
#   01b5  8db880000000    lea edi,[rax+0x80]
#   01bb  b904800000      mov ecx,0x8004
#   01c0  480fa3c1        bt rcx,rax
#   01c4  72a2            jb 0x168
#   01c6  ebc5            jmp 0x18d
#   01c8  837c242000      cmp DWORD PTR [rsp+0x20],0x0
#   01cd  7e0b            jle 0x1da
#   01cf  b90c007010      mov ecx,0x1070000c
#   01d4  480fa3c1        bt rcx,rax
#   01d8  72b3            jb 0x18d
#   01da  b881000000      mov eax,0x81
#   01df  89ef            mov edi,ebp
#   01e1  488d542418      lea rdx,[rsp+0x18]
#   01e6  0f05            syscall
#   01e8  85c0            test eax,eax
#   01ea  74a1            je 0x18d
#   01ec  b83e000000      mov eax,0x3e
#   01f1  0f05            syscall
#   01f3  eb98            jmp 0x18d
#   01f5  b8b4010000      mov eax,0x1b4
#   01fa  bf03000000      mov edi,0x3
#   01ff  83ceff          or esi,0xffffffff
#   0202  31d2            xor edx,edx
#   0204  0f05            syscall
#   0206  b87c000000      mov eax,0x7c
#   020b  31ff            xor edi,edi
#   020d  0f05            syscall
#   020f  89c5            mov ebp,eax
#   0211  b86e000000      mov eax,0x6e
#   0216  0f05            syscall
#   0218  39e8            cmp eax,ebp
#   021a  7529            jne 0x245
#   021c  b86d000000      mov eax,0x6d
#   0221  31ff            xor edi,edi
#   0223  31f6            xor esi,esi
#   0225  0f05            syscall
#   0227  b827000000      mov eax,0x27
#   022c  0f05            syscall
#   022e  89442410        mov DWORD PTR [rsp+0x10],eax
#   0232  b810000000      mov eax,0x10
#   0237  31ff            xor edi,edi
#   0239  be10540000      mov esi,0x5410
#   023e  488d542410      lea rdx,[rsp+0x10]
#   0243  0f05            syscall
#   0245  b80e000000      mov eax,0xe
#   024a  bf02000000      mov edi,0x2
#   024f  4889e6          mov rsi,rsp
#   0252  31d2            xor edx,edx
#   0254  41ba08000000    mov r10d,0x8
#   025a  0f05            syscall
#   025c  bdfeffffff      mov ebp,0xfffffffe
#   0261  4d85ed          test r13,r13
#   0264  0f84c1000000    je 0x32b
#   026a  4c89e7          mov rdi,r12
#   026d  4489f2          mov edx,r14d
#   0270  4531f6          xor r14d,r14d
#   0273  85d2            test edx,edx
#   0275  755d            jne 0x2d4
#   0277  4c89fe          mov rsi,r15
#   027a  48ad            lods rax,QWORD PTR ds:[rsi]
#   027c  4885c0          test rax,rax
#   027f  0f84a6000000    je 0x32b
#   0285  813850415448    cmp DWORD PTR [rax],0x48544150
#   028b  75ed            jne 0x27a
#   028d  8078043d        cmp BYTE PTR [rax+0x4],0x3d
#   0291  75e7            jne 0x27a
#   0293  4c8d7005        lea r14,[rax+0x5]
#   0297  4c89f6          mov rsi,r14
#   029a  418a06          mov al,BYTE PTR [r14]
#   029d  84c0            test al,al
#   029f  7409            je 0x2aa
#   02a1  3c3a            cmp al,0x3a
#   02a3  7405            je 0x2aa
#   02a5  49ffc6          inc r14
#   02a8  ebf0            jmp 0x29a
#   02aa  4c89f1          mov rcx,r14
#   02ad  4829f1          sub rcx,rsi
#   02b0  488d7c24f0      lea rdi,[rsp-0x10]
#   02b5  4829cf          sub rdi,rcx
#   02b8  4c29ef          sub rdi,r13
#   02bb  4989f8          mov r8,rdi
#   02be  e308            jrcxz 0x2c8
#   02c0  f3a4            rep movs BYTE PTR es:[rdi],BYTE PTR ds:[rsi]
#   02c2  c6072f          mov BYTE PTR [rdi],0x2f
#   02c5  48ffc7          inc rdi
#   02c8  4c89e6          mov rsi,r12
#   02cb  498d4d01        lea rcx,[r13+0x1]
#   02cf  f3a4            rep movs BYTE PTR es:[rdi],BYTE PTR ds:[rsi]
#   02d1  4c89c7          mov rdi,r8
#   02d4  b83b000000      mov eax,0x3b
#   02d9  488d7310        lea rsi,[rbx+0x10]
#   02dd  4c89fa          mov rdx,r15
#   02e0  0f05            syscall
#   02e2  83f8f8          cmp eax,0xfffffff8
#   02e5  751d            jne 0x304
#   02e7  48897b10        mov QWORD PTR [rbx+0x10],rdi
#   02eb  488d3d92000000  lea rdi,[rip+0x92]
#   02f2  48897b08        mov QWORD PTR [rbx+0x8],rdi
#   02f6  488d7308        lea rsi,[rbx+0x8]
#   02fa  b83b000000      mov eax,0x3b
#   02ff  0f05            syscall
#   0301  4531f6          xor r14d,r14d
#   0304  83fdf3          cmp ebp,0xfffffff3
#   0307  7402            je 0x30b
#   0309  89c5            mov ebp,eax
#   030b  4d85f6          test r14,r14
#   030e  741b            je 0x32b
#   0310  f7d8            neg eax
#   0312  b904201800      mov ecx,0x182004
#   0317  480fa3c1        bt rcx,rax
#   031b  730e            jae 0x32b
#   031d  418a06          mov al,BYTE PTR [r14]
#   0320  49ffc6          inc r14
#   0323  84c0            test al,al
#   0325  0f856cffffff    jne 0x297
#   032b  b801000000      mov eax,0x1
#   0330  bf02000000      mov edi,0x2
#   0335  488d3550000000  lea rsi,[rip+0x50]
#   033c  ba1b000000      mov edx,0x1b
#   0341  0f05            syscall
#   0343  b801000000      mov eax,0x1
#   0348  4c89e6          mov rsi,r12
#   034b  4c89ea          mov rdx,r13
#   034e  0f05            syscall
#   0350  b801000000      mov eax,0x1
#   0355  488d354b000000  lea rsi,[rip+0x4b]
#   035c  ba01000000      mov edx,0x1
#   0361  0f05            syscall
#   0363  31ff            xor edi,edi
#   0365  83fdfe          cmp ebp,0xfffffffe
#   0368  400f94c7        sete dil
#   036c  83c77e          add edi,0x7e
#   036f  e9f4fdffff      jmp 0x168
#   0374  "nsgen-init\0exec\0"
#   0384  "/bin/sh\0"
#   038c  "nsgen-init: cannot execute "
#   03a7  "\n"
#
#   aarch64: 1016 bytes, objdump -D -b binary -m aarch64
#   0078  f3030091  mov x19, sp
#   007c  ff8302d1  sub sp, sp, #0xa0
#   0080  e81480d2  mov x8, #0xa7
#   0084  e00180d2  mov x0, #0xf
#   0088  e1190010  adr x1, 0x3c4
#   008c  010000d4  svc #0x0
#   0090  e81080d2  mov x8, #0x87
#   0094  400080d2  mov x0, #0x2
#   0098  04008092  mov x4, #0xffffffffffffffff
#   009c  e40700f9  str x4, [sp, #8]
#   00a0  e1230091  add x1, sp, #0x8
#   00a4  e2030091  mov x2, sp
#   00a8  030180d2  mov x3, #0x8
#   00ac  010000d4  svc #0x0
#   00b0  883680d2  mov x8, #0x1b4
#   00b4  800080d2  mov x0, #0x4
#   00b8  01008012  mov w1, #0xffffffff
#   00bc  020080d2  mov x2, #0x0
#   00c0  010000d4  svc #0x0
#   00c4  616a40a9  ldp x1, x26, [x19]
#   00c8  760a40f9  ldr x22, [x19, #16]
#   00cc  750e018b  add x21, x19, x1, lsl #3
#   00d0  b5420091  add x21, x21, #0x10
#   00d4  140080d2  mov x20, #0x0
#   00d8  d60200b4  cbz x22, 0x130
#   00dc  170080d2  mov x23, #0x0
#   00e0  190080d2  mov x25, #0x0
#   00e4  c16a7738  ldrb w1, [x22, x23]
#   00e8  a1000034  cbz w1, 0xfc
#   00ec  f7060091  add x23, x23, #0x1
#   00f0  3fbc0071  cmp w1, #0x2f
#   00f4  3900999a  csel x25, x1, x25, eq
#   00f8  fbffff17  b 0xe4
#   00fc  c1021acb  sub x1, x22, x26
#   0100  3f4000f1  cmp x1, #0x10
#   0104  81000054  b.ne 0x114
#   0108  e0150010  adr x0, 0x3c4
#   010c  010840a9  ldp x1, x2, [x0]
#   0110  410b00a9  stp x1, x2, [x26]
#   0114  881b80d2  mov x8, #0xdc
#   0118  202288d2  mov x0, #0x4111
#   011c  010080d2  mov x1, #0x0
#   0120  010000d4  svc #0x0
#   0124  f40300aa  mov x20, x0
#   0128  600700b4  cbz x0, 0x214
#   012c  a012f8b7  tbnz x0, #63, 0x380
#   0130  882080d2  mov x8, #0x104
#   0134  00008092  mov x0, #0xffffffffffffffff
#   0138  e1430091  add x1, sp, #0x10
#   013c  220080d2  mov x2, #0x1
#   0140  030080d2  mov x3, #0x0
#   0144  010000d4  svc #0x0
#   0148  1f0000f1  cmp x0, #0x0
#   014c  2d020054  b.le 0x190
#   0150  1f0014eb  cmp x0, x20
#   0154  e1feff54  b.ne 0x130
#   0158  e11340b9  ldr w1, [sp, #16]
#   015c  203c0853  ubfx w0, w1, #8, #8
#   0160  21180072  ands w1, w1, #0x7f
#   0164  40000054  b.eq 0x16c
#   0168  20000211  add w0, w1, #0x80
#   016c  e01300b9  str w0, [sp, #16]
#   0170  080880d2  mov x8, #0x40
#   0174  600080d2  mov x0, #0x3
#   0178  e1430091  add x1, sp, #0x10
#   017c  220080d2  mov x2, #0x1
#   0180  010000d4  svc #0x0
#   0184  e01340b9  ldr w0, [sp, #16]
#   0188  c80b80d2  mov x8, #0x5e
#   018c  010000d4  svc #0x0
#   0190  281180d2  mov x8, #0x89
#   0194  e0230091  add x0, sp, #0x8
#   0198  e1630091  add x1, sp, #0x18
#   019c  020080d2  mov x2, #0x0
#   01a0  030180d2  mov x3, #0x8
#   01a4  010000d4  svc #0x0
#   01a8  1f4400f1  cmp x0, #0x11
#   01ac  20fcff54  b.eq 0x130
#   01b0  e10300aa  mov x1, x0
#   01b4  1f0000f1  cmp x0, #0x0
#   01b8  cdfeff54  b.le 0x190
#   01bc  d40000b5  cbnz x20, 0x1d4
#   01c0  820090d2  mov x2, #0x8004
#   01c4  4224c09a  lsr x2, x2, x0
#   01c8  42fe0736  tbz w2, #0, 0x190
#   01cc  00000211  add w0, w0, #0x80
#   01d0  e7ffff17  b 0x16c
#   01d4  e22340b9  ldr w2, [sp, #32]
#   01d8  5f000071  cmp w2, #0x0
#   01dc  ad000054  b.le 0x1f0
#   01e0  820180d2  mov x2, #0xc
#   01e4  020ea2f2  movk x2, #0x1070, lsl #16
#   01e8  4224c09a  lsr x2, x2, x0
#   01ec  22fd0737  tbnz w2, #0, 0x190
#   01f0  481180d2  mov x8, #0x8a
#   01f4  e00314aa  mov x0, x20
#   01f8  e2630091  add x2, sp, #0x18
#   01fc  010000d4  svc #0x0
#   0200  80fcffb4  cbz x0, 0x190
#   0204  281080d2  mov x8, #0x81
#   0208  e00314aa  mov x0, x20
#   020c  010000d4  svc #0x0
#   0210  e0ffff17  b 0x190
#   0214  883680d2  mov x8, #0x1b4
#   0218  600080d2  mov x0, #0x3
#   021c  01008012  mov w1, #0xffffffff
#   0220  020080d2  mov x2, #0x0
#   0224  010000d4  svc #0x0
#   0228  881380d2  mov x8, #0x9c
#   022c  010000d4  svc #0x0
#   0230  f40300aa  mov x20, x0
#   0234  a81580d2  mov x8, #0xad
#   0238  010000d4  svc #0x0
#   023c  1f0014eb  cmp x0, x20
#   0240  a1010054  b.ne 0x274
#   0244  481380d2  mov x8, #0x9a
#   0248  000080d2  mov x0, #0x0
#   024c  010080d2  mov x1, #0x0
#   0250  010000d4  svc #0x0
#   0254  881580d2  mov x8, #0xac
#   0258  010000d4  svc #0x0
#   025c  e01300b9  str w0, [sp, #16]
#   0260  a80380d2  mov x8, #0x1d
#   0264  000080d2  mov x0, #0x0
#   0268  01828ad2  mov x1, #0x5410
#   026c  e2430091  add x2, sp, #0x10
#   0270  010000d4  svc #0x0
#   0274  e81080d2  mov x8, #0x87
#   0278  400080d2  mov x0, #0x2
#   027c  e1030091  mov x1, sp
#   0280  020080d2  mov x2, #0x0
#   0284  030180d2  mov x3, #0x8
#   0288  010000d4  svc #0x0
#   028c  34008092  mov x20, #0xfffffffffffffffe
#   0290  970700b4  cbz x23, 0x380
#   0294  e00316aa  mov x0, x22
#   0298  180080d2  mov x24, #0x0
#   029c  790400b5  cbnz x25, 0x328
#   02a0  022a8852  mov w2, #0x4150
#   02a4  820aa972  movk w2, #0x4854, lsl #16
#   02a8  e10315aa  mov x1, x21
#   02ac  388440f8  ldr x24, [x1], #8
#   02b0  980600b4  cbz x24, 0x380
#   02b4  034740b8  ldr w3, [x24], #4
#   02b8  7f00026b  cmp w3, w2
#   02bc  81ffff54  b.ne 0x2ac
#   02c0  03174038  ldrb w3, [x24], #1
#   02c4  7ff40071  cmp w3, #0x3d
#   02c8  21ffff54  b.ne 0x2ac
#   02cc  e10318aa  mov x1, x24
#   02d0  03034039  ldrb w3, [x24]
#   02d4  a3000034  cbz w3, 0x2e8
#   02d8  7fe80071  cmp w3, #0x3a
#   02dc  60000054  b.eq 0x2e8
#   02e0  18070091  add x24, x24, #0x1
#   02e4  fbffff17  b 0x2d0
#   02e8  020301cb  sub x2, x24, x1
#   02ec  e04300d1  sub x0, sp, #0x10
#   02f0  000002cb  sub x0, x0, x2
#   02f4  000017cb  sub x0, x0, x23
#   02f8  e40300aa  mov x4, x0
#   02fc  e20000b4  cbz x2, 0x318
#   0300  23144038  ldrb w3, [x1], #1
#   0304  83140038  strb w3, [x4], #1
#   0308  420400d1  sub x2, x2, #0x1
#   030c  a2ffffb5  cbnz x2, 0x300
#   0310  e3058052  mov w3, #0x2f
#   0314  83140038  strb w3, [x4], #1
#   0318  e10316aa  mov x1, x22
#   031c  23144038  ldrb w3, [x1], #1
#   0320  83140038  strb w3, [x4], #1
#   0324  c3ffff35  cbnz w3, 0x31c
#   0328  e50300aa  mov x5, x0
#   032c  a81b80d2  mov x8, #0xdd
#   0330  61420091  add x1, x19, #0x10
#   0334  e20315aa  mov x2, x21
#   0338  010000d4  svc #0x0
#   033c  1f2000b1  cmn x0, #0x8
#   0340  c1000054  b.ne 0x358
#   0344  80040010  adr x0, 0x3d4
#   0348  609600a9  stp x0, x5, [x19, #8]
#   034c  61220091  add x1, x19, #0x8
#   0350  010000d4  svc #0x0
#   0354  180080d2  mov x24, #0x0
#   0358  9f3600b1  cmn x20, #0xd
#   035c  9402809a  csel x20, x20, x0, eq
#   0360  180100b4  cbz x24, 0x380
#   0364  e00300cb  neg x0, x0
#   0368  81008452  mov w1, #0x2004
#   036c  0103a072  movk w1, #0x18, lsl #16
#   0370  2124c09a  lsr x1, x1, x0
#   0374  61000036  tbz w1, #0, 0x380
#   0378  01174038  ldrb w1, [x24], #1
#   037c  81faff35  cbnz w1, 0x2cc
#   0380  080880d2  mov x8, #0x40
#   0384  400080d2  mov x0, #0x2
#   0388  a1020010  adr x1, 0x3dc
#   038c  620380d2  mov x2, #0x1b
#   0390  010000d4  svc #0x0
#   0394  400080d2  mov x0, #0x2
#   0398  e10316aa  mov x1, x22
#   039c  e20317aa  mov x2, x23
#   03a0  010000d4  svc #0x0
#   03a4  400080d2  mov x0, #0x2
#   03a8  61020070  adr x1, 0x3f7
#   03ac  220080d2  mov x2, #0x1
#   03b0  010000d4  svc #0x0
#   03b4  c00f80d2  mov x0, #0x7e
#   03b8  9f0a00b1  cmn x20, #0x2
#   03bc  0014809a  cinc x0, x0, eq
#   03c0  6bffff17  b 0x16c
#   03c4  "nsgen-init\0exec\0"
#   03d4  "/bin/sh\0"
#   03dc  "nsgen-init: cannot execute "
#   03f7  "\n"
write_init() {
  case ${BASH_VERSINFO[5]} in
    x86_64-*)
      printf %s \
        f0VMRgIBAQAAAAAAAAAAAAIAPgABAAAAeABAAAAAAABAAAAAAAAAAAAAAAAAAAAAAAAAAEAAOAAB \
        AAAAAAAAAAEAAAAFAAAAAAAAAAAAAAAAAEAAAAAAAAAAQAAAAAAAqAMAAAAAAACoAwAAAAAAAAAA \
        AQAAAAAASInjSIHsmAAAALidAAAAvw8AAABIjTXhAgAADwW4DgAAAL8CAAAASI10JAhIgw7/SIni \
        QboIAAAADwW4tAEAAL8EAAAAvv////8x0g8FiwNMjXzDEEyLYxAx7U2F5HRcRTHtMdJDigQshMB0 \
        DEn/xTwvdfFEierr7EiLewhMieBIKfhIg/gQdQoPEAVsAgAADxEHQYnWuDgAAAC/EUEAADH2MdJF \
        MdJFMcAPBYnFhcAPhMcAAAAPiPcBAAC4PQAAAEiDz/9IjXQkELoBAAAARTHSDwWFwH49Oeh14A+2 \
        fCQRi0QkEIPgf3QGjbiAAAAAiXwkELgBAAAAvwMAAABIjXQkELoBAAAADwWLfCQQuOcAAAAPBbiA \
        AAAASI18JAhIjXQkGDHSQboIAAAADwWD+BF0iYnGhcB+3IXtdRONuIAAAAC5BIAAAEgPo8FyouvF \
        g3wkIAB+C7kMAHAQSA+jwXKzuIEAAACJ70iNVCQYDwWFwHShuD4AAAAPBeuYuLQBAAC/AwAAAIPO \
        /zHSDwW4fAAAADH/DwWJxbhuAAAADwU56HUpuG0AAAAx/zH2DwW4JwAAAA8FiUQkELgQAAAAMf++ \
        EFQAAEiNVCQQDwW4DgAAAL8CAAAASInmMdJBuggAAAAPBb3+////TYXtD4TBAAAATInnRInyRTH2 \
        hdJ1XUyJ/kitSIXAD4SmAAAAgThQQVRIde2AeAQ9dedMjXAFTIn2QYoGhMB0CTw6dAVJ/8br8EyJ \
        8Ugp8UiNfCTwSCnPTCnvSYn44wjzpMYHL0j/x0yJ5kmNTQHzpEyJx7g7AAAASI1zEEyJ+g8Fg/j4 \
        dR1IiXsQSI09kgAAAEiJewhIjXMIuDsAAAAPBUUx9oP983QCicVNhfZ0G/fYuQQgGABID6PBcw5B \
        igZJ/8aEwA+FbP///7gBAAAAvwIAAABIjTVQAAAAuhsAAAAPBbgBAAAATInmTInqDwW4AQAAAEiN \
        NUsAAAC6AQAAAA8FMf+D/f5AD5THg8d+6fT9//9uc2dlbi1pbml0AGV4ZWMAL2Jpbi9zaABuc2dl \
        bi1pbml0OiBjYW5ub3QgZXhlY3V0ZSAK
      ;;
    aarch64-*)
      printf %s \
        f0VMRgIBAQAAAAAAAAAAAAIAtwABAAAAeABAAAAAAABAAAAAAAAAAAAAAAAAAAAAAAAAAEAAOAAB \
        AAAAAAAAAAEAAAAFAAAAAAAAAAAAAAAAAEAAAAAAAAAAQAAAAAAA+AMAAAAAAAD4AwAAAAAAAAAA \
        AQAAAAAA8wMAkf+DAtHoFIDS4AGA0uEZABABAADU6BCA0kAAgNIEAICS5AcA+eEjAJHiAwCRAwGA \
        0gEAANSINoDSgACA0gEAgBICAIDSAQAA1GFqQKl2CkD5dQ4Bi7VCAJEUAIDS1gIAtBcAgNIZAIDS \
        wWp3OKEAADT3BgCRP7wAcTkAmZr7//8XwQIayz9AAPGBAABU4BUAEAEIQKlBCwCpiBuA0iAiiNIB \
        AIDSAQAA1PQDAKpgBwC0oBL4t4gggNIAAICS4UMAkSIAgNIDAIDSAQAA1B8AAPEtAgBUHwAU6+H+ \
        /1ThE0C5IDwIUyEYAHJAAABUIAACEeATALkICIDSYACA0uFDAJEiAIDSAQAA1OATQLnIC4DSAQAA \
        1CgRgNLgIwCR4WMAkQIAgNIDAYDSAQAA1B9EAPEg/P9U4QMAqh8AAPHN/v9U1AAAtYIAkNJCJMCa \
        Qv4HNgAAAhHn//8X4iNAuV8AAHGtAABUggGA0gIOovJCJMCaIv0HN0gRgNLgAxSq4mMAkQEAANSA \
        /P+0KBCA0uADFKoBAADU4P//F4g2gNJgAIDSAQCAEgIAgNIBAADUiBOA0gEAANT0AwCqqBWA0gEA \
        ANQfABTroQEAVEgTgNIAAIDSAQCA0gEAANSIFYDSAQAA1OATALmoA4DSAACA0gGCitLiQwCRAQAA \
        1OgQgNJAAIDS4QMAkQIAgNIDAYDSAQAA1DQAgJKXBwC04AMWqhgAgNJ5BAC1AiqIUoIKqXLhAxWq \
        OIRA+JgGALQDR0C4fwACa4H//1QDF0A4f/QAcSH//1ThAxiqAwNAOaMAADR/6ABxYAAAVBgHAJH7 \
        //8XAgMBy+BDANEAAALLAAAXy+QDAKriAAC0IxRAOIMUADhCBADRov//teMFgFKDFAA44QMWqiMU \
        QDiDFAA4w///NeUDAKqoG4DSYUIAkeIDFaoBAADUHyAAscEAAFSABAAQYJYAqWEiAJEBAADUGACA \
        0p82ALGUAoCaGAEAtOADAMuBAIRSAQOgciEkwJphAAA2ARdAOIH6/zUICIDSQACA0qECABBiA4DS \
        AQAA1EAAgNLhAxaq4gMXqgEAANRAAIDSYQIAcCIAgNIBAADUwA+A0p8KALEAFICaa///F25zZ2Vu \
        'LWluaXQAZXhlYwAvYmluL3NoAG5zZ2VuLWluaXQ6IGNhbm5vdCBleGVjdXRlIAo='
      ;;
    *) return 1 ;;
  esac | base64 -d
}

# Holds the init open until stdin ends, in a file system that goes with the namespace of mounts that this runs in. Says
# where: its process id, as /proc counts.
make_init() {
  set -Eeuo pipefail
  local pid
  mount -n -i -c -t tmpfs -o nosuid,nodev,mode=700 -- tmpfs /proc/driver
  cd /proc/driver
  write_init >memfd:nsgen-init
  chmod 755 memfd:nsgen-init
  exec 4<memfd:nsgen-init
  rm -f -- memfd:nsgen-init
  read -r pid _ </proc/self/stat
  printf '%s\n' "$pid"
  read -r _ || true
}

# Whether /proc is that of our own pid namespace. In that of another, a number means somebody else.
has_own_proc() {
  local status=''
  read -r -d '' status </proc/self/status || true
  [[ $status == *$'\nNSpid:\t'$$$'\n'* ]]
}

# Finds the directory of boxes that have names, and makes it. What others can write to is no place for it.
find_state_directory() {
  local -a modes
  state=${NSGEN_STATE_DIRECTORY-}
  if [[ -z $state ]] && ((EUID == 0)); then
    state=/run/nsgen
  elif [[ -z $state ]]; then
    [[ -n ${XDG_RUNTIME_DIR-} ]] ||
      die 'XDG_RUNTIME_DIR is not set: boxes with names are kept there (or set NSGEN_STATE_DIRECTORY to a directory)'
    state=$XDG_RUNTIME_DIR/nsgen
  fi
  [[ $state == /* && $state/ != */../* ]] || die "$state: must be an absolute path without \"..\""
  while [[ $state == ?*/ ]]; do state=${state%/}; done
  mkdir -m 700 -- "$state" 2>/dev/null || true
  [[ -d $state && ! -L $state ]] || die "$state: is not a directory, and cannot be made"
  [[ -O $state ]] || die "$state: belongs to another user"
  mapfile -t modes < <(stat -L -c %a -- "$state" "${state%/*}/")
  ((!(8#${modes[0]} & 8#022))) || die "$state: can be written to by others than its owner"
  # Whoever may write there, may put another in its place, unless only owners may (the sticky bit).
  (((8#${modes[1]} & 8#1002) != 8#0002)) ||
    die "$state: the directory that it is in can be written to by everybody (chmod o-w or +t ${state%/*}/)"
}

# Sets json to a word as JSON has it.
json_word() {
  local code hex character
  json=${1//\\/\\\\}
  json=${json//\"/\\\"}
  if [[ $json == *[[:cntrl:]]* ]]; then
    for ((code = 1; code < 32; code++)); do
      printf -v hex %02x "$code"
      printf -v character %b "\\x$hex"
      json=${json//"$character"/\\u00$hex}
    done
  fi
  json=\"$json\"
}

# Reads from the file life which process is the first of the box, and when it was started, unless that is known.
find_first() {
  # In a trap, a bare return would mean the status from before it.
  if [[ -n $first_start ]]; then return 0; fi
  local line=''
  local -a fields
  # By its descriptor: somebody may have removed the directory.
  read -r line <"/proc/$$/fd/$life" || return 1
  first=${line%% *}
  read -r -a fields <<<"${line##*) }"
  first_start=${fields[19]-none}
}

# Takes the directory of name $1 away, by way of $3, if it is the one whose file life is open as descriptor $2: somebody may
# have removed that, and another have the name. Who removes boxes has the lock meanwhile.
release_name() {
  local lock
  umask 077
  { exec {lock}>>"$state/.lock" && flock -w 10 "$lock"; } || return 0
  if [[ $state/$1/life -ef /proc/$$/fd/$2 ]]; then
    mv -T -- "$state/$1" "$3" && rm -rf -- "$3"
  fi
  exec {lock}>&-
}

# What is left when the box could not be started goes: its processes, its cgroups, its name.
abandon() {
  local line=''
  local -a now
  # Once begun, it is done to the end.
  trap - EXIT
  trap '' INT TERM HUP
  # What starts it stays until it is let go: by then the first has said who it is, or there is none.
  while [[ -n $starter ]] && ! find_first && kill -0 "$starter"; do pause 0.01; done
  # Who says there that it is the box, has it open as descriptor 3.
  if find_first && [[ /proc/$first/fd/3 -ef /proc/$$/fd/$life ]] && read -r line <"/proc/$first/stat"; then
    read -r -a now <<<"${line##*) }"
    if [[ ${now[19]} == "$first_start" ]]; then kill -s KILL "$first" || true; fi
  fi
  if [[ -n $starter ]]; then
    exec {go}>&-
    wait "$starter" || true
  fi
  release_name "$name" "$life" "$unfinished"
} 2>/dev/null

# Sets pid_namespace to that in which the numbers of processes here mean something: its inode, the start time of its first
# process, because an inode comes again, and the boot.
find_pid_namespace() {
  local line='' boot=''
  local -a fields
  has_own_proc || die '/proc is that of another pid namespace: boxes cannot be told by their numbers there'
  # Where /proc hides processes and settings, it goes without.
  {
    read -r -d '' line </proc/1/stat || true
    read -r boot </proc/sys/kernel/random/boot_id || true
  } 2>/dev/null
  read -r -a fields <<<"${line##*) }"
  pid_namespace=$(readlink /proc/self/ns/pid)
  pid_namespace=${pid_namespace//[!0-9]/}-${fields[19]-}-$boot
}

# Takes a name for the box, or makes one up: a directory of this name, complete from the moment that it appears. Its file
# life is locked (flock) as long as the box runs, by the descriptor that this leaves open; nsgen ps reads it.
claim_name() {
  local wanted=$1 command='' created stat pid_namespace tries word json
  local -a fields letters=(b d f g h j k l m n p r s t v z) vowels=(a e i o u)
  shift
  umask 077
  for word in "$@"; do
    json_word "$word"
    command+=${command:+,}$json
  done
  find_pid_namespace
  read -r -d '' stat </proc/$$/stat || true
  read -r -a fields <<<"${stat##*) }"
  # Since bash 5 in milliseconds.
  created=${EPOCHREALTIME:-}
  if [[ $created =~ ^[0-9]+\.[0-9]{6}$ ]]; then
    TZ=UTC0 printf -v created "%(%FT%T)T.${created: -6:3}Z" "${created%.*}"
  else
    TZ=UTC0 printf -v created '%(%FT%TZ)T' -1
  fi
  for ((tries = 0; tries < 100; tries++)); do
    name=$wanted
    if [[ -z $name ]]; then
      while ((${#name} < 6)); do name+=${letters[RANDOM % 16]}${vowels[RANDOM % 5]}; done
      name+=-$((RANDOM % 90 + 10))
    fi
    unfinished=$state/.$name.$$-${fields[19]}-$pid_namespace
    mkdir -m 700 -- "$unfinished" || die "cannot make a directory in $state"
    printf '{"name":"%s","created":"%s","command":[%s],"backend":"script","maker":{"pid":%s,"start":"%s"},"pidNamespace":"%s",%s}\n' \
      "$name" "$created" "$command" "$$" "${fields[19]}" "$pid_namespace" '"box":{"init":true,"hostname":"web","command":["sh","-c","(sleep 0.1 &); sleep 1; ps -ef"]}' >"$unfinished/box.json" || {
      rm -rf -- "$unfinished"
      die "cannot write to $state"
    }
    : >"$unfinished/log"
    exec {life}>>"$unfinished/life"
    flock -n "$life"
    if mv -T -- "$unfinished" "$state/$name" 2>/dev/null; then
      trap abandon EXIT
      return
    fi
    exec {life}>&-
    rm -rf -- "$unfinished"
    [[ -z $wanted ]] || break
  done
  die "the name $name is in use (nsgen ps -a shows by whom; nsgen rm frees that of a box that has ended)"
}

# Runs in the new namespaces, but for that of processes, in which it starts the first: enter. That one goes on by
# itself; this one stays, with the way to its namespace of mounts, until the script says that the box runs.
begin() {
  enter "$@" <&6 6<&- &
  exec >&- 3>&- 4>&- 5>&- 6<&-
  read -r _ || true
}

# The box has ended already. That is a failure to start it if there was no init, or no command for it.
check_end() {
  local status text=''
  local -a said
  mapfile -t said <"$state/$name/life"
  printf -v status %d "'${said[2]-}"
  # Up to a NUL byte, which neither the init nor any tool writes.
  read -r -d '' text <"$state/$name/log" || true
  text=${text%$'\n'}
  if [[ -z ${said[2]-} ]]; then
    # It has written 0, which bash does not read, or it was killed, or it has not come to be.
    if (($(stat -c %s -- "$state/$name/life") > ${#said[0]} + ${#said[1]} + 2)); then return; fi
    if [[ -n $has_init || -z $text ]]; then return; fi
    die "$text"
  fi
  if ((status == 126 || status == 127)) && [[ $text == 'nsgen-init: cannot execute '* ]]; then
    die "${text#nsgen-init: }" "$status"
  fi
}

# Starts the box, and waits until its command is executed. Descriptors of the box: 1 is a pipe until all is prepared, 3
# its file life, 5 its log,
# and 6 what will be its stdin. What cannot be done has been said by whoever could not do it.
start_detached() {
  local line command condition program has_init='' early=''
  local -a said fields
  # A signal waits until it is known whom to end.
  trap 'early=INT' INT
  trap 'early=TERM' TERM
  trap 'early=HUP' HUP
  coproc box {
    exec 3>&"$life" 5>>"$state/$name/log" 6</dev/null {life}>&-
    exec "$@"
  }
  go=${box[1]}
  starter=$!
  trap - INT TERM HUP
  [[ -z $early ]] || kill -s "$early" $$
  # Until the end of it. The command may have changed what life says by then; here is what was written to both before it.
  mapfile -t said <&"${box[0]}"
  ((${#said[@]} > 1)) && [[ ${said[-1]} == started ]] || exit 125
  first=${said[0]%% *}
  read -r -a fields <<<"${said[0]##*) }"
  first_start=${fields[19]}
  printf '%s %s\n' "$first" "$first_start" >"$state/$name/process" || exit 125
  # The init starts the command as by vfork(2): until it is executed, its program is that of the init.
  while :; do
    line='' command='' program=''
    read -r line <"/proc/$first/stat" || true
    read -r condition _ <<<"${line##*) }" || true
    if [[ -z $line || $condition == Z ]]; then break; fi
    if [[ $line == *'(nsgen-init)'* ]]; then has_init=yes; fi
    read -r command _ <"/proc/$first/task/$first/children" || true
    if [[ -n $has_init && -n $command ]]; then
      read -r program <"/proc/$command/comm" || true
      if [[ -n $program && $program != nsgen-init ]]; then break; fi
      if [[ -e /proc/$command/exe && ! /proc/$command/exe -ef /proc/$first/exe ]]; then break; fi
    fi
    pause 0.005
  done 2>/dev/null
  if [[ -z $line || $condition == Z ]]; then check_end; fi
  # A box that nobody has the name of is nobody's to stop.
  trap '' PIPE
  printf '%s\n' "$name" || die 'cannot print the name of the box: it has been ended, and removed'
  trap - EXIT PIPE
  exec {go}>&-
  wait "$starter" || true
}

# Says which step it was that failed. The reason has been printed by whatever failed.
failed() {
  printf 'box.sh: %s: failed\n' "$step" >&2
  exit 125
}

# What is done inside the new namespaces, still with the tools of the host. mount -n -i -c: the
# system call alone, with no entry in the host's table of mounts, no helper program, and paths left as they are.
enter() {
  set -Eeuo pipefail
  # Who this is, before anything else: then it is known, whatever becomes of the script.
  local stat
  read -r stat </proc/self/stat
  printf '%s\n' "$stat" >&3
  # The script may have been killed, and nobody may read what is for it.
  trap '' PIPE
  { printf '%s\n' "$stat"; } 2>&- || true
  local step
  local -a final=()
  trap failed ERR

  step='mount proc on /proc'
  mount -n -i -c -t proc -o 'nosuid,nodev,noexec' proc /proc

  step='set the host name to "web"'
  # Only root of the host may write the file; root of a user namespace makes the system call.
  printf %s web 2>/dev/null >/proc/sys/kernel/hostname || hostname -- web

  step='bring the loopback interface up'
  ip link set dev lo up

  step='make the init, 936 bytes, in a file without a name'
  # What makes it waits until it is open here, and has ended before anything is limited or counted.
  local pid ready
  local -a maker
  coproc maker { exec unshare --mount -- bash --norc -c make_init; }
  read -r pid <&"${maker[0]}"
  exec 4<"/proc/$pid/fd/4"
  ready=${maker[1]}
  exec {ready}>&-
  wait

  step='execute the init, which starts "sh" "-c" "(sleep 0.1 &); sleep 1; ps -ef"'
  # The first process that the command starts comes right after it again, whatever has been started for it. A limit on
  # devices may hold for this bash by now: /dev/null would be one.
  { printf %s "$BASHPID" >/proc/sys/kernel/ns_last_pid; } 2>&- || true
  # From here on, what is written goes to the log. A script that waits for the end of the pipe sees it.
  printf 'started\n' >&3
  { printf 'started\n'; } 2>&- || true
  exec >&5 2>&5 5>&-
  exec setsid -- env -i --default-signal -- \
    'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
    'HOME=/root' \
    "${final[@]}" /proc/self/fd/4 "$@"
}

main() {
  local path descriptor flags key value dry_run=
  local -a launch=()
  declare -g state='' name='' unfinished='' life='' go='' starter='' first='' first_start=''
  while (($# > 0)); do
    case $1 in
      --dry-run) dry_run=yes ;;
      --help)
        printf '%s\n' 'usage: box.sh [--dry-run] [--help] [--] [COMMAND [ARGUMENT...]]' \
          $'Starts sh -c \'(sleep 0.1 &); sleep 1; ps -ef\', or COMMAND, in the box that this script describes.' \
          'The comment at its top says what it does; --dry-run prints the commands and changes nothing.'
        exit 0
        ;;
      --)
        shift
        break
        ;;
      -*)
        printf 'box.sh: unknown option %s (a command that starts with "-" goes after "--")\n' "$1" >&2
        exit 2
        ;;
      *) break ;;
    esac
    shift
  done
  if (($# == 0)); then
    set -- \
      sh \
      -c \
      '(sleep 0.1 &); sleep 1; ps -ef'
  fi

  check_tools base64 bash chmod env flock hostname ip mkdir mount mv readlink rm setsid sleep stat unshare
  check_kernel cgroup ipc mnt net pid uts
  if ((EUID == 0)); then check_privilege; else check_user_namespaces; fi

  # The command line that starts the box, step by step.

  # start a process in new namespaces: cgroup, ipc, mount, net, pid, uts, user (unless the caller is root)
  launch+=("${BASH_CMDS[unshare]}" --cgroup --ipc --mount --net --pid --uts)

  # lead a new session, without a terminal
  # By setsid(1), in the last step: it makes no process of its own, because none that comes here leads a process group.

  # map root inside to the caller outside (unless the caller is root)
  if ((EUID != 0)); then launch+=(--user --map-root-user); fi

  # make all mounts private
  launch+=(--propagation private)

  # reset the actions of all signals, and block none
  # By env --default-signal, in the same step as the environment: unshare ignores some, and bash cannot reset what was
  # ignored when it started.

  # The rest is done inside, by the function enter. Without --norc, a bash whose stdin is a socket reads ~/.bashrc.
  launch+=(-- "${BASH_CMDS[bash]}" --norc -c "begin \"\$@\"" box.sh)
  export -f begin enter failed write_init make_init

  if [[ -n $dry_run ]]; then
    declare -f begin enter failed write_init make_init
    printf '%q ' "${launch[@]}" "$@"
    printf '\n'
    exit 0
  fi

  # write down who it is, in the file life of its name
  find_state_directory
  claim_name '' "$@"

  # set the file mode mask to 0022
  umask 0022

  # pass stdin, stdout and stderr through
  # One that the caller closed would be filled by the next file opened, whatever that is.
  [[ -e /proc/$$/fd/0 ]] || exec 0<>/dev/null
  [[ -e /proc/$$/fd/1 ]] || exec 1<>/dev/null
  [[ -e /proc/$$/fd/2 ]] || exec 2<>/dev/null

  # close every other descriptor, but for life, which is 3
  for path in "/proc/$$/fd/"*; do
    descriptor=${path##*/}
    # What bash has opened for itself is close-on-exec; what it has inherited is not.
    flags=2000000
    if ((descriptor > 2 && descriptor != life)) && [[ -e /proc/$$/fdinfo/$descriptor ]]; then
      while read -r key value; do
        if [[ $key == flags: ]]; then flags=$value; fi
      done <"/proc/$$/fdinfo/$descriptor"
    fi
    if ((!(8#$flags & 8#2000000))); then exec {descriptor}>&-; fi
  done

  # allow 1024 open descriptors, or as many as the hard limit says
  ulimit -S -n 1024 2>/dev/null || ulimit -S -n hard

  start_detached "${launch[@]}" "$@"
}

# At the very end, and in braces: from a pipe, bash has read all of it before the command starts. What follows in the
# pipe is for the command; bash goes on with /dev/null, and does not run what the command left.
{
  main "$@"
  exec </dev/null
}
