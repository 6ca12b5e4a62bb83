#!/usr/bin/env bash
#
# Starts a command in a box: a process with its own namespaces, root and identity.
# Written by nsgen from a description of the box. To change it, change the description and generate it again.
#
#   box      sha256 ee26332ff7033ffa1eb5a988bc5909216664f7d56601ebaae56d54718e76bd8a
#   command  uptime --pretty
#   needs    Linux, bash 4.4, coreutils, iproute2, util-linux
#   usage    box.sh [--dry-run] [--help] [--] [COMMAND [ARGUMENT...]]
#
# It does, in this order:
#   - start a process in new namespaces: cgroup, ipc, mount, net, pid, uts, user (unless the caller is root)
#   - be killed (SIGKILL) when whoever started it ends
#   - lead a new session, without a terminal
#   - set the file mode mask to 0022
#   - map root inside to the caller outside (unless the caller is root)
#   - new time namespace, monotonic clock +864000 s, boot time +864000 s
#   - make all mounts private
#   - mount proc on /proc
#   - bring the loopback interface up
#   - pass stdin, stdout and stderr through
#   - close every other descriptor
#   - allow 1024 open descriptors, or as many as the hard limit says
#   - reset the actions of all signals, and block none
#   - execute "uptime" "--pretty"

if [ -z "${BASH_VERSION-}" ]; then
  echo 'box.sh: needs bash: run it as "bash box.sh"' >&2
  exit 125
fi

# A function that the caller has exported would come before the builtin or program of its name. In POSIX mode none comes
# before unset.
POSIXLY_CORRECT=1
unset -f : break builtin cd continue declare die exec exit export hash kill local mapfile printf read return set shift \
  shopt trap true ulimit umask unset wait [ bash env ip setsid sleep unshare
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
  local tool packages='coreutils, iproute2, util-linux'
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

# Stops a process, and then all its descendants: whoever has stopped makes no more of them. In a pid namespace that is
# everybody: who has lost its parent is a child of the first. Who lets others go on again keeps nobody longer than some seconds.
stop_tree() {
  local pid child line file tries before rounds=0 going=0 end=$((SECONDS + 2))
  local -a level next
  for ((before = -1; before < ${#stopped[@]} && rounds < 20 && SECONDS <= end; rounds++)); do
    before=${#stopped[@]}
    level=("$1")
    while ((${#level[@]} > 0)); do
      next=()
      for pid in "${level[@]}"; do
        # Whom somebody else has stopped is to stay so.
        if read -r line <"/proc/$pid/stat" && [[ ${line##*) } == [RSD]* ]] && kill -s STOP "$pid"; then
          stopped+=("$pid")
        fi
      done
      for pid in "${level[@]}"; do
        # It stops once it has the processor; until then it would still take what is typed for somebody else.
        for ((tries = 0; tries < 200 && SECONDS <= end; tries++)); do
          { read -r line <"/proc/$pid/stat" && [[ ${line##*) } == [RSD]* ]]; } || break
          pause 0.005
        done
        for file in "/proc/$pid/task/"*/children; do
          child=
          read -r child <"$file" || true
          for child in $child; do next+=("$child"); done
        done
      done
      level=("${next[@]}")
    done
  done
  level=()
  for pid in "${stopped[@]}"; do level[pid]=1; done
  for pid in "${!level[@]}"; do
    if read -r line <"/proc/$pid/stat" && [[ ${line##*) } == [RSD]* ]]; then going=$((going + 1)); fi
  done
  if ((going > 0)); then
    printf 'box.sh: processes of the box that go on, because others let them: %s\n' "$going" >&"$errors"
  fi
}

# Lets go on whom stop_tree has stopped: the last first, so that a shell finds none of its children stopped. Those who get
# the signal itself are left out: the first process.
continue_tree() {
  local pid skip=" $1 "
  while ((${#stopped[@]} > 0)); do
    pid=${stopped[-1]}
    unset 'stopped[-1]'
    if [[ $skip != *" $pid "* ]]; then kill -s CONT "$pid" || true; fi
  done
}

# Ends the box at once, and says why.
kill_box() {
  kill -s KILL "$1" 2>/dev/null || return 0
  printf 'box.sh: %s: the box is killed (SIGKILL)\n' "$2" >&"$errors"
}

# When a process started, which tells it from a later one of the same number.
start_of() {
  local line
  local -a stat
  { read -r line <"/proc/$1/stat"; } 2>/dev/null || return 0
  read -r -a stat <<<"${line##*) }"
  printf '%s' "${stat[19]}"
}

# Kills the box if it has not ended some time after SIGTERM, of which a pid 1 without a handler takes no notice; then its
# own status is not 0. When the box has ended, the script closes the pipe. There is no trap here for which read -t would
# forget the time.
escalate() {
  local before
  trap '' INT TERM HUP QUIT USR1 USR2 TSTP
  exec {lifeline}>&-
  before=$(start_of "$1")
  if read -r -t 10 _ || (($? <= 128)); then return 0; fi
  [[ $(start_of "$1") == "$before" ]] || return 0
  kill_box "$1" 'no end 10 s after'" $2"
  return 1
} >/dev/null

# Passes a signal on to the box, which is the one child of unshare. It is in a session of its own: the keys of a terminal
# reach only what runs outside of it.
forward() {
  local now again pid=
  [[ -n ${child-} && -n ${errors-} ]] || return 0
  {
    read -r pid <"/proc/$child/task/$child/children" || true
  } 2>/dev/null
  pid=${pid:-$child}
  case $1 in
    INT)
      read -r now _ </proc/uptime
      now=${now/./}
      again=$((now - interrupted))
      interrupted=$now
      if ((again <= 1000)); then
        kill_box "$pid" 'SIGINT again'
        killed=yes
        return 0
      fi
      ;;
    TERM)
      if [[ -z $escalation ]]; then
        # A second one, for the whole process group, must not end it before it ignores that itself.
        trap '' "$1"
        exec {escalation}> >(escalate "$pid" "SIG$1")
        escalator=$!
        trap 'forward TERM || true' TERM
      fi
      ;;
    CONT)
      continued=yes
      continue_tree "$pid" 2>/dev/null
      ;;
  esac
  # What comes again before a trap has ended is lost on bash: this is the last thing, but for TSTP.
  kill -s "$1" "$pid" 2>/dev/null || true
  if [[ $1 == TSTP ]]; then
    # As pid 1 it would ignore TSTP, and go on reading from a terminal that is the shell's again. It has the time to
    # restore the terminal.
    continued=
    pause 0.05
    # Whom CONT has reached meanwhile, goes on.
    [[ -z $continued ]] || return 0
    stop_tree "$pid" 2>/dev/null || true
    if [[ -z $continued ]]; then kill -s STOP $$; else forward CONT; fi
  fi
}

# Waits for the end of the script. If no word comes before it, SIGKILL was its end: then unshare has to go, and the box
# with it. Its start time tells it from a later process of the same number; stopped, it makes no box any more.
watch() {
  local child line='' box=''
  local -a before now
  trap '' INT TERM HUP QUIT USR1 USR2 TSTP
  if read -r child; then
    read -r line <"/proc/$child/stat" || true
    read -r -a before <<<"${line##*) }"
    if read -r; then return; fi
    read -r line <"/proc/$child/stat" || line=
    read -r -a now <<<"${line##*) }"
    if [[ -n $line && ${before[19]-} == "${now[19]}" ]]; then
      kill -s STOP "$child"
      # Once its group is orphaned by the end of the script, the kernel lets it go on again.
      while read -r line <"/proc/$child/stat" && [[ ${line##*) } == [RSD]* ]]; do kill -s STOP "$child"; done
      read -r box <"/proc/$child/task/$child/children" || true
      kill -s KILL "${box:-$child}" "$child"
    fi
  fi
} >/dev/null 2>&1

# Runs the box, and ends as it ends: with its status, or 128+N when signal N ended it.
supervise() {
  local status=0 lifeline watcher errors='' escalation='' escalator='' interrupted=-1000000000 killed='' continued=''
  local -a stopped=()
  # Whatever fails in a trap, it is not the end of the script, and so of the box.
  trap 'forward INT || true' INT
  trap 'forward TERM || true' TERM
  trap 'forward HUP || true' HUP
  trap 'forward QUIT || true' QUIT
  trap 'forward USR1 || true' USR1
  trap 'forward USR2 || true' USR2
  trap 'forward WINCH || true' WINCH
  trap 'forward TSTP || true' TSTP
  trap 'forward CONT || true' CONT
  exec {lifeline}> >(watch)
  watcher=$!
  # For what the traps have to say, whatever is said to nobody meanwhile.
  exec {errors}>&2
  # A pipe for what unshare itself has to say. The box gets stderr back in enter, by way of 3.
  local log write line
  exec {log}<<<''
  exec {write}>"/proc/self/fd/$log"
  {
    printf '%s\n' "$BASHPID" >&"$lifeline"
    # unshare blocks TERM, but a key of the terminal would end it, or its hangup, and the box with it.
    trap '' INT QUIT HUP
    exec 3>&2 2>&"$write" {log}<&- {write}>&- {lifeline}>&- {errors}>&-
    exec "$@"
  } <&0 &
  child=$!
  exec {write}>&-
  await_child "$child" || status=$?
  # Should somebody have ended the watcher, there is nobody to tell.
  trap '' PIPE
  printf '\n' >&"$lifeline" || true
  trap - PIPE
  exec {lifeline}>&-
  wait "$watcher" || true
  if [[ -n $escalation ]]; then
    exec {escalation}>&-
    wait "$escalator" || killed=yes
  fi
  exec {errors}>&-
  errors=
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
  # unshare does not always say so.
  if [[ -n $killed ]]; then status=137; fi
  return "$status"
}

# Waits for a child of this script, and returns its status. wait is cut short by each signal that is passed on. When the child
# ends in the same moment, bash may take how it ended from the kernel and drop it (waitchld in its jobs.c): from then on it
# takes the child for running, and would wait for it for ever.
await_child() {
  local status=129 running=''
  {
    while kill -0 "$1"; do
      status=0
      wait "$1" || status=$?
    done
    if ((status > 128)); then
      running=$(jobs -r -p)
      if [[ $'\n'$running$'\n' != *$'\n'"$1"$'\n'* ]]; then
        status=0
        wait "$1" || status=$?
        running=
      fi
    fi
  } 2>/dev/null
  if [[ -n $running ]]; then
    printf "%s: %s\n" box.sh 'the exit status is lost: a signal came in the moment of the end, and bash has dropped it' >&2
    status=125
  fi
  return "$status"
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

  step='bring the loopback interface up'
  ip link set dev lo up

  step='execute "uptime" "--pretty"'
  # env would take a command such as a=b for a variable.
  if [[ $1 == *=* ]]; then
    hash unshare
    final=("${BASH_CMDS[unshare]}" --)
  fi
  # The first process that the command starts comes right after it again, whatever has been started for it. A limit on
  # devices may hold for this bash by now: /dev/null would be one.
  { printf %s "$BASHPID" >/proc/sys/kernel/ns_last_pid; } 2>&- || true
  exec setsid -- env -i --default-signal -- \
    'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
    'HOME=/root' \
    "${final[@]}" "$@"
}

main() {
  local path descriptor flags key value dry_run=
  local -a launch=()
  while (($# > 0)); do
    case $1 in
      --dry-run) dry_run=yes ;;
      --help)
        printf '%s\n' 'usage: box.sh [--dry-run] [--help] [--] [COMMAND [ARGUMENT...]]' \
          'Starts uptime --pretty, or COMMAND, in the box that this script describes.' \
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
      uptime \
      --pretty
  fi

  check_tools bash env ip setsid sleep unshare
  check_kernel cgroup ipc mnt net pid uts 'time'
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

  # new time namespace, monotonic clock +864000 s, boot time +864000 s
  launch+=(--time '--monotonic=864000' '--boottime=864000')

  # make all mounts private
  launch+=(--propagation private)

  # mount proc on /proc
  launch+=(--mount-proc=/proc)

  # reset the actions of all signals, and block none
  # By env --default-signal, in the same step as the environment: unshare ignores some, and bash cannot reset what was
  # ignored when it started.

  # The rest is done inside, by the function enter. Without --norc, a bash whose stdin is a socket reads ~/.bashrc.
  launch+=(-- "${BASH_CMDS[bash]}" --norc -c "enter \"\$@\"" box.sh)
  export -f enter failed

  if [[ -n $dry_run ]]; then
    declare -f enter failed
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
