#!/usr/bin/env bash
#
# Starts a command in a box: a process with its own namespaces, root and identity.
# Written by nsgen from a description of the box. To change it, change the description and generate it again.
#
#   box      sha256 f9485e2a1a53d1529bfd88f5af90d4d511d67c3b620a62318fe1582a9e74153f
#   command  bash
#   needs    Linux, bash 4.4, bsdutils, coreutils, iproute2, libc-bin, mount, util-linux
#   usage    box.sh [--dry-run] [--help] [--] [COMMAND [ARGUMENT...]]
#
# It does, in this order:
#   - open a program that executes the command, in place of one of the host
#   - start a process in new namespaces: cgroup, ipc, mount, net, pid, uts, user (unless the caller is root)
#   - be killed (SIGKILL) when whoever started it ends
#   - lead a new session, without a terminal
#   - set the file mode mask to 0022
#   - map root inside to the caller outside (unless the caller is root)
#   - make all mounts private
#   - mount a tmpfs on "/proc/fs", and copy into it: "bash", "ls", "ps", "stty", "tty"
#   - mount proc on /proc of the rootfs
#   - mount a /dev with null, zero, full, random, urandom, tty, ptmx, pts, shm
#   - make a terminal, in a devpts on "/dev/pts", and show it on "/dev/console"
#   - bring the loopback interface up
#   - make "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger" read-only
#   - mask "/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/sched_debug", "/proc/scsi", "/proc/timer_list", "/proc/timer_stats", "/sys/devices/virtual/powercap", "/sys/firmware"
#   - make "/proc/fs" the root, and drop the old one
#   - make the terminal stdin, stdout and stderr
#   - make the terminal that of the session
#   - close every other descriptor, but for those of the launcher, 3 and 4
#   - change to the directory "/"
#   - allow 1024 open descriptors, or as many as the hard limit says
#   - reset the actions of all signals, and block none
#   - execute "bash"

if [ -z "${BASH_VERSION-}" ]; then
  echo 'box.sh: needs bash: run it as "bash box.sh"' >&2
  exit 125
fi

# A function that the caller has exported would come before the builtin or program of its name. In POSIX mode none comes
# before unset.
POSIXLY_CORRECT=1
unset -f : break builtin cd continue declare die exec exit export hash kill local mapfile printf read return set shift \
  shopt trap true ulimit umask unset wait [ bash chmod cp env ip ldd ln mkdir mount nsenter pivot_root readlink script setpriv sleep stat stty umount unshare
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
  local tool packages='bsdutils, coreutils, iproute2, libc-bin, mount, util-linux'
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

# Kills the box if it has not ended some time after SIGTERM, or the hangup of the terminal, of which a pid 1 without a handler takes no notice; then its
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
  local now again during pid=
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
    TERM | HUP)
      # After SIGHUP only if there is nobody any more to see the box: a daemon would read its configuration again.
      if [[ -z $escalation ]] && [[ $1 == TERM || -n $attributes && ! -t 0 ]]; then
        # A second one, for the whole process group, must not end it before it ignores that itself.
        trap '' "$1"
        exec {escalation}> >(escalate "$pid" "SIG$1")
        escalator=$!
        if [[ $1 == HUP ]]; then trap 'forward HUP || true' HUP; else trap 'forward TERM || true' TERM; fi
      fi
      ;;
    CONT)
      continued=yes
      continue_tree "$pid" 2>/dev/null
      ;;
  esac
  # What comes again before a trap has ended is lost on bash: this is the last thing, but for TSTP.
  kill -s "$1" "$pid" 2>/dev/null || true
  # With the hangup of a terminal comes CONT, and of two signals at once bash may lose the first.
  if [[ $1 == CONT && -n $attributes && ! -t 0 ]]; then forward HUP; fi
  if [[ $1 == TSTP ]]; then
    # As pid 1 it would ignore TSTP, and go on reading from a terminal that is the shell's again. It has the time to
    # restore the terminal.
    continued=
    pause 0.05
    # Whom CONT has reached meanwhile, goes on.
    [[ -z $continued ]] || return 0
    stop_tree "$pid" 2>/dev/null || true
    # Until then the caller's terminal is as it was.
    if [[ -n $attributes ]]; then
      kill -s STOP "$child"
      during=$(stty -g)
      set_terminal "$attributes"
    fi
    if [[ -z $continued ]]; then kill -s STOP $$; else forward CONT; fi
    if [[ -n $attributes ]]; then
      set_terminal "$during"
      kill -s CONT "$child"
      kill -s WINCH "$child"
    fi
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
      # script is left to end by itself: it has to restore the caller's terminal.
      kill -s KILL "${box:-$child}"
      kill -s CONT "$child"
    fi
  fi
} >/dev/null 2>&1

# Runs the box, and ends as it ends: with its status, or 128+N when signal N ended it.
supervise() {
  local status=0 lifeline watcher errors='' escalation='' escalator='' interrupted=-1000000000 killed='' continued=''
  local attributes=''
  if [[ -t 0 ]]; then attributes=$(stty -g); fi
  local -a stopped=()
  # Whatever fails in a trap, it is not the end of the script, and so of the box.
  trap 'forward INT || true' INT
  trap 'forward TERM || true' TERM
  trap 'forward HUP || true' HUP
  trap 'forward QUIT || true' QUIT
  trap 'forward USR1 || true' USR1
  trap 'forward USR2 || true' USR2
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
    # The caller's terminal is not to be written to while script has it.
    exec 3>&"$write" 2>&"$write" {log}<&- {write}>&- {lifeline}>&- {errors}>&-
    exec "$@"
  } <&0 &
  child=$!
  exec {write}>&-
  await_child "$child" || status=$?
  # script has done so, unless it was killed.
  if [[ -n $attributes ]]; then set_terminal "$attributes" || true; fi
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
        printf 'box.sh: %s\n' "${line#box.sh: }" >&2
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

# Gives the caller's terminal these attributes. stty fails as well when somebody else, a shell that takes or gives its terminal,
# changes them at the same moment.
set_terminal() {
  local tries
  for ((tries = 0; tries < 10; tries++)); do
    if [[ ! -t 0 ]] || stty "$1" 2>/dev/null; then return; fi
    pause 0.01
  done
}

# Has script(1) make the terminal of the box. The process that becomes script is in all namespaces of the box but that of
# process ids, for its first child begins that one. script does the rest: what is typed in the caller's terminal goes to
# the box's, its size follows, and at the end it is as it was.
make_terminal() {
  set -Eeuo pipefail
  local line step='mount a devpts on /dev/pts, for the terminal of the box'
  trap failed ERR
  mount -n -i -c -t devpts -o 'nosuid,noexec,newinstance,mode=620,ptmxmode=666' -- devpts /dev/pts
  step='make a terminal by script(1)'
  # It takes one word, for a shell. Whoever kills script kills the box.
  printf -v line '%q ' exec setpriv --pdeathsig KILL -- "$BASH" --norc -c 'enter "$@"' box.sh "$@"
  if ((${#line} >= 131072)); then
    step+=': the arguments of the command are longer than 128 KiB'
    false
  fi
  SCRIPT_PID=$$ SHELL=$BASH exec unshare --pid -- script -q -e -f -c "$line" /dev/null
}

# Follows a path inside a rootfs as the kernel will once the rootfs is the root: no symlink leads out of it.
find_in_root() {
  local root=$1 rest=$2 part target hops=0
  found=$root
  while [[ -n $rest ]]; do
    part=${rest%%/*}
    rest=${rest#"$part"}
    rest=${rest#/}
    if [[ -z $part || $part == . ]]; then
      continue
    elif [[ $part == .. ]]; then
      if [[ $found != "$root" ]]; then found=${found%/*}; fi
    elif [[ -L $found/$part ]]; then
      ((++hops <= 40)) || return 1
      target=$(readlink -n -- "$found/$part" && printf .)
      target=${target%.}
      if [[ $target == /* ]]; then found=$root; fi
      rest=$target/$rest
    else
      found=$found/$part
    fi
  done
}

# Makes sure that paths of a file system of the box are mounts, if they are there. Had somebody changed the rootfs
# meanwhile, they could have passed for missing, or what covers them could be elsewhere. By its descriptor, it is the
# file system itself that is asked.
check_covered() {
  local place=$1 type=$2 options=$3 file key value id='' line parent point at outer found ancestor
  local -a lines checked=()
  local -A parents=() above=()
  shift 3
  [[ -d $place ]]
  exec {file}<"$place"
  while read -r key value; do
    if [[ $key == mnt_id: ]]; then id=$value; fi
  done <"/proc/self/fdinfo/$file"
  mapfile -t lines </proc/self/mountinfo
  at=
  for line in "${lines[@]}"; do
    read -r key parent _ _ point value _ <<<"$line"
    printf -v point %b "${point//\\/\\0}"
    parents[$key]=$parent
    if [[ $key == "$id" && $line == *" - $type "* ]]; then at=$point; fi
    above[$point]+="$key,$value "
  done
  # A link may have led to that of the host.
  [[ $at == "$place" ]]
  for point in "$@"; do
    find_in_root "/proc/self/fd/$file" "$point"
    for outer in "${checked[@]}"; do
      if [[ $found == "$outer"/* ]]; then continue 2; fi
    done
    if [[ ! -e $found ]]; then continue; fi
    checked+=("$found")
    point=$place${found#"/proc/self/fd/$file"}
    value=
    for line in ${above[$point]-}; do
      ancestor=${line%%,*}
      while [[ -n $ancestor && $ancestor != "$id" ]]; do ancestor=${parents[$ancestor]-}; done
      if [[ -n $ancestor && ${line%%,*} != "$id" && ,${line#*,}, == *",$options"* ]]; then value=yes; fi
    done
    [[ -n $value ]]
  done
  exec {file}<&-
}

# Goes to a directory of the rootfs, which others may be changing. The kernel says where that is; nobody can swap a
# working directory afterwards.
go_to() {
  local place
  cd -P -- "$1"
  place=$(readlink -n -- /proc/self/cwd && printf .)
  [[ ${place%.} == "$1" ]]
}

# Finds the place in a rootfs where something is mounted. If it is missing it is made, as a directory or a file; but a
# symlink that leads nowhere is not followed.
mount_point() {
  local root=$1 rest=$2 kind=$3 parent part
  find_in_root "$root" "$rest"
  if [[ -e $found ]]; then return; fi
  found=$root
  while [[ -n $rest ]]; do
    part=${rest%%/*}
    rest=${rest#"$part"}
    rest=${rest#/}
    if [[ -z $part || $part == . ]]; then continue; fi
    parent=$found
    find_in_root "$root" "${parent#"$root"}/$part"
    if [[ -e $found ]]; then continue; fi
    [[ $found == "$parent/$part" ]]
    go_to "$parent"
    if [[ -z $rest && $kind == file ]]; then
      set -C
      : >"./$part"
      set +C
    else
      mkdir -- "./$part"
    fi
  done
}

# Makes sure that mounts are where they should be: whoever changes the rootfs meanwhile could lead mount elsewhere. The
# kernel knows.
check_mount() {
  local line point top
  local -a lines
  local -A there=()
  mapfile -t lines </proc/self/mountinfo
  for line in "${lines[@]}"; do
    read -r _ _ _ _ point _ <<<"$line"
    # A space is \040 there; %b wants a 0 before the three digits, or it would take a fourth.
    printf -v top %b "${point//\\/\\0}"
    there[$top]=yes
  done
  for point in "$@"; do
    if [[ -z ${there[$point]-} ]]; then return 1; fi
  done
}

# Lists the mounts that can be seen, and how they are mounted. What is mounted later on a directory, or in the same place,
# hides what was there before.
list_mounts() {
  local id parent point options above line
  local -a lines=() all
  local -A children=() hidden=()
  mounted=()
  mapfile -t all </proc/self/mountinfo
  for line in "${all[@]}"; do
    read -r id parent _ _ point options _ <<<"$line"
    printf -v point %b "${point//\\/\\0}"
    lines+=("$id $parent $options $point")
    children[$parent$point]=yes
  done
  for line in "${lines[@]}"; do
    id=${line%% *} line=${line#* }
    parent=${line%% *} line=${line#* }
    options=${line%% *} point=${line#* }
    above=$point
    while [[ -z ${hidden[$parent]-} && $above == /?* ]]; do
      above=${above%/*}
      if [[ -n ${children[$parent${above:-/}]-} ]]; then hidden[$id]=yes; fi
    done
    if [[ -n ${hidden[$parent]-} ]]; then hidden[$id]=yes; fi
    if [[ -z ${hidden[$id]-} ]]; then mounted[$point]=$options; fi
  done
}

# Mounts the whole table in one process. mount wants a regular file: bash 4.4 has a here-string in one, which has no name,
# and newer ones do the same if they are told to. It is in the /dev of the box, and goes with the box.
mount_table() {
  if ((${#points[@]} == 0)); then return; fi
  local BASH_COMPAT=4.4 TMPDIR=${dev-} file
  exec {file}<<<"$table"
  mount -n -i -c --all --fstab "/proc/self/fd/$file"
  exec {file}<&-
  check_mount "${points[@]}"
  table=
  points=()
}

# Adds a line of fstab(5) to a table for mount: source, mount point, type, options. What mount --all finds mounted
# already it would pass over, so that is mounted by itself.
add_mount() {
  if [[ -n ${mounted[$2]-} ]]; then
    mount_table
    mount -n -i -c -t "$3" -o "$4" -- "$1" "$2"
    return
  fi
  local field line=
  for field in "$@"; do
    field=${field//\\/\\134}
    field=${field// /\\040}
    field=${field//$'\t'/\\011}
    line+="${field//$'\n'/\\012} "
  done
  table+=$line$'\n'
  mounted[$2]=$4
  points+=("$2")
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
  local step file found parent
  local table=
  local -a points=()
  local -A mounted=()
  trap failed ERR

  # script may have been killed before this process was to die with it.
  step='make a terminal by script(1)'
  local starter
  read -r _ _ _ starter _ </proc/self/stat
  [[ $starter == "$SCRIPT_PID" ]]

  step='mount a tmpfs on "/proc/fs", and copy into it: "bash", "ls", "ps", "stty", "tty"'
  # What the box needs is collected here: directories, symbolic links with what they name, files.
  local path directory line found reason start
  local -a words programs elves pending others contents
  local -A directories=() links=() files=() unknown=() real=() needed=() seen=() libraries=()

  refuse() {
    printf 'box.sh: rootfs: %s: %s\n' "$1" "$2" >&2
    exit 2
  }

  # Collects what is at a path of the host, and on the way there. Status 1 asks for the target of a link, 2 refuses.
  follow() {
    local rest=$1 part hops=0
    found=
    while [[ -n $rest ]]; do
      part=${rest%%/*}
      rest=${rest#"$part"}
      rest=${rest#/}
      if [[ -z $part || $part == . ]]; then
        continue
      elif [[ $part == .. ]]; then
        found=${found%/*}
        continue
      fi
      found=$found/$part
      reason="nothing is copied from $found"
      if [[ $found == /dev || $found == /proc || $found == /sys ]]; then return 2; fi
      reason='its name has a newline in it'
      if [[ $found == *$'\n'* ]]; then return 2; fi
      if [[ -L $found ]]; then
        if [[ -z ${links[$found]-} ]]; then
          unknown[$found]=yes
          return 1
        fi
        reason='too many symbolic links'
        ((++hops <= 40)) || return 2
        rest=${links[$found]}/$rest
        if [[ ${links[$found]} == /* ]]; then found=; else found=${found%/*}; fi
      elif [[ -d $found ]]; then
        directories[$found]=yes
      elif [[ -f $found ]]; then
        files[$found]=yes
      else
        reason='there is no such file or directory'
        return 2
      fi
    done
    reason='the root of the host is not copied'
    [[ -n $found ]] || return 2
    real[$1]=$found
  }

  # Collects many paths. One readlink answers for all links that are met for the first time.
  collect() {
    local path status index
    local -a pending=("$@") later targets
    while ((${#pending[@]} > 0)); do
      later=()
      unknown=()
      for path in "${pending[@]}"; do
        status=0
        follow "$path" || status=$?
        case $status in
          1) later+=("$path") ;;
          2) [[ -z ${needed[$path]-} ]] || refuse "$path" "$reason" ;;
        esac
      done
      if ((${#unknown[@]} > 0)); then
        index=0
        mapfile -d '' -t targets < <(readlink -z -- "${!unknown[@]}")
        for path in "${!unknown[@]}"; do
          links[$path]=${targets[index++]}
        done
      fi
      pending=("${later[@]}")
    done
  }

  # All that is in directories. A link in one stays a link; the file that it names comes along.
  collect_contents() {
    local directory path
    local -a pending
    shopt -s dotglob nullglob
    for directory; do
      pending=("$directory"/*)
      collect "${pending[@]}"
      contents+=("${pending[@]}")
      for path in "${pending[@]}"; do
        [[ $path != *$'\n'* ]] || refuse "$path" 'its name has a newline in it'
        if [[ -d $path && ! -L $path ]]; then
          collect_contents "$path"
        elif [[ ! -L $path && ! -f $path ]]; then
          refuse "$path" 'it is neither a file nor a directory'
        fi
      done
    done
    shopt -u dotglob nullglob
  }

  # A program by its name, in the PATH of the box.
  look_up() {
    local directory
    for directory in \
      /usr/local/sbin \
      /usr/local/bin \
      /usr/sbin \
      /usr/bin \
      /sbin \
      /bin; do
      found=$directory/$1
      if [[ -f $found && -x $found ]]; then return; fi
    done
    [[ -z $2 ]] || refuse "$1" 'there is no such program in the PATH of the box'
    found=
  }

  # The interpreters of scripts: the kernel reads 256 bytes, and of what is behind #!/usr/bin/env, env the first word
  # that is neither an option nor a variable. ELF files are for ldd.
  examine() {
    local path=$1 line word
    local -a words
    IFS= read -r -d '' -n 256 line <"$path" || true
    if [[ $line == $'\x7fELF'* ]]; then elves+=("$path"); fi
    if [[ $line != '#!'* ]]; then return; fi
    line=${line%%$'\n'*}
    read -r -a words <<<"${line:2}"
    if ((${#words[@]} == 0)); then return; fi
    others+=("${words[0]}")
    if [[ -n ${needed[$path]-} ]]; then needed[${words[0]}]=yes; fi
    if [[ ${words[0]} != */env ]]; then return; fi
    for word in "${words[@]:1}"; do
      word=${word#-S}
      if [[ -z $word || $word == -* || $word == *=* ]]; then continue; fi
      look_up "$word" "${needed[$path]-}"
      if [[ -n $found ]]; then
        others+=("$found")
        if [[ -n ${needed[$path]-} ]]; then needed[$found]=yes; fi
      fi
      break
    done
  }

  # The libraries of ELF files, as the loader finds them. It does not run what it is asked about.
  load() {
    local file='' line
    while IFS= read -r line; do
      if [[ $line != $'\t'* ]]; then
        file=${line%:}
      elif [[ $line =~ ^$'\t'(.*' => ')?(/.*)' '\(0x[0-9a-f]+\)$ ]]; then
        libraries[${BASH_REMATCH[2]}]=yes
        needed[${BASH_REMATCH[2]}]=yes
      elif [[ $line == *' => not found' && -n ${needed[$file]-} ]]; then
        refuse "$file" "a library is not found: ${line:1}"
      fi
    done < <(env -i PATH="$PATH" LC_ALL=C ldd -- "$@" / 2>/dev/null || true)
  }

  # The programs, and the interpreters of those that are scripts.
  for path in \
    bash \
    ls \
    ps \
    stty \
    tty; do
    if [[ $path == /* ]]; then found=$path; else look_up "$path" yes; fi
    needed[$found]=yes
    programs+=("$found")
  done
  for path in /bin /lib /lib32 /lib64 /libx32 /sbin; do
    if [[ -L $path ]]; then others+=("$path"); fi
  done
  collect "${programs[@]}" "${others[@]}"
  others=()
  for path in "${programs[@]}"; do
    path=${real[$path]}
    needed[$path]=yes
    pending+=("$path")
    if [[ -d $path ]]; then collect_contents "$path"; fi
  done
  pending+=("${contents[@]}")
  while ((${#pending[@]} > 0)); do
    for path in "${pending[@]}"; do
      found=${real[$path]-$path}
      if [[ -n ${needed[$path]-} ]]; then needed[$found]=yes; fi
      if [[ -f $found && -z ${seen[$found]-} ]]; then
        seen[$found]=yes
        examine "$found"
      fi
    done
    pending=("${others[@]}")
    others=()
    collect "${pending[@]}"
  done

  # What they load, and what the C library looks for: its cache, its locale, terminals.
  if ((${#elves[@]} > 0)); then load "${elves[@]}"; fi
  for path in "${!libraries[@]}"; do
    others+=("$path" /etc/ld.so.cache)
    case ${path##*/} in
      libc.so.6)
        # Before glibc 2.34, names of users and hosts were looked up by libraries of their own.
        line=$(env -i PATH="$PATH" LC_ALL=C ldd --version)
        line=${line%%$'\n'*}
        if ((${line##*.} < 34)); then
          for found in "${path%/*}"/libnss_{files,dns}.so.2; do
            if [[ -e $found ]]; then
              others+=("$found")
              load "$found"
            fi
          done
        fi
        for found in /usr/lib/locale/C.{utf8,UTF-8}; do
          if [[ -d $found ]]; then
            collect "$found"
            collect_contents "${real[$found]}"
          fi
        done
        ;;
      libtinfo.so.* | libtinfow.so.* | libncurses.so.* | libncursesw.so.*)
        for line in dumb linux screen screen-256color tmux tmux-256color vt100 xterm xterm-256color; do
          for found in {/etc,/lib,/usr/share}/terminfo/"${line:0:1}/$line"; do
            if [[ -e $found ]]; then
              others+=("$found")
              break
            fi
          done
        done
        ;;
    esac
  done
  collect "${!libraries[@]}" "${others[@]}"

  # It is mounted where every host has a directory, and nobody looks for anything. Only this box sees it.
  local root=/proc/fs
  mount -n -i -c -t tmpfs -o nosuid,nodev,mode=755 -- tmpfs "$root"
  cd -- "$root"
  words=("${!directories[@]}")
  mkdir -p -- ./dev ./etc ./proc ./root ./run ./sys ./tmp ./var ./var/tmp "${words[@]/#/.}"
  # New files, of whoever makes them: no owner, no setuid bit and no group's right to write comes along.
  cd /
  words=("${!links[@]}" "${!files[@]}")
  for ((start = 0; start < ${#words[@]}; start += 1000)); do
    pending=("${words[@]:start:1000}")
    cp -P --parents --preserve=timestamps -- "${pending[@]/#/.}" "$root"
  done
  cd -- "$root"
  [[ -e ./etc/passwd || -L ./etc/passwd ]] || printf '%s\n' root:x:0:0:root:/root:/bin/sh nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin >./etc/passwd
  [[ -e ./etc/group || -L ./etc/group ]] || printf '%s\n' root:x:0: nogroup:x:65534: >./etc/group
  [[ -e ./etc/hosts || -L ./etc/hosts ]] || printf '%s\n' '127.0.0.1 localhost' '::1 localhost ip6-localhost ip6-loopback' >./etc/hosts
  [[ -e ./etc/nsswitch.conf || -L ./etc/nsswitch.conf ]] || printf '%s\n' 'passwd: files' 'group: files' 'hosts: files dns' >./etc/nsswitch.conf
  [[ -e ./etc/resolv.conf || -L ./etc/resolv.conf ]] || printf '%s\n' '# No name server: the box has a loopback interface only.' >./etc/resolv.conf
  chmod 700 ./root
  chmod 1777 ./tmp ./var/tmp

  step='mount proc on /proc of the rootfs'
  mount_point "$root" /proc directory
  mount -n -i -c -t proc -o 'nosuid,nodev,noexec' -- proc "$found"
  check_mount "$found"

  step='mount a /dev with null, zero, full, random, urandom, tty, ptmx, pts, shm'
  # Made where every host has a directory that nobody can swap, and shown in the rootfs when it is complete.
  local dev=/proc/driver name reason options
  local -a nodes=(null zero full random urandom tty)
  mount -n -i -c -t tmpfs -o nosuid,mode=755,size=65536k -- tmpfs "$dev"
  # Nodes of the box's own. Where none may be made (a user namespace, a device cgroup), the host's are shown instead:
  # read-only, so that nobody inside can change their owner or mode; a device is written to all the same.
  umask 0
  if ! reason=$(cp -R --no-preserve=mode -- "${nodes[@]/#//dev/}" "$dev" 2>&1); then
    if [[ $reason != *'Operation not permitted'* ]]; then
      printf '%s\n' "$reason" >&2
      false
    fi
    list_mounts
    for name in "${nodes[@]}"; do
      : >"$dev/$name"
      options=${mounted["/dev/$name"]-${mounted["/dev"]-${mounted["/"]}}}
      add_mount "/dev/$name" "$dev/$name" none "bind,${options/#rw/ro}"
    done
    mount_table
  fi
  umask 0022
  # Character devices, mode 0666, of these numbers: should the host's be something else, the box must not have it.
  reason=$(stat --printf='%f,%t:%T ' -- "${nodes[@]/#/$dev/}")
  if [[ $reason != '21b6,1:3 21b6,1:5 21b6,1:7 21b6,1:8 21b6,1:9 21b6,5:0 ' ]]; then
    step+=' (a node of the host is not the device of that name, with mode 0666)'
    false
  fi
  local null
  exec {null}>"$dev/null"
  ln -s -- pts/ptmx /proc/self/fd "$dev"
  ln -s -- /proc/self/fd/0 "$dev/stdin"
  ln -s -- /proc/self/fd/1 "$dev/stdout"
  ln -s -- /proc/self/fd/2 "$dev/stderr"
  mkdir -- "$dev/pts" "$dev/shm"
  add_mount tmpfs "$dev/shm" tmpfs nosuid,nodev,noexec,mode=1777,size=65536k
  mount_table
  mount_point "$root" /dev directory
  mount -n -i -c --rbind -- "$dev" "$found"
  check_mount "$found"

  step='make a terminal, in a devpts on "/dev/pts", and show it on "/dev/console"'
  # The terminal is there: script(1) has made it, in the devpts that make_terminal has mounted, for this process alone.
  mount_point "$root" /dev/pts directory
  mount -n -i -c --bind -- /dev/pts "$found"
  check_mount "$found"
  # By the path that it has in the box; whatever that led to, it must be the same terminal.
  exec 0<>"$found/0" 1>&0
  [[ /proc/self/fd/0 -ef /dev/pts/0 && -t 0 ]]
  mount_point "$root" /dev/console file
  mount -n -i -c --bind -- /dev/pts/0 "$found"
  check_mount "$found"

  step='bring the loopback interface up'
  ip link set dev lo up

  step='make "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger" read-only'
  local path point around options
  local -a read_only=() below
  list_mounts
  for path in \
    /proc/bus \
    /proc/fs \
    /proc/irq \
    /proc/sys \
    /proc/sysrq-trigger; do
    find_in_root "$root" "$path"
    if [[ ! -e $found ]]; then continue; fi
    # The flags of the mount that it is in are given again, and those of the mounts below it: mount drops what it is not told.
    around=/
    below=()
    for point in "${!mounted[@]}"; do
      if [[ $found == "$point" || $found == "$point"/* ]] && ((${#point} > ${#around})); then around=$point; fi
      if [[ $point == "$found"/* ]]; then below+=("$point"); fi
    done
    options=${mounted[$around]#rbind,}
    add_mount "$found" "$found" none "rbind,${options/#rw/ro}"
    read_only+=("$found")
    for point in "${below[@]}"; do
      options=${mounted[$point]#rbind,}
      add_mount none "$point" none "remount,bind,${options/#rw/ro}"
      read_only+=("$point")
    done
  done
  mount_table
  list_mounts
  for path in "${read_only[@]}"; do
    [[ ${mounted[$path]-} == ro* ]]
  done
  find_in_root "$root" /proc
  check_covered "$found" proc ro, \
    /bus \
    /fs \
    /irq \
    /sys \
    /sysrq-trigger

  step='mask "/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/sched_debug", "/proc/scsi", "/proc/timer_list", "/proc/timer_stats", "/sys/devices/virtual/powercap", "/sys/firmware"'
  local path outer
  local -a masks=()
  list_mounts
  for path in \
    /proc/acpi \
    /proc/asound \
    /proc/interrupts \
    /proc/kcore \
    /proc/keys \
    /proc/latency_stats \
    /proc/sched_debug \
    /proc/scsi \
    /proc/timer_list \
    /proc/timer_stats \
    /sys/devices/virtual/powercap \
    /sys/firmware; do
    find_in_root "$root" "$path"
    for outer in "${masks[@]}"; do
      if [[ $found == "$outer"/* ]]; then continue 2; fi
    done
    if [[ -d $found ]]; then
      add_mount tmpfs "$found" tmpfs ro,nosuid,nodev,noexec
      masks+=("$found")
    elif [[ -e $found ]]; then
      # By its descriptor: what the box has by the name of /dev/null, the rootfs or a mount may have put there.
      add_mount "/proc/self/fd/$null" "$found" none bind
    fi
  done
  mount_table
  exec {null}>&-
  find_in_root "$root" /proc
  check_covered "$found" proc '' \
    /acpi \
    /asound \
    /interrupts \
    /kcore \
    /keys \
    /latency_stats \
    /sched_debug \
    /scsi \
    /timer_list \
    /timer_stats

  step='make "/proc/fs" the root, and drop the old one'
  # pivot_root(8) puts the old root on top of the new one, where there is no umount to take it away. So it is done from a
  # second mount namespace, which has the tools still; the box's own is that of the process that started this one.
  read -r _ _ _ parent _ </proc/self/stat
  exec unshare --mount --propagation unchanged -- bash --norc -c "leave \"\$@\"" box.sh \
    "/proc/$parent/ns/mnt" "$root" "$@"
}

# The end of it, once there is a second mount namespace: the box's own is then entered by the command alone.
leave() {
  set -Eeuo pipefail
  local step namespace=$1 root=$2
  local -a final
  shift 2
  trap failed ERR

  step='make "/proc/fs" the root, and drop the old one'
  nsenter "--mount=$namespace" -- pivot_root "$root" "$root"
  nsenter "--mount=$namespace" -- umount -n -i -c -l /
  # A command whose interpreter is /proc/self/exe (#!), or that is a link to it, runs the program that executes it, and may
  # write to its file: so that is a copy, which nobody else has. Where it lies is seen from this namespace only.
  hash nsenter
  mount -n -i -c -t tmpfs -o nosuid,nodev,mode=755 -- tmpfs /proc/driver
  cp -- "${BASH_CMDS[nsenter]}" /proc/driver/nsenter
  final=(/proc/driver/nsenter "--mount=$namespace")

  step='execute "bash"'
  exec 2>&0
  # The first process that the command starts comes right after it again, whatever has been started for it. A limit on
  # devices may hold for this bash by now: /dev/null would be one.
  { printf %s "$BASHPID" >/proc/sys/kernel/ns_last_pid; } 2>&- || true
  exec env -i --default-signal -- \
    'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
    'HOME=/root' \
    'TERM=xterm' \
    "${final[@]}" -- "$@"
}

main() {
  local path descriptor flags key value dry_run=
  local -a launch=()
  while (($# > 0)); do
    case $1 in
      --dry-run) dry_run=yes ;;
      --help)
        printf '%s\n' 'usage: box.sh [--dry-run] [--help] [--] [COMMAND [ARGUMENT...]]' \
          'Starts bash, or COMMAND, in the box that this script describes.' \
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
      bash
  fi

  check_tools bash chmod cp env ip ldd ln mkdir mount nsenter pivot_root readlink script setpriv sleep stat stty umount unshare
  check_kernel cgroup ipc mnt net pid uts
  if ((EUID == 0)); then check_privilege; else check_user_namespaces; fi

  # The command line that starts the box, step by step.

  # open a program that executes the command, in place of one of the host
  # By a copy of nsenter, made when the tools of the host are about to go.

  # start a process in new namespaces: cgroup, ipc, mount, net, pid, uts, user (unless the caller is root)
  launch+=("${BASH_CMDS[unshare]}" --cgroup --ipc --mount --net --uts)

  # be killed (SIGKILL) when whoever started it ends
  # The function make_terminal sees to that, and the function watch does the same for it when this script dies.

  # lead a new session, without a terminal
  # By script(1), for its child, and with the terminal that it has made.

  # map root inside to the caller outside (unless the caller is root)
  if ((EUID != 0)); then launch+=(--user --map-root-user); fi

  # make all mounts private
  launch+=(--propagation private)

  # make the terminal that of the session
  # By script(1), for its child.

  # reset the actions of all signals, and block none
  # By env --default-signal, in the same step as the environment: unshare ignores some, and bash cannot reset what was
  # ignored when it started.

  # The rest is done inside: make_terminal starts the function enter, in the terminal.
  launch+=(-- "${BASH_CMDS[bash]}" --norc -c "make_terminal \"\$@\"" box.sh)
  export -f enter failed make_terminal leave make_terminal find_in_root check_covered go_to mount_point check_mount list_mounts mount_table add_mount

  if [[ -n $dry_run ]]; then
    declare -f enter failed make_terminal leave make_terminal find_in_root check_covered go_to mount_point check_mount list_mounts mount_table add_mount
    printf '%q ' "${launch[@]}" "$@"
    printf '\n'
    exit 0
  fi

  # set the file mode mask to 0022
  umask 0022

  # make the terminal stdin, stdout and stderr
  # One that the caller closed would be filled by the next file opened, whatever that is.
  [[ -e /proc/$$/fd/0 ]] || exec 0<>/dev/null
  [[ -e /proc/$$/fd/1 ]] || exec 1<>/dev/null
  [[ -e /proc/$$/fd/2 ]] || exec 2<>/dev/null

  # close every other descriptor, but for those of the launcher, 3 and 4
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
