#!/usr/bin/env bash
#
# Starts a command in a box: a process with its own namespaces, root and identity.
# Written by nsgen from a description of the box. To change it, change the description and generate it again.
#
#   box      sha256 f2296deb27b31a46f50aab963263ce8e3975daef825607f5d92b31808340073d
#   command  sh -c '(sleep 0.1 &); sleep 1; ps -ef'
#   needs    Linux, bash 4.4, coreutils, hostname, iproute2, mount, util-linux
#   usage    box.sh [--dry-run] [--help] [--] [COMMAND [ARGUMENT...]]
#
# It does, in this order:
#   - start a process in new namespaces: cgroup, ipc, mount, net, pid, uts, user (unless the caller is root)
#   - be killed (SIGKILL) when whoever started it ends
#   - lead a new session, without a terminal
#   - set the file mode mask to 0022
#   - map root inside to the caller outside (unless the caller is root)
#   - make all mounts private
#   - mount proc on /proc
#   - set the host name to "web"
#   - bring the loopback interface up
#   - pass stdin, stdout and stderr through
#   - close every other descriptor
#   - make the init, 895 bytes, in a file without a name
#   - allow 1024 open descriptors, or as many as the hard limit says
#   - reset the actions of all signals, and block none
#   - execute the init, which starts "sh" "-c" "(sleep 0.1 &); sleep 1; ps -ef"

if [ -z "${BASH_VERSION-}" ]; then
  echo 'box.sh: needs bash: run it as "bash box.sh"' >&2
  exit 125
fi

# A function that the caller has exported would come before the builtin or program of its name. In POSIX mode none comes
# before unset.
POSIXLY_CORRECT=1
unset -f : break builtin cd continue declare die exec exit export hash kill local mapfile printf read return set shift \
  shopt trap true ulimit umask unset wait [ base64 bash chmod env hostname ip mount rm setsid sleep unshare
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
unset -v child dev home_files last_pid optional_controller root
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

# Passes a signal on to the box, which is the one child of unshare. It is in a session of its own: the keys of a terminal
# reach only what runs outside of it.
forward() {
  local line tries pid=
  [[ -n ${child-} ]] || return 0
  read -r pid <"/proc/$child/task/$child/children" || true
  pid=${pid:-$child}
  if [[ $1 == TSTP ]]; then
    kill -s TSTP "$pid" || true
    # As pid 1 it would ignore TSTP, and go on reading from a terminal that is the shell's again. It has the time to
    # restore the terminal.
    pause 0.05
    kill -s STOP "$pid" || true
    # It stops once it has the processor; until then it would still take what is typed for somebody else.
    for ((tries = 0; tries < 200; tries++)); do
      { read -r line <"/proc/$pid/stat" && [[ ${line##*) } == [RSD]* ]]; } || break
      pause 0.005
    done
    kill -s STOP $$
  else
    # The last thing: what comes again before a trap has ended is lost on bash.
    kill -s "$1" "$pid" || true
  fi
} 2>/dev/null

# Waits for the end of the script. If no word comes before it, SIGKILL was its end: then unshare has to go, and the box
# with it. Its start time tells it from a later process of the same number; stopped, it makes no box any more.
watch() {
  local child line='' box=''
  local -a before now
  trap '' INT TERM HUP QUIT USR1 USR2 TSTP
  read -r child || return
  read -r line <"/proc/$child/stat" || true
  read -r -a before <<<"${line##*) }"
  if ! read -r && read -r line <"/proc/$child/stat"; then
    read -r -a now <<<"${line##*) }"
    if [[ ${before[19]-} == "${now[19]}" ]]; then
      kill -s STOP "$child"
      while read -r line <"/proc/$child/stat" && [[ ${line##*) } == [RSD]* ]]; do :; done
      read -r box <"/proc/$child/task/$child/children" || true
      kill -s KILL "${box:-$child}" "$child"
    fi
  fi
} >/dev/null 2>&1

# Runs the box, and ends as it ends: with its status, or 128+N when signal N ended it.
supervise() {
  local status=0 lifeline watcher
  trap 'forward INT' INT
  trap 'forward TERM' TERM
  trap 'forward HUP' HUP
  trap 'forward QUIT' QUIT
  trap 'forward USR1' USR1
  trap 'forward USR2' USR2
  trap 'forward WINCH' WINCH
  trap 'forward TSTP' TSTP
  trap 'forward CONT' CONT
  exec {lifeline}> >(watch)
  watcher=$!
  # A pipe for what unshare itself has to say. The box gets stderr back in enter, by way of 3.
  local log write line
  exec {log}<<<''
  exec {write}>"/proc/self/fd/$log"
  {
    printf '%s\n' "$BASHPID" >&"$lifeline"
    # unshare blocks TERM, but a key of the terminal would end it, or its hangup, and the box with it.
    trap '' INT QUIT HUP
    exec 3>&2 2>&"$write" {log}<&- {write}>&- {lifeline}>&-
    exec "$@"
  } <&0 &
  child=$!
  exec {write}>&-
  # wait is cut short by each signal that is passed on; bash keeps the status for the last time it is asked.
  {
    while kill -0 "$child"; do wait "$child" || true; done
    wait "$child" || status=$?
  } 2>/dev/null
  # Should somebody have ended the watcher, there is nobody to tell.
  trap '' PIPE
  printf '\n' >&"$lifeline" || true
  trap - PIPE
  exec {lifeline}>&-
  wait "$watcher" || true
  # Anything there is a failure of unshare's own; before util-linux 2.39, a child ended by SIGKILL was one as well.
  while read -r line <&"$log"; do
    case $line in
      '') ;;
      *'unshare failed: No space left on device')
        printf 'box.sh: %s: a limit in /proc/sys/user/max_*_namespaces is reached\n' "$line" >&2
        status=125
        ;;
      *'sigprocmask unblock failed'*) status=137 ;;
      *)
        printf 'box.sh: %s\n' "$line" >&2
        status=125
        ;;
    esac
  done
  exec {log}<&-
  return "$status"
}

# Prints the init, an ELF executable of one page, for the processor that this bash was built for. What is in it, to be
# compared with what objdump says of it:
#
#   x86_64: 895 bytes, objdump -D -b binary -m i386:x86-64 -M intel
#   0078  4889e3          mov rbx,rsp
#   007b  4881ec98000000  sub rsp,0x98
#   0082  b89d000000      mov eax,0x9d
#   0087  bf0f000000      mov edi,0xf
#   008c  488d35b8020000  lea rsi,[rip+0x2b8]
#   0093  0f05            syscall
#   0095  b80e000000      mov eax,0xe
#   009a  bf02000000      mov edi,0x2
#   009f  488d742408      lea rsi,[rsp+0x8]
#   00a4  48830eff        or QWORD PTR [rsi],0xffffffffffffffff
#   00a8  4889e2          mov rdx,rsp
#   00ab  41ba08000000    mov r10d,0x8
#   00b1  0f05            syscall
#   00b3  b848000000      mov eax,0x48
#   00b8  bf03000000      mov edi,0x3
#   00bd  be02000000      mov esi,0x2
#   00c2  ba01000000      mov edx,0x1
#   00c7  0f05            syscall
#   00c9  8b03            mov eax,DWORD PTR [rbx]
#   00cb  4c8d7cc310      lea r15,[rbx+rax*8+0x10]
#   00d0  4c8b6310        mov r12,QWORD PTR [rbx+0x10]
#   00d4  bf02000000      mov edi,0x2
#   00d9  4d85e4          test r12,r12
#   00dc  0f84a3000000    je 0x185
#   00e2  4531ed          xor r13d,r13d
#   00e5  31d2            xor edx,edx
#   00e7  438a042c        mov al,BYTE PTR [r12+r13*1]
#   00eb  84c0            test al,al
#   00ed  740c            je 0xfb
#   00ef  49ffc5          inc r13
#   00f2  3c2f            cmp al,0x2f
#   00f4  75f1            jne 0xe7
#   00f6  4489ea          mov edx,r13d
#   00f9  ebec            jmp 0xe7
#   00fb  488b7b08        mov rdi,QWORD PTR [rbx+0x8]
#   00ff  4c89e0          mov rax,r12
#   0102  4829f8          sub rax,rdi
#   0105  4883f810        cmp rax,0x10
#   0109  750a            jne 0x115
#   010b  0f100539020000  movups xmm0,XMMWORD PTR [rip+0x239]
#   0112  0f1107          movups XMMWORD PTR [rdi],xmm0
#   0115  4189d6          mov r14d,edx
#   0118  b838000000      mov eax,0x38
#   011d  bf11410000      mov edi,0x4111
#   0122  31f6            xor esi,esi
#   0124  31d2            xor edx,edx
#   0126  4531d2          xor r10d,r10d
#   0129  4531c0          xor r8d,r8d
#   012c  0f05            syscall
#   012e  89c5            mov ebp,eax
#   0130  85c0            test eax,eax
#   0132  0f84a5000000    je 0x1dd
#   0138  0f88c4010000    js 0x302
#   013e  b8b4010000      mov eax,0x1b4
#   0143  bf03000000      mov edi,0x3
#   0148  beffffffff      mov esi,0xffffffff
#   014d  31d2            xor edx,edx
#   014f  0f05            syscall
#   0151  b83d000000      mov eax,0x3d
#   0156  4883cfff        or rdi,0xffffffffffffffff
#   015a  488d742410      lea rsi,[rsp+0x10]
#   015f  ba01000000      mov edx,0x1
#   0164  4531d2          xor r10d,r10d
#   0167  0f05            syscall
#   0169  85c0            test eax,eax
#   016b  7e1f            jle 0x18c
#   016d  39e8            cmp eax,ebp
#   016f  75e0            jne 0x151
#   0171  0fb67c2411      movzx edi,BYTE PTR [rsp+0x11]
#   0176  8b442410        mov eax,DWORD PTR [rsp+0x10]
#   017a  83e07f          and eax,0x7f
#   017d  7406            je 0x185
#   017f  8db880000000    lea edi,[rax+0x80]
#   0185  b8e7000000      mov eax,0xe7
#   018a  0f05            syscall
#   018c  b880000000      mov eax,0x80
#   0191  488d7c2408      lea rdi,[rsp+0x8]
#   0196  488d742418      lea rsi,[rsp+0x18]
#   019b  31d2            xor edx,edx
#   019d  41ba08000000    mov r10d,0x8
#   01a3  0f05            syscall
#   01a5  83f811          cmp eax,0x11
#   01a8  74a7            je 0x151
#   01aa  89c6            mov esi,eax
#   01ac  85c0            test eax,eax
#   01ae  7edc            jle 0x18c
#   01b0  837c242000      cmp DWORD PTR [rsp+0x20],0x0
#   01b5  7e0b            jle 0x1c2
#   01b7  b90c007010      mov ecx,0x1070000c
#   01bc  480fa3c1        bt rcx,rax
#   01c0  72ca            jb 0x18c
#   01c2  b881000000      mov eax,0x81
#   01c7  89ef            mov edi,ebp
#   01c9  488d542418      lea rdx,[rsp+0x18]
#   01ce  0f05            syscall
#   01d0  85c0            test eax,eax
#   01d2  74b8            je 0x18c
#   01d4  b83e000000      mov eax,0x3e
#   01d9  0f05            syscall
#   01db  ebaf            jmp 0x18c
#   01dd  b87c000000      mov eax,0x7c
#   01e2  31ff            xor edi,edi
#   01e4  0f05            syscall
#   01e6  89c5            mov ebp,eax
#   01e8  b86e000000      mov eax,0x6e
#   01ed  0f05            syscall
#   01ef  39e8            cmp eax,ebp
#   01f1  7529            jne 0x21c
#   01f3  b86d000000      mov eax,0x6d
#   01f8  31ff            xor edi,edi
#   01fa  31f6            xor esi,esi
#   01fc  0f05            syscall
#   01fe  b827000000      mov eax,0x27
#   0203  0f05            syscall
#   0205  89442410        mov DWORD PTR [rsp+0x10],eax
#   0209  b810000000      mov eax,0x10
#   020e  31ff            xor edi,edi
#   0210  be10540000      mov esi,0x5410
#   0215  488d542410      lea rdx,[rsp+0x10]
#   021a  0f05            syscall
#   021c  b80e000000      mov eax,0xe
#   0221  bf02000000      mov edi,0x2
#   0226  4889e6          mov rsi,rsp
#   0229  31d2            xor edx,edx
#   022b  41ba08000000    mov r10d,0x8
#   0231  0f05            syscall
#   0233  bdfeffffff      mov ebp,0xfffffffe
#   0238  4d85ed          test r13,r13
#   023b  0f84c1000000    je 0x302
#   0241  4c89e7          mov rdi,r12
#   0244  4489f2          mov edx,r14d
#   0247  4531f6          xor r14d,r14d
#   024a  85d2            test edx,edx
#   024c  755d            jne 0x2ab
#   024e  4c89fe          mov rsi,r15
#   0251  48ad            lods rax,QWORD PTR ds:[rsi]
#   0253  4885c0          test rax,rax
#   0256  0f84a6000000    je 0x302
#   025c  813850415448    cmp DWORD PTR [rax],0x48544150
#   0262  75ed            jne 0x251
#   0264  8078043d        cmp BYTE PTR [rax+0x4],0x3d
#   0268  75e7            jne 0x251
#   026a  4c8d7005        lea r14,[rax+0x5]
#   026e  4c89f6          mov rsi,r14
#   0271  418a06          mov al,BYTE PTR [r14]
#   0274  84c0            test al,al
#   0276  7409            je 0x281
#   0278  3c3a            cmp al,0x3a
#   027a  7405            je 0x281
#   027c  49ffc6          inc r14
#   027f  ebf0            jmp 0x271
#   0281  4c89f1          mov rcx,r14
#   0284  4829f1          sub rcx,rsi
#   0287  488d7c24f0      lea rdi,[rsp-0x10]
#   028c  4829cf          sub rdi,rcx
#   028f  4c29ef          sub rdi,r13
#   0292  4989f8          mov r8,rdi
#   0295  e308            jrcxz 0x29f
#   0297  f3a4            rep movs BYTE PTR es:[rdi],BYTE PTR ds:[rsi]
#   0299  c6072f          mov BYTE PTR [rdi],0x2f
#   029c  48ffc7          inc rdi
#   029f  4c89e6          mov rsi,r12
#   02a2  498d4d01        lea rcx,[r13+0x1]
#   02a6  f3a4            rep movs BYTE PTR es:[rdi],BYTE PTR ds:[rsi]
#   02a8  4c89c7          mov rdi,r8
#   02ab  b83b000000      mov eax,0x3b
#   02b0  488d7310        lea rsi,[rbx+0x10]
#   02b4  4c89fa          mov rdx,r15
#   02b7  0f05            syscall
#   02b9  83f8f8          cmp eax,0xfffffff8
#   02bc  751d            jne 0x2db
#   02be  48897b10        mov QWORD PTR [rbx+0x10],rdi
#   02c2  488d3d92000000  lea rdi,[rip+0x92]
#   02c9  48897b08        mov QWORD PTR [rbx+0x8],rdi
#   02cd  488d7308        lea rsi,[rbx+0x8]
#   02d1  b83b000000      mov eax,0x3b
#   02d6  0f05            syscall
#   02d8  4531f6          xor r14d,r14d
#   02db  83fdf3          cmp ebp,0xfffffff3
#   02de  7402            je 0x2e2
#   02e0  89c5            mov ebp,eax
#   02e2  4d85f6          test r14,r14
#   02e5  741b            je 0x302
#   02e7  f7d8            neg eax
#   02e9  b904201800      mov ecx,0x182004
#   02ee  480fa3c1        bt rcx,rax
#   02f2  730e            jae 0x302
#   02f4  418a06          mov al,BYTE PTR [r14]
#   02f7  49ffc6          inc r14
#   02fa  84c0            test al,al
#   02fc  0f856cffffff    jne 0x26e
#   0302  b801000000      mov eax,0x1
#   0307  bf02000000      mov edi,0x2
#   030c  488d3550000000  lea rsi,[rip+0x50]
#   0313  ba1b000000      mov edx,0x1b
#   0318  0f05            syscall
#   031a  b801000000      mov eax,0x1
#   031f  4c89e6          mov rsi,r12
#   0322  4c89ea          mov rdx,r13
#   0325  0f05            syscall
#   0327  b801000000      mov eax,0x1
#   032c  488d354b000000  lea rsi,[rip+0x4b]
#   0333  ba01000000      mov edx,0x1
#   0338  0f05            syscall
#   033a  31ff            xor edi,edi
#   033c  83fdfe          cmp ebp,0xfffffffe
#   033f  400f94c7        sete dil
#   0343  83c77e          add edi,0x7e
#   0346  e93afeffff      jmp 0x185
#   034b  "nsgen-init\0exec\0"
#   035b  "/bin/sh\0"
#   0363  "nsgen-init: cannot execute "
#   037e  "\n"
#
#   aarch64: 976 bytes, objdump -D -b binary -m aarch64
#   0078  f3030091  mov x19, sp
#   007c  ff8302d1  sub sp, sp, #0xa0
#   0080  e81480d2  mov x8, #0xa7
#   0084  e00180d2  mov x0, #0xf
#   0088  a1180010  adr x1, 0x39c
#   008c  010000d4  svc #0x0
#   0090  e81080d2  mov x8, #0x87
#   0094  400080d2  mov x0, #0x2
#   0098  04008092  mov x4, #0xffffffffffffffff
#   009c  e40700f9  str x4, [sp, #8]
#   00a0  e1230091  add x1, sp, #0x8
#   00a4  e2030091  mov x2, sp
#   00a8  030180d2  mov x3, #0x8
#   00ac  010000d4  svc #0x0
#   00b0  280380d2  mov x8, #0x19
#   00b4  600080d2  mov x0, #0x3
#   00b8  410080d2  mov x1, #0x2
#   00bc  220080d2  mov x2, #0x1
#   00c0  010000d4  svc #0x0
#   00c4  616a40a9  ldp x1, x26, [x19]
#   00c8  760a40f9  ldr x22, [x19, #16]
#   00cc  750e018b  add x21, x19, x1, lsl #3
#   00d0  b5420091  add x21, x21, #0x10
#   00d4  400080d2  mov x0, #0x2
#   00d8  b60500b4  cbz x22, 0x18c
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
#   0108  a0140010  adr x0, 0x39c
#   010c  010840a9  ldp x1, x2, [x0]
#   0110  410b00a9  stp x1, x2, [x26]
#   0114  881b80d2  mov x8, #0xdc
#   0118  202288d2  mov x0, #0x4111
#   011c  010080d2  mov x1, #0x0
#   0120  020080d2  mov x2, #0x0
#   0124  030080d2  mov x3, #0x0
#   0128  040080d2  mov x4, #0x0
#   012c  010000d4  svc #0x0
#   0130  f40300aa  mov x20, x0
#   0134  600600b4  cbz x0, 0x200
#   0138  0011f8b7  tbnz x0, #63, 0x358
#   013c  883680d2  mov x8, #0x1b4
#   0140  600080d2  mov x0, #0x3
#   0144  01008012  mov w1, #0xffffffff
#   0148  020080d2  mov x2, #0x0
#   014c  010000d4  svc #0x0
#   0150  882080d2  mov x8, #0x104
#   0154  00008092  mov x0, #0xffffffffffffffff
#   0158  e1430091  add x1, sp, #0x10
#   015c  220080d2  mov x2, #0x1
#   0160  030080d2  mov x3, #0x0
#   0164  010000d4  svc #0x0
#   0168  1f0000f1  cmp x0, #0x0
#   016c  4d010054  b.le 0x194
#   0170  1f0014eb  cmp x0, x20
#   0174  e1feff54  b.ne 0x150
#   0178  e11340b9  ldr w1, [sp, #16]
#   017c  203c0853  ubfx w0, w1, #8, #8
#   0180  21180072  ands w1, w1, #0x7f
#   0184  40000054  b.eq 0x18c
#   0188  20000211  add w0, w1, #0x80
#   018c  c80b80d2  mov x8, #0x5e
#   0190  010000d4  svc #0x0
#   0194  281180d2  mov x8, #0x89
#   0198  e0230091  add x0, sp, #0x8
#   019c  e1630091  add x1, sp, #0x18
#   01a0  020080d2  mov x2, #0x0
#   01a4  030180d2  mov x3, #0x8
#   01a8  010000d4  svc #0x0
#   01ac  1f4400f1  cmp x0, #0x11
#   01b0  00fdff54  b.eq 0x150
#   01b4  e10300aa  mov x1, x0
#   01b8  1f0000f1  cmp x0, #0x0
#   01bc  cdfeff54  b.le 0x194
#   01c0  e22340b9  ldr w2, [sp, #32]
#   01c4  5f000071  cmp w2, #0x0
#   01c8  ad000054  b.le 0x1dc
#   01cc  820180d2  mov x2, #0xc
#   01d0  020ea2f2  movk x2, #0x1070, lsl #16
#   01d4  4224c09a  lsr x2, x2, x0
#   01d8  e2fd0737  tbnz w2, #0, 0x194
#   01dc  481180d2  mov x8, #0x8a
#   01e0  e00314aa  mov x0, x20
#   01e4  e2630091  add x2, sp, #0x18
#   01e8  010000d4  svc #0x0
#   01ec  40fdffb4  cbz x0, 0x194
#   01f0  281080d2  mov x8, #0x81
#   01f4  e00314aa  mov x0, x20
#   01f8  010000d4  svc #0x0
#   01fc  e6ffff17  b 0x194
#   0200  881380d2  mov x8, #0x9c
#   0204  010000d4  svc #0x0
#   0208  f40300aa  mov x20, x0
#   020c  a81580d2  mov x8, #0xad
#   0210  010000d4  svc #0x0
#   0214  1f0014eb  cmp x0, x20
#   0218  a1010054  b.ne 0x24c
#   021c  481380d2  mov x8, #0x9a
#   0220  000080d2  mov x0, #0x0
#   0224  010080d2  mov x1, #0x0
#   0228  010000d4  svc #0x0
#   022c  881580d2  mov x8, #0xac
#   0230  010000d4  svc #0x0
#   0234  e01300b9  str w0, [sp, #16]
#   0238  a80380d2  mov x8, #0x1d
#   023c  000080d2  mov x0, #0x0
#   0240  01828ad2  mov x1, #0x5410
#   0244  e2430091  add x2, sp, #0x10
#   0248  010000d4  svc #0x0
#   024c  e81080d2  mov x8, #0x87
#   0250  400080d2  mov x0, #0x2
#   0254  e1030091  mov x1, sp
#   0258  020080d2  mov x2, #0x0
#   025c  030180d2  mov x3, #0x8
#   0260  010000d4  svc #0x0
#   0264  34008092  mov x20, #0xfffffffffffffffe
#   0268  970700b4  cbz x23, 0x358
#   026c  e00316aa  mov x0, x22
#   0270  180080d2  mov x24, #0x0
#   0274  790400b5  cbnz x25, 0x300
#   0278  022a8852  mov w2, #0x4150
#   027c  820aa972  movk w2, #0x4854, lsl #16
#   0280  e10315aa  mov x1, x21
#   0284  388440f8  ldr x24, [x1], #8
#   0288  980600b4  cbz x24, 0x358
#   028c  034740b8  ldr w3, [x24], #4
#   0290  7f00026b  cmp w3, w2
#   0294  81ffff54  b.ne 0x284
#   0298  03174038  ldrb w3, [x24], #1
#   029c  7ff40071  cmp w3, #0x3d
#   02a0  21ffff54  b.ne 0x284
#   02a4  e10318aa  mov x1, x24
#   02a8  03034039  ldrb w3, [x24]
#   02ac  a3000034  cbz w3, 0x2c0
#   02b0  7fe80071  cmp w3, #0x3a
#   02b4  60000054  b.eq 0x2c0
#   02b8  18070091  add x24, x24, #0x1
#   02bc  fbffff17  b 0x2a8
#   02c0  020301cb  sub x2, x24, x1
#   02c4  e04300d1  sub x0, sp, #0x10
#   02c8  000002cb  sub x0, x0, x2
#   02cc  000017cb  sub x0, x0, x23
#   02d0  e40300aa  mov x4, x0
#   02d4  e20000b4  cbz x2, 0x2f0
#   02d8  23144038  ldrb w3, [x1], #1
#   02dc  83140038  strb w3, [x4], #1
#   02e0  420400d1  sub x2, x2, #0x1
#   02e4  a2ffffb5  cbnz x2, 0x2d8
#   02e8  e3058052  mov w3, #0x2f
#   02ec  83140038  strb w3, [x4], #1
#   02f0  e10316aa  mov x1, x22
#   02f4  23144038  ldrb w3, [x1], #1
#   02f8  83140038  strb w3, [x4], #1
#   02fc  c3ffff35  cbnz w3, 0x2f4
#   0300  e50300aa  mov x5, x0
#   0304  a81b80d2  mov x8, #0xdd
#   0308  61420091  add x1, x19, #0x10
#   030c  e20315aa  mov x2, x21
#   0310  010000d4  svc #0x0
#   0314  1f2000b1  cmn x0, #0x8
#   0318  c1000054  b.ne 0x330
#   031c  80040010  adr x0, 0x3ac
#   0320  609600a9  stp x0, x5, [x19, #8]
#   0324  61220091  add x1, x19, #0x8
#   0328  010000d4  svc #0x0
#   032c  180080d2  mov x24, #0x0
#   0330  9f3600b1  cmn x20, #0xd
#   0334  9402809a  csel x20, x20, x0, eq
#   0338  180100b4  cbz x24, 0x358
#   033c  e00300cb  neg x0, x0
#   0340  81008452  mov w1, #0x2004
#   0344  0103a072  movk w1, #0x18, lsl #16
#   0348  2124c09a  lsr x1, x1, x0
#   034c  61000036  tbz w1, #0, 0x358
#   0350  01174038  ldrb w1, [x24], #1
#   0354  81faff35  cbnz w1, 0x2a4
#   0358  080880d2  mov x8, #0x40
#   035c  400080d2  mov x0, #0x2
#   0360  a1020010  adr x1, 0x3b4
#   0364  620380d2  mov x2, #0x1b
#   0368  010000d4  svc #0x0
#   036c  400080d2  mov x0, #0x2
#   0370  e10316aa  mov x1, x22
#   0374  e20317aa  mov x2, x23
#   0378  010000d4  svc #0x0
#   037c  400080d2  mov x0, #0x2
#   0380  61020070  adr x1, 0x3cf
#   0384  220080d2  mov x2, #0x1
#   0388  010000d4  svc #0x0
#   038c  c00f80d2  mov x0, #0x7e
#   0390  9f0a00b1  cmn x20, #0x2
#   0394  0014809a  cinc x0, x0, eq
#   0398  7dffff17  b 0x18c
#   039c  "nsgen-init\0exec\0"
#   03ac  "/bin/sh\0"
#   03b4  "nsgen-init: cannot execute "
#   03cf  "\n"
write_init() {
  case ${BASH_VERSINFO[5]} in
    x86_64-*)
      printf %s \
        f0VMRgIBAQAAAAAAAAAAAAIAPgABAAAAeABAAAAAAABAAAAAAAAAAAAAAAAAAAAAAAAAAEAAOAAB \
        AAAAAAAAAAEAAAAFAAAAAAAAAAAAAAAAAEAAAAAAAAAAQAAAAAAAfwMAAAAAAAB/AwAAAAAAAAAA \
        AQAAAAAASInjSIHsmAAAALidAAAAvw8AAABIjTW4AgAADwW4DgAAAL8CAAAASI10JAhIgw7/SIni \
        QboIAAAADwW4SAAAAL8DAAAAvgIAAAC6AQAAAA8FiwNMjXzDEEyLYxC/AgAAAE2F5A+EowAAAEUx \
        7THSQ4oELITAdAxJ/8U8L3XxRInq6+xIi3sITIngSCn4SIP4EHUKDxAFOQIAAA8RB0GJ1rg4AAAA \
        vxFBAAAx9jHSRTHSRTHADwWJxYXAD4SlAAAAD4jEAQAAuLQBAAC/AwAAAL7/////MdIPBbg9AAAA \
        SIPP/0iNdCQQugEAAABFMdIPBYXAfh856HXgD7Z8JBGLRCQQg+B/dAaNuIAAAAC45wAAAA8FuIAA \
        AABIjXwkCEiNdCQYMdJBuggAAAAPBYP4EXSnicaFwH7cg3wkIAB+C7kMAHAQSA+jwXLKuIEAAACJ \
        70iNVCQYDwWFwHS4uD4AAAAPBeuvuHwAAAAx/w8FicW4bgAAAA8FOeh1KbhtAAAAMf8x9g8FuCcA \
        AAAPBYlEJBC4EAAAADH/vhBUAABIjVQkEA8FuA4AAAC/AgAAAEiJ5jHSQboIAAAADwW9/v///02F \
        7Q+EwQAAAEyJ50SJ8kUx9oXSdV1Mif5IrUiFwA+EpgAAAIE4UEFUSHXtgHgEPXXnTI1wBUyJ9kGK \
        BoTAdAk8OnQFSf/G6/BMifFIKfFIjXwk8Egpz0wp70mJ+OMI86TGBy9I/8dMieZJjU0B86RMice4 \
        OwAAAEiNcxBMifoPBYP4+HUdSIl7EEiNPZIAAABIiXsISI1zCLg7AAAADwVFMfaD/fN0AonFTYX2 \
        dBv32LkEIBgASA+jwXMOQYoGSf/GhMAPhWz///+4AQAAAL8CAAAASI01UAAAALobAAAADwW4AQAA \
        AEyJ5kyJ6g8FuAEAAABIjTVLAAAAugEAAAAPBTH/g/3+QA+Ux4PHfuk6/v//bnNnZW4taW5pdABl \
        'eGVjAC9iaW4vc2gAbnNnZW4taW5pdDogY2Fubm90IGV4ZWN1dGUgCg=='
      ;;
    aarch64-*)
      printf %s \
        f0VMRgIBAQAAAAAAAAAAAAIAtwABAAAAeABAAAAAAABAAAAAAAAAAAAAAAAAAAAAAAAAAEAAOAAB \
        AAAAAAAAAAEAAAAFAAAAAAAAAAAAAAAAAEAAAAAAAAAAQAAAAAAA0AMAAAAAAADQAwAAAAAAAAAA \
        AQAAAAAA8wMAkf+DAtHoFIDS4AGA0qEYABABAADU6BCA0kAAgNIEAICS5AcA+eEjAJHiAwCRAwGA \
        0gEAANQoA4DSYACA0kEAgNIiAIDSAQAA1GFqQKl2CkD5dQ4Bi7VCAJFAAIDStgUAtBcAgNIZAIDS \
        wWp3OKEAADT3BgCRP7wAcTkAmZr7//8XwQIayz9AAPGBAABUoBQAEAEIQKlBCwCpiBuA0iAiiNIB \
        AIDSAgCA0gMAgNIEAIDSAQAA1PQDAKpgBgC0ABH4t4g2gNJgAIDSAQCAEgIAgNIBAADUiCCA0gAA \
        gJLhQwCRIgCA0gMAgNIBAADUHwAA8U0BAFQfABTr4f7/VOETQLkgPAhTIRgAckAAAFQgAAIRyAuA \
        0gEAANQoEYDS4CMAkeFjAJECAIDSAwGA0gEAANQfRADxAP3/VOEDAKofAADxzf7/VOIjQLlfAABx \
        rQAAVIIBgNICDqLyQiTAmuL9BzdIEYDS4AMUquJjAJEBAADUQP3/tCgQgNLgAxSqAQAA1Ob//xeI \
        E4DSAQAA1PQDAKqoFYDSAQAA1B8AFOuhAQBUSBOA0gAAgNIBAIDSAQAA1IgVgNIBAADU4BMAuagD \
        gNIAAIDSAYKK0uJDAJEBAADU6BCA0kAAgNLhAwCRAgCA0gMBgNIBAADUNACAkpcHALTgAxaqGACA \
        0nkEALUCKohSggqpcuEDFao4hED4mAYAtANHQLh/AAJrgf//VAMXQDh/9ABxIf//VOEDGKoDA0A5 \
        owAANH/oAHFgAABUGAcAkfv//xcCAwHL4EMA0QAAAssAABfL5AMAquIAALQjFEA4gxQAOEIEANGi \
        //+14wWAUoMUADjhAxaqIxRAOIMUADjD//815QMAqqgbgNJhQgCR4gMVqgEAANQfIACxwQAAVIAE \
        ABBglgCpYSIAkQEAANQYAIDSnzYAsZQCgJoYAQC04AMAy4EAhFIBA6ByISTAmmEAADYBF0A4gfr/ \
        NQgIgNJAAIDSoQIAEGIDgNIBAADUQACA0uEDFqriAxeqAQAA1EAAgNJhAgBwIgCA0gEAANTAD4DS \
        nwoAsQAUgJp9//8XbnNnZW4taW5pdABleGVjAC9iaW4vc2gAbnNnZW4taW5pdDogY2Fubm90IGV4 \
        'ZWN1dGUgCg=='
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
  exec 3<memfd:nsgen-init
  rm -f -- memfd:nsgen-init
  read -r pid _ </proc/self/stat
  printf '%s\n' "$pid"
  read -r _ || true
}

# Says which step it was that failed. The reason has been printed by whatever failed.
failed() {
  printf 'box.sh: %s: failed\n' "$step" >&2
  exit 125
}

# What is done inside the new namespaces, still with the tools of the host. mount -n -i -c: the
# system call alone, with no entry in the host's table of mounts, no helper program, and paths left as they are.
enter() {
  exec 2>&3 3>&-
  set -Eeuo pipefail
  local step
  local -a final=()
  trap failed ERR

  step='set the host name to "web"'
  # Only root of the host may write the file; root of a user namespace makes the system call.
  printf %s web 2>/dev/null >/proc/sys/kernel/hostname || hostname -- web

  step='bring the loopback interface up'
  ip link set dev lo up

  step='make the init, 895 bytes, in a file without a name'
  # What makes it waits until it is open here, and has ended before anything is limited or counted.
  local pid ready
  local -a maker
  coproc maker { exec unshare --mount -- bash --norc -c make_init; }
  read -r pid <&"${maker[0]}"
  exec 3<"/proc/$pid/fd/3"
  ready=${maker[1]}
  exec {ready}>&-
  wait

  step='execute the init, which starts "sh" "-c" "(sleep 0.1 &); sleep 1; ps -ef"'
  # The first process that the command starts is 2 again, whatever has been started for it. A limit on devices may hold for
  # this bash by now: /dev/null would be one.
  { printf 1 >/proc/sys/kernel/ns_last_pid; } 2>&- || true
  exec setsid -- env -i --default-signal -- \
    'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
    'HOME=/root' \
    "${final[@]}" /proc/self/fd/3 "$@"
}

main() {
  local path descriptor flags key value dry_run=
  local -a launch=()
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

  check_tools base64 bash chmod env hostname ip mount rm setsid sleep unshare
  check_kernel cgroup ipc mnt net pid uts
  if ((EUID == 0)); then check_privilege; else check_user_namespaces; fi

  # The command line that starts the box, step by step.

  # start a process in new namespaces: cgroup, ipc, mount, net, pid, uts, user (unless the caller is root)
  launch+=("${BASH_CMDS[unshare]}" --fork --cgroup --ipc --mount --net --pid --uts)

  # be killed (SIGKILL) when whoever started it ends
  # The function watch does the same for unshare when this script dies.
  launch+=(--kill-child=KILL)

  # lead a new session, without a terminal
  # By setsid(1), in the last step: it makes no process of its own, because none that comes here leads a process group.

  # map root inside to the caller outside (unless the caller is root)
  if ((EUID != 0)); then launch+=(--user --map-root-user); fi

  # make all mounts private
  launch+=(--propagation private)

  # mount proc on /proc
  launch+=(--mount-proc=/proc)

  # reset the actions of all signals, and block none
  # By env --default-signal, in the same step as the environment: unshare ignores some, and bash cannot reset what was
  # ignored when it started.

  # The rest is done inside, by the function enter. Without --norc, a bash whose stdin is a socket reads ~/.bashrc.
  launch+=(-- "${BASH_CMDS[bash]}" --norc -c "enter \"\$@\"" box.sh)
  export -f enter failed write_init make_init

  if [[ -n $dry_run ]]; then
    declare -f enter failed write_init make_init
    printf '%q ' "${launch[@]}" "$@"
    printf '\n'
    exit 0
  fi

  # set the file mode mask to 0022
  umask 0022

  # pass stdin, stdout and stderr through
  # One that the caller closed would be filled by the next file opened, whatever that is.
  [[ -e /proc/$$/fd/0 ]] || exec 0<>/dev/null
  [[ -e /proc/$$/fd/1 ]] || exec 1<>/dev/null
  [[ -e /proc/$$/fd/2 ]] || exec 2<>/dev/null

  # close every other descriptor
  for path in "/proc/$$/fd/"*; do
    descriptor=${path##*/}
    # What bash has opened for itself is close-on-exec; what it has inherited is not.
    flags=2000000
    if ((descriptor > 2)) && [[ -e /proc/$$/fdinfo/$descriptor ]]; then
      while read -r key value; do
        if [[ $key == flags: ]]; then flags=$value; fi
      done <"/proc/$$/fdinfo/$descriptor"
    fi
    if ((!(8#$flags & 8#2000000))); then exec {descriptor}>&-; fi
  done

  # allow 1024 open descriptors, or as many as the hard limit says
  ulimit -S -n 1024 2>/dev/null || ulimit -S -n hard

  local status=0
  supervise "${launch[@]}" "$@" || status=$?
  return "$status"
}

# At the very end, and in braces: from a pipe, bash has read all of it before the command starts. What follows in the
# pipe is for the command; bash goes on with /dev/null, and does not run what the command left.
{
  main "$@"
  exec </dev/null
}
