#!/usr/bin/env bash
#
# Starts a command in a box: a process with its own namespaces, root and identity.
# Written by nsgen from a description of the box. To change it, change the description and generate it again.
#
#   box      sha256 e11edfe3198f690239ced2f3577484894187a480296f9e91d59548a9944c20dd
#   command  nproc
#   needs    Linux, bash 4.4, coreutils, findutils, iproute2, mount, util-linux
#   usage    box.sh [--dry-run] [--help] [--stats FILE] [--] [COMMAND [ARGUMENT...]]
#
# It does, in this order:
#   - make a cgroup for memory, cpu, cpuset
#   - limit memory to 1536M, with swap to 1536M
#   - limit cpu to 512 shares
#   - use only CPUs 0
#   - start a process in new namespaces: ipc, mount, net, pid, uts, user (unless the caller is root)
#   - enter the cgroup, and a new cgroup namespace
#   - be killed (SIGKILL) when whoever started it ends
#   - lead a new session, without a terminal
#   - set the file mode mask to 0022
#   - map root inside to the caller outside (unless the caller is root)
#   - make all mounts private
#   - mount proc on /proc
#   - bring the loopback interface up
#   - pass stdin, stdout and stderr through
#   - close every other descriptor
#   - allow 1024 open descriptors, or as many as the hard limit says
#   - reset the actions of all signals, and block none
#   - execute "nproc"

if [ -z "${BASH_VERSION-}" ]; then
  echo 'box.sh: needs bash: run it as "bash box.sh"' >&2
  exit 125
fi

# A function that the caller has exported would come before the builtin or program of its name. In POSIX mode none comes
# before unset.
POSIXLY_CORRECT=1
unset -f : break builtin cd continue declare die exec exit export hash kill local mapfile printf read return set shift \
  shopt trap true ulimit umask unset wait [ bash cat env find ip mkdir mount readlink rmdir setsid sleep unshare
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
  local tool packages='coreutils, findutils, iproute2, mount, util-linux'
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
  remove_cgroups
} >/dev/null 2>&1

# Runs the box, and ends as it ends: with its status, or 128+N when signal N ended it.
supervise() {
  local status=0 errors='' escalation='' escalator='' interrupted=-1000000000 killed='' continued=''
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

# Finds the mount of a cgroup hierarchy, top, and in it the directory of a cgroup, own. Should there be several mounts: one
# that shows this cgroup, and that can be written to; none that is covered.
find_hierarchy() {
  local version=$1 list=$2 path=$3 line rest name root point options fixed directory score best=-1
  local -a names
  IFS=, read -r -a names <<<"$list"
  for line in "${mounts[@]}"; do
    rest=${line#* - }
    case $version:$rest in
      '1:cgroup '* | '2:cgroup2 '*) ;;
      *) continue ;;
    esac
    for name in "${names[@]}"; do
      [[ ,${rest##* }, == *,"$name",* ]] || continue 2
    done
    read -r _ _ _ root point options _ <<<"$line"
    printf -v root %b "${root//\\/\\0}"
    printf -v point %b "${point//\\/\\0}"
    [[ -e $point/cgroup.procs ]] || continue
    directory=$point
    score=0
    if [[ $path/ == "${root%/}"/* && /$path/ != */../* ]]; then
      directory=$point${path#"${root%/}"}
      directory=${directory%/}
      score=2
    fi
    fixed=yes
    if [[ ,$options,${rest##* }, != *,ro,* ]]; then
      fixed=
      ((score += 1))
    fi
    if ((score > best)); then
      best=$score
      top=$point
      own=$directory
      read_only=$fixed
    fi
  done
  ((best >= 0))
}

# Says why the host cannot limit what this controller limits: /proc/cgroups has every one that the kernel knows.
no_controller() {
  local name=${1/#io/blkio} line key enabled why='the kernel was built without it'
  local -a lines=()
  # A kernel without version 1 may have no such file.
  if [[ -r /proc/cgroups ]]; then mapfile -t lines </proc/cgroups; fi
  for line in "${lines[@]}"; do
    read -r key _ _ enabled <<<"$line"
    if [[ $key == "$name" && $enabled == 0 ]]; then
      why="it is switched off (a kernel parameter cgroup_disable=$name)"
    elif [[ $key == "$name" ]]; then
      why='it is in no cgroup file system that is mounted here, or not passed on to this part of it'
    fi
  done
  die "${field_of[$1]-cgroup}: this host has no cgroup controller $name: $why"
}

# Says why the box cannot have a cgroup, and what can be done about it.
refuse_cgroup() {
  local reason=$1 field=$2 what=$3 directory=$4 why=$3' cannot be switched on in '$4 pid name list=''
  local way='systemd-run --user --scope -p Delegate=yes nsgen ...'
  shift 4
  case $reason in
    denied)
      why="cannot make a cgroup for $what in $directory:"
      if [[ -n $1 ]]; then
        why+=' the cgroup file system is mounted read-only there (EROFS): mount it writable'
      else
        why+=" this process may not write there (EACCES): ${2-start nsgen where the cgroups are yours: $way, or --cgroup-parent}"
      fi
      ;;
    in-the-way)
      for pid in "$@"; do
        if ((pid == 0)); then
          list+=', some of another pid namespace'
          continue
        fi
        name=ended
        { IFS= read -r name <"/proc/$pid/comm"; } 2>/dev/null || true
        list+=", $pid (${name//[^[:print:]]/?})"
      done
      why+=": other processes are in the way: ${list#, }: start nsgen in a cgroup of its own ($way), or name another with --cgroup-parent"
      ;;
    not-given) why+=': its cgroup.controllers has not all of them: whoever made it must pass them on (systemd: Delegate=cpu cpuset io memory pids)' ;;
    not-ours) why+=": it belongs to somebody else, or has only threads: start nsgen where the cgroups are yours: $way, or --cgroup-parent" ;;
    failed) why+=': the kernel refuses it' ;;
  esac
  die "$field: $why"
}

# Finds a cgroup, own, by its path from the top of a hierarchy on.
named_cgroup() {
  own=$1${2%/}
  [[ -e $own/cgroup.procs ]] || die "cgroupParent: there is no cgroup $own: make it first (mkdir -p)"
}

# Finds which of these controllers the children of a cgroup do not have: lacking.
find_lacking() {
  local directory=$1 controller enabled
  shift
  lacking=()
  if (($# == 0)); then return; fi
  enabled=$(<"$directory/cgroup.subtree_control")
  for controller in "$@"; do
    if [[ " $enabled " != *" $controller "* ]]; then lacking+=("$controller"); fi
  done
}

# Whether a cgroup is no part of a tree of threads: there is no place for a process there.
is_domain() {
  [[ ! -e $1/cgroup.type || $(<"$1/cgroup.type") == domain ]]
}

# Whether a cgroup has all of these controllers, to pass on.
has_controllers() {
  local directory=$1 controller available
  shift
  available=$(<"$directory/cgroup.controllers")
  for controller in "$@"; do
    [[ " $available " == *" $controller "* ]] || return 1
  done
}

# Switches controllers on for the children of a cgroup.
switch_on() {
  local directory=$1
  shift
  printf '%s' "${*/#/+}" >"$directory/cgroup.subtree_control"
} 2>/dev/null

# Finds the processes in a cgroup, pids; which have started this script, callers; and which have not, strangers.
find_strangers() {
  local pid=$$ stat
  strangers=()
  callers=()
  # Without a subshell, which would be a process there too.
  mapfile -t pids <"$1/cgroup.procs"
  while ((pid > 0)); do
    callers[$pid]=yes
    stat=') 0 0'
    { IFS= read -r -d '' stat <"/proc/$pid/stat"; } 2>/dev/null || true
    stat=${stat##*) ? }
    pid=${stat%% *}
  done
  for pid in "${pids[@]}"; do
    if [[ -z ${callers[$pid]-} ]]; then strangers+=("$pid"); fi
  done
}

# Controllers are switched on for the children of a cgroup only while no process is in it: this script, and what has
# started it, go to a child made for them. It stays, as they do.
make_room() {
  local directory=$1 leaf=$1/nsgen-callers pid other fewest='' tries=0 most=40
  local -a pids strangers lacking moved=()
  local -A callers
  shift
  own_leaf=$leaf
  while :; do
    # One that has given up may have removed it.
    [[ -d $leaf ]] || mkdir -m 755 -- "$leaf" 2>/dev/null || [[ -d $leaf ]] || die "$field: cannot make the cgroup $leaf"
    # At once, so that they are in the way of no other that waits for the same.
    find_strangers "$directory"
    for pid in "${pids[@]}"; do
      if [[ " ${strangers[*]} " == *" $pid "* ]]; then continue; fi
      if { printf '%s' "$pid" >"$leaf/cgroup.procs"; } 2>/dev/null; then moved+=("$pid"); fi
    done
    find_lacking "$directory" "$@"
    if ((${#lacking[@]} == 0)) || { ((${#strangers[@]} == 0)) && switch_on "$directory" "${lacking[@]}"; }; then return; fi
    # As long as some go, the others may.
    if [[ -z $fewest ]] || ((${#strangers[@]} < fewest)); then
      fewest=${#strangers[@]}
      tries=0
      most=40
      # It may be another nsgen that has only been started.
      for pid in "${strangers[@]}"; do
        for other in "${!callers[@]}"; do
          if [[ /proc/$pid/exe -ef /proc/$other/exe ]]; then most=200; fi
        done
      done
    fi
    if ((++tries > most)); then break; fi
    pause 0.05
  done
  for pid in "${moved[@]}"; do
    { printf '%s' "$pid" >"$directory/cgroup.procs"; } 2>/dev/null || true
  done
  rmdir -- "$leaf" 2>/dev/null || true
  if ((${#strangers[@]} == 0)); then refuse_cgroup failed "$field" "$what" "$directory"; fi
  refuse_cgroup in-the-way "$field" "$what" "$directory" "${strangers[@]}"
}

# The nearest cgroup of version 2, from this script's own upwards, whose children can have the controllers: they have them
# already, or they can be switched on there, which is our right in a subtree that was left to us, and at the top. If there is
# none, directory is empty, and why says why.
find_nearest() {
  local own=$1 top=$2 blocked=''
  local -a lacking pids strangers
  local -A callers
  directory=$own
  while :; do
    if [[ ! -w $directory || ! -w $directory/cgroup.procs ]]; then
      if [[ $directory == "$own" ]]; then why=(denied "$field" "$what" "$directory" "$read_only"); fi
      directory=$top
    else
      find_lacking "$directory" "${needed[@]}"
      if ! is_domain "$directory"; then
        why=(not-ours "$field" "$what" "$directory")
      elif ((${#lacking[@]} == 0)); then
        return
      elif ! has_controllers "$directory" "${lacking[@]}"; then
        why=(not-given "$field" "$what" "$directory")
      elif [[ ! -w $directory/cgroup.subtree_control || ($directory != "$top" && (! -O $directory || $EUID == 0)) ]]; then
        why=(not-ours "$field" "$what" "$directory")
      else
        mapfile -t pids <"$directory/cgroup.procs"
        # Only the true root has no type; it may have processes and children with controllers.
        if [[ ! -e $directory/cgroup.type ]] || ((${#pids[@]} == 0)); then
          switch_on "$directory" "${lacking[@]}" || refuse_cgroup failed "$field" "$what" "$directory"
          return
        elif [[ $directory != "$own" ]]; then
          why=(in-the-way "$field" "$what" "$directory" "${pids[@]}")
        else
          find_strangers "$directory"
          if ((${#strangers[@]} == 0)); then
            make_room "$directory" "${lacking[@]}"
            return
          fi
          blocked=$directory
        fi
      fi
    fi
    if [[ $directory == "$top" ]]; then break; fi
    directory=${directory%/*}
  done
  # They may be on their way out: another nsgen that has been started at the same time.
  directory=$blocked
  if [[ -z $blocked ]]; then return; fi
  find_lacking "$directory" "${needed[@]}"
  make_room "$directory" "${lacking[@]}"
}

# A cgroup of version 2 that was named: whoever does so means it, and the controllers are switched on from the top down to
# it.
find_named() {
  local top=$2 home=$own named rest part common check
  local -a lacking pids ways=() controllers=()
  named_cgroup "$top" "$1"
  named=$own
  own=$home
  if [[ $named == "$home" ]]; then
    find_nearest "$named" "$named"
    return
  fi
  directory=
  # A process is moved by who may write where it is going, and to what both places have in common: cgroups(7).
  common=$own_leaf
  while [[ $named/ != "$common"/* ]]; do common=${common%/*}; done
  for check in "$named" "$common"; do
    if [[ ! -w $check || ! -w $check/cgroup.procs ]]; then
      why=(denied "$field" "$what" "$check" "$read_only")
      return
    fi
  done
  if ! is_domain "$named"; then
    why=(not-ours "$field" "$what" "$named")
    return
  fi
  find_lacking "$named" "${needed[@]}"
  if ((${#lacking[@]} == 0)); then
    directory=$named
    return
  fi
  rest=${named#"$top"}/
  check=$top
  while [[ -n $rest ]]; do
    find_lacking "$check" "${needed[@]}"
    if ((${#lacking[@]} > 0)); then
      if ((${#ways[@]} == 0)) && ! has_controllers "$check" "${lacking[@]}"; then
        why=(not-given "$field" "$what" "$check")
        return
      fi
      mapfile -t pids <"$check/cgroup.procs"
      if [[ -e $check/cgroup.type ]] && ((${#pids[@]} > 0)); then
        why=(in-the-way "$field" "$what" "$check" "${pids[@]}")
        return
      fi
      if [[ ! -w $check/cgroup.subtree_control ]]; then
        why=(denied "$field" "$what" "$check/cgroup.subtree_control" "$read_only")
        return
      fi
      ways+=("$check")
      controllers+=("${lacking[*]}")
    fi
    rest=${rest#/}
    part=${rest%%/*}
    rest=${rest#"$part"}
    check+=/$part
  done
  for part in "${!ways[@]}"; do
    IFS=' ' read -r -a lacking <<<"${controllers[part]}"
    switch_on "${ways[part]}" "${lacking[@]}" || refuse_cgroup failed "$field" "$what" "${ways[part]}"
  done
  directory=$named
}

# Finds where a cgroup of version 2 can be made, with these controllers: in the one that was named, or the nearest.
find_unified() {
  local top=$1 own=$2 read_only=$3 parent=$4 field=${field_of[${5-none}]-mounts} what='the box, ' directory='' own_leaf key
  local -a needed=() fewer=() why=()
  shift 4
  if (($# > 0)); then printf -v what '%s, ' "$@"; fi
  for key in "$@"; do
    case $key in
      devices | freezer | cpuacct) ;;
      *) needed+=("$key") ;;
    esac
  done
  if ((${#needed[@]} > 0)); then printf -v what '%s, ' "${needed[@]}"; fi
  what=${what%, }
  # Even a box that needs no controller has a cgroup.
  if (($# == 0)); then set -- unified; fi
  # Who has been moved out of the way is in a leaf of the cgroup that it is all about.
  own_leaf=$own
  if [[ $own != "$top" && ${own##*/} == nsgen-callers ]]; then own=${own%/*}; fi
  if [[ -n $parent ]]; then
    find_named "$parent" "$top"
  else
    find_nearest "$own" "$top"
  fi
  if [[ -z $directory ]]; then
    # What only counts is done without.
    if [[ -n ${optional_controller-} && " $* " == *" $optional_controller "* ]]; then
      for key in "$@"; do
        if [[ $key != "$optional_controller" ]]; then fewer+=("$key"); fi
      done
      find_unified "$top" "$own_leaf" "$read_only" "$parent" "${fewer[@]}"
      return
    fi
    refuse_cgroup "${why[@]}"
  fi
  for key in "$@"; do
    version_of[$key]=2
    parent_of[$key]=$directory
    home_of[$key]=$own_leaf/cgroup.procs
  done
}

# Finds where the box can have a cgroup with each of these controllers: in the hierarchy of version 1 that has it, else in
# that of version 2. parent_of gets the directory, version_of which it is, home_of where this script is itself. From the
# mount table and /proc/self/cgroup.
find_cgroups() {
  local parent=$1 everywhere=$2 line list path version top own read_only controller key
  local unified_top='' unified_own='' unified_read_only=''
  local -A tops=() owns=() read_onlys=() list_of=() used=()
  local -a memberships mounts hierarchies=() unmounted=() keys=() in_unified=()
  shift 2
  mapfile -t memberships </proc/self/cgroup
  mapfile -t mounts </proc/self/mountinfo
  for line in "${memberships[@]}"; do
    list=${line#*:}
    path=${list#*:}
    list=${list%%:*}
    version=1
    if [[ $line == 0::* ]]; then version=2; fi
    if find_hierarchy "$version" "$list" "$path"; then
      if ((version == 2)); then
        unified_top=$top
        unified_own=$own
        unified_read_only=$read_only
      else
        hierarchies+=("$list")
        tops[$list]=$top
        owns[$list]=$own
        read_onlys[$list]=$read_only
      fi
    elif ((version == 1)); then
      unmounted+=("$list")
    fi
  done
  for controller in "$@"; do
    for list in "${hierarchies[@]}"; do
      if [[ ,$list, == *,"${controller/#io/blkio}",* ]]; then
        keys+=("$controller")
        list_of[$controller]=$list
        used[$list]=yes
      fi
    done
    if [[ -n ${list_of[$controller]-} ]]; then continue; fi
    case $controller in
      devices | freezer | cpuacct) [[ -n $unified_top ]] || no_controller "$controller" ;;
      *)
        if [[ -z $unified_top || " $(<"$unified_top/cgroup.controllers") " != *" $controller "* ]]; then
          if [[ $controller == "${optional_controller-}" ]]; then continue; fi
          no_controller "$controller"
        fi
        ;;
    esac
    in_unified+=("$controller")
  done
  # Whoever is root here could write to release_agent at the root of a hierarchy of version 1 (CVE-2022-0492). The number
  # is that of the user namespace that the system started with.
  if [[ -n $everywhere && $EUID == 0 && $(readlink /proc/self/ns/user) == 'user:[4026531837]' ]]; then
    if [[ $everywhere == all ]] && ((${#unmounted[@]} > 0)); then
      printf -v list '%s and ' "${unmounted[@]}"
      die "mounts: the box could mount the cgroup hierarchy ${list% and }, and see its root: mount it first, so that the box can have a cgroup of its own there, or use --unshare user"
    fi
    for list in "${hierarchies[@]}"; do
      if [[ -n ${used[$list]-} ]]; then continue; fi
      keys+=("$list")
      list_of[$list]=$list
    done
  else
    everywhere=
  fi
  for key in "${keys[@]}"; do
    list=${list_of[$key]}
    own=${owns[$list]}
    version_of[$key]=1
    home_of[$key]=$own/tasks
    if [[ -n $parent ]]; then named_cgroup "${tops[$list]}" "$parent"; fi
    [[ -w $own ]] || refuse_cgroup denied "${field_of[$key]-mounts}" "$list" "$own" "${read_onlys[$list]}" \
      'start nsgen as root, or name a cgroup that is yours with --cgroup-parent'
    parent_of[$key]=$own
  done
  if [[ -n $unified_top ]] && ((${#in_unified[@]} > 0)) || [[ -n $unified_top && -n $everywhere ]]; then
    find_unified "$unified_top" "$unified_own" "$unified_read_only" "$parent" "${in_unified[@]}"
  fi
}

# Says what the cgroups will be called, before there are any: by whom they are made, process and start time of this script.
# Sets namespace_suffix to what comes last in such a name: the pid namespace in which the number means something, but for
# that of the whole machine, which has this inode on every Linux.
name_cgroups() {
  local controller directory stat
  local -a fields
  local -A named=()
  namespace_suffix=$(readlink /proc/self/ns/pid)
  namespace_suffix=-${namespace_suffix//[!0-9]/}
  if [[ $namespace_suffix == -4026531836 ]]; then namespace_suffix=; fi
  # The name of a process may have lines.
  read -r -d '' stat </proc/self/stat || true
  read -r -a fields <<<"${stat##*) }"
  for controller in "${!parent_of[@]}"; do
    directory=${parent_of[$controller]}/nsgen-$$-${fields[19]}-0$namespace_suffix
    cgroup_of[$controller]=$directory
    if [[ -n ${named[$directory]-} ]]; then continue; fi
    named[$directory]=yes
    cgroups+=("$directory")
  done
}

# Makes the cgroups, and opens for each the file by which the box will enter it.
make_cgroups() {
  local controller directory file descriptor parent
  local -A made=()
  for controller in "${!parent_of[@]}"; do
    parent=${parent_of[$controller]}
    directory=${cgroup_of[$controller]}
    if [[ -n ${made[$directory]-} ]]; then continue; fi
    made[$directory]=yes
    mkdir -m 755 -- "$directory" || die "cannot make a cgroup in $parent"
    # A cpuset of version 1 is empty at first, and takes no process.
    if [[ -e $directory/cpuset.effective_cpus ]]; then
      printf '%s' "$(<"$parent/cpuset.effective_cpus")" >"$directory/cpuset.cpus"
      printf '%s' "$(<"$parent/cpuset.effective_mems")" >"$directory/cpuset.mems"
    fi
    # In version 1 a thread that moves itself alone takes no lock of the whole host.
    file=tasks
    if [[ ${version_of[$controller]} == 2 ]]; then file=cgroup.procs; fi
    exec {descriptor}>"${cgroup_of[$controller]}/$file"
    cgroup_files+="$descriptor "
    # The way back.
    if [[ -n ${home_files-} && -w ${home_of[$controller]} ]]; then
      exec {descriptor}>"${home_of[$controller]}"
      home_files+="$descriptor "
    fi
  done
}

# Why there is no file for a limit, or what is written to it is refused.
limit_hint() {
  case $1:$2 in
    refused:cpuset.cpus) printf '%s' 'the CPUs must be among those of the cgroup above' ;;
    refused:cpuset.mems) printf '%s' 'the memory nodes must be among those of the cgroup above' ;;
    missing:cpu.cfs_* | missing:cpu.max*)
      printf '%s' 'the kernel was built without CONFIG_CFS_BANDWIDTH, or is too old for this file'
      ;;
    refused:cpu.cfs_* | refused:cpu.max*)
      printf '%s' 'it must not be more than a cgroup above has, nor so little that the kernel cannot measure it'
      ;;
    missing:memory.memsw.* | missing:memory.swap.*)
      printf '%s' 'the kernel does not count swap (boot it with swapaccount=1, or one that has CONFIG_SWAP)'
      ;;
    missing:hugetlb.*) printf '%s' 'the kernel has no pages of this size (see /sys/kernel/mm/hugepages)' ;;
    missing:*io.*weight*)
      printf '%s' 'nothing in this kernel weighs block devices (the scheduler BFQ does, and io.cost)'
      ;;
    refused:*io.*weight*)
      printf '%s' 'there must be such a device, a whole disk whose scheduler is BFQ (see /sys/block/*/queue/scheduler)'
      ;;
    missing:blkio.throttle.* | missing:io.max) printf '%s' 'the kernel was built without CONFIG_BLK_DEV_THROTTLING' ;;
    refused:blkio.throttle.* | refused:io.max)
      printf '%s' 'there must be such a device, and a whole disk: a partition has no limit of its own'
      ;;
    refused:devices.allow) printf '%s' 'the cgroup above does not allow it, or it takes root on the host' ;;
    refused:devices.deny) printf '%s' 'it takes root on the host' ;;
    missing:*) printf '%s' 'the kernel is too old for it, or was built without it' ;;
    *) printf '%s' 'the kernel does not take this there' ;;
  esac
}

# Writes a limit: field of the box, controller, then file and value for version 1 of cgroups and the same for version 2,
# and these four again where a kernel may have the file under another name. A file - is none: the value says why.
set_limit() {
  local field=$1 version=${version_of[$2]} directory=${cgroup_of[$2]} file value reason absent=
  shift 2
  while (($# > 0)); do
    file=$1
    value=$2
    if ((version == 2)); then
      file=$3
      value=$4
    fi
    [[ $file != - ]] || die "$field: $value"
    if [[ -e $directory/$file ]]; then break; fi
    absent+=${absent:+ or }$file
    shift 4
  done
  (($# > 0)) || die "$field: this host has no $absent: $(limit_hint missing "$file")"
  if ! { printf '%s' "$value" >"$directory/$file"; } 2>/dev/null; then
    # Once more, for what the kernel says to it.
    reason=$({ printf '%s' "$value" >"$directory/$file"; } 2>&1) ||
      die "$field: cannot write \"$value\" to $file: ${reason##*: }: $(limit_hint refused "$file")"
  fi
  # Version 2 takes CPUs and memory nodes that are not there, and goes on without them.
  if [[ -e $directory/$file.effective && $(<"$directory/$file") != "$(<"$directory/$file.effective")" ]]; then
    die "$field: cannot have \"$value\": $(limit_hint refused "$file")"
  fi
}

# Writes down what the kernel has counted for the box: in each line the name of a file and a line of it.
write_stats() {
  local file=$1 began=$2 controller directory name path line now
  local -a names lines
  local -A written=()
  read -r now _ </proc/uptime
  {
    printf 'wall_usec %s0000\n' "$((10#${now/./} - 10#${began/./}))"
    for controller in "${!cgroup_of[@]}"; do
      directory=${cgroup_of[$controller]}
      case ${version_of[$controller]}:$controller in
        1:memory) names=(memory.usage_in_bytes memory.max_usage_in_bytes memory.limit_in_bytes memory.oom_control memory.failcnt memory.memsw.failcnt) ;;
        1:cpu) names=(cpu.stat) ;;
        1:cpuacct) names=(cpuacct.usage cpuacct.usage_user cpuacct.usage_sys) ;;
        1:pids) names=(pids.current pids.peak pids.max) ;;
        1:io) names=(blkio.throttle.io_service_bytes_recursive blkio.throttle.io_serviced_recursive) ;;
        2:memory) names=(memory.current memory.peak memory.max memory.events) ;;
        2:cpu) names=(cpu.stat) ;;
        2:cpuacct) names=(cpu.stat) ;;
        2:pids) names=(pids.current pids.peak pids.max) ;;
        2:io) names=(io.stat) ;;
        *) names=() ;;
      esac
      for name in "${names[@]}"; do
        path=$directory/$name
        if [[ ! -r $path || -n ${written[$path]-} ]]; then continue; fi
        written[$path]=yes
        mapfile -t lines <"$path"
        if ((${#lines[@]} == 0)); then printf '%s\n' "$name"; fi
        for line in "${lines[@]}"; do printf '%s %s\n' "$name" "$line"; done
      done
    done
  } >"$file"
}

# Whether the kernel has killed somebody in the box, and for the limit of its memory, not because the host had no more.
killed_for_memory() {
  local directory=${cgroup_of[memory]} file key value peak limit killed=0 reached=0
  for file in memory.events memory.oom_control; do
    [[ -r $directory/$file ]] || continue
    while read -r key value; do
      case $key in
        oom_kill) killed=$value ;;
        max) reached=$value ;;
      esac
    done <"$directory/$file"
  done
  for file in memory.failcnt memory.memsw.failcnt; do
    if [[ -r $directory/$file ]] && read -r value <"$directory/$file"; then ((reached += value)) || true; fi
  done
  # Linux 6.18 counts in neither where memory and swap have one limit together; the most that there was is the limit then.
  if [[ -r $directory/memory.max_usage_in_bytes ]]; then
    read -r peak <"$directory/memory.max_usage_in_bytes"
    read -r limit <"$directory/memory.limit_in_bytes"
    ((reached += peak >= limit)) || true
  fi
  ((killed > 0 && reached > 0))
}

# Whether /proc is that of our own pid namespace. In that of another, a number means somebody else.
has_own_proc() {
  local status=''
  read -r -d '' status </proc/self/status || true
  [[ $status == *$'\nNSpid:\t'$$$'\n'* ]]
}

# Removes what a script, or nsgen, was killed too soon to remove: cgroups whose name says which process of our pid namespace
# made them (number and start time), if it has ended and nothing is in them. One in another time namespace may only seem to
# have ended: but a few milliseconds after it has made a cgroup it is in there, and so the cgroup cannot be removed.
remove_leftovers() {
  local parent directory line
  local -a stat leftovers=()
  has_own_proc || return 0
  shopt -u failglob
  for parent in "${parent_of[@]}"; do
    for directory in "$parent"/nsgen-*; do
      [[ $directory =~ /nsgen-([1-9][0-9]*)-([0-9]+)-[0-9]+(-[1-9][0-9]*)?$ ]] || continue
      [[ ${BASH_REMATCH[3]-} == "$namespace_suffix" && -O $directory ]] || continue
      line=
      # The name of a process may have lines.
      { IFS= read -r -d '' line <"/proc/${BASH_REMATCH[1]}/stat"; } || true
      if [[ -n $line ]]; then
        read -r -a stat <<<"${line##*) }"
        if [[ ${stat[19]-} == "${BASH_REMATCH[2]}" && ${stat[0]} != [ZX] ]]; then continue; fi
      fi
      if read -r line <"$directory/cgroup.procs"; then continue; fi
      leftovers+=("$directory")
    done
  done
  if ((${#leftovers[@]} > 0)); then
    pause 0.25
    rmdir -- "${leftovers[@]}" || true
  fi
} 2>/dev/null

# Ends what is in the current directory, a cgroup, and in those that the box has made below it, which are removed. By find,
# which goes step by step: a path can be longer than the kernel takes it.
end_cgroup() {
  local pid
  find . -mindepth 1 -type d -delete || true
  if [[ -w cgroup.kill ]]; then
    printf 1 >cgroup.kill
    return 0
  fi
  if [[ -w pids.max ]]; then printf 0 >pids.max; fi
  # 0 is a process that is not seen from here.
  while read -r pid; do
    if ((pid > 0)); then kill -s KILL "$pid" || true; fi
  done < <(find . -name cgroup.procs -execdir cat {} ';')
  # In version 1, what is frozen does not even end.
  if [[ -e freezer.state ]]; then
    find . -name freezer.state -execdir bash --norc -c 'printf THAWED >freezer.state' ';' || true
  fi
}

# Removes the cgroups, and ends what is left in them, for ten seconds at most. Whoever is ended is no stranger: for another
# process to have its number, all numbers would have to be used up between a line that is read and the next.
remove_cgroups() {
  local directory end=$((SECONDS + 10)) left=''
  if ((${#cgroups[@]} == 0)) || rmdir -- "${cgroups[@]}"; then
    cgroups=()
    return 0
  fi
  for directory in "${cgroups[@]}"; do
    while ! rmdir -- "$directory" && [[ -d $directory ]]; do
      if ((SECONDS > end)); then
        left=$directory
        break
      fi
      (
        cd -P -- "$directory" || exit
        end_cgroup
      ) || true
      if rmdir -- "$directory"; then break; fi
      pause 0.01
    done
  done
  cgroups=()
  [[ -z $left ]]
} 2>/dev/null

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

  step='make all mounts private'
  launch+=(--propagation private)

  step='mount proc on /proc'
  mount -n -i -c -t proc -o 'nosuid,nodev,noexec' proc /proc

  step='bring the loopback interface up'
  ip link set dev lo up

  step='enter the cgroup, and a new cgroup namespace'
  # As late as this, so that nothing of the script is counted or limited.
  for descriptor in $cgroup_files; do
    printf 0 >&"$descriptor"
    exec {descriptor}>&-
  done

  step='execute "nproc"'
  # env would take a command such as a=b for a variable.
  if [[ $1 == *=* ]]; then
    hash unshare
    final=("${BASH_CMDS[unshare]}" --)
  fi
  # The first process that the command starts comes right after it again, whatever has been started for it. A limit on
  # devices may hold for this bash by now: /dev/null would be one.
  { printf %s "$BASHPID" >/proc/sys/kernel/ns_last_pid; } 2>&- || true
  exec setsid -- unshare --cgroup -- env -i --default-signal -- \
    'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
    'HOME=/root' \
    "${final[@]}" "$@"
}

main() {
  local path descriptor flags key value dry_run='' stats='' began='' lifeline='' watcher=''
  local -a launch=()
  while (($# > 0)); do
    case $1 in
      --dry-run) dry_run=yes ;;
      --stats)
        if [[ -z ${2-} ]]; then
          printf 'box.sh: --stats: needs the name of a file\n' >&2
          exit 2
        fi
        stats=$2
        shift
        ;;
      --help)
        printf '%s\n' 'usage: box.sh [--dry-run] [--help] [--stats FILE] [--] [COMMAND [ARGUMENT...]]' \
          'Starts nproc, or COMMAND, in the box that this script describes.' \
          'The comment at its top says what it does; --dry-run prints the commands and changes nothing.' \
          'When the box has ended, FILE gets what the kernel has counted: in each line the name of a file of its' \
          'cgroups and a line of that file, and how long it has run (wall_usec, microseconds).'
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
      nproc
  fi

  check_tools bash cat env find ip mkdir mount readlink rmdir setsid sleep unshare
  check_kernel ipc mnt net pid uts cgroup
  if ((EUID == 0)); then check_privilege; else check_user_namespaces; fi

  # The command line that starts the box, step by step.

  # start a process in new namespaces: ipc, mount, net, pid, uts, user (unless the caller is root)
  launch+=("${BASH_CMDS[unshare]}" --fork --ipc --mount --net --pid --uts)

  # be killed (SIGKILL) when whoever started it ends
  # The function watch does the same for unshare when this script dies.
  launch+=(--kill-child=KILL)

  # lead a new session, without a terminal
  # By setsid(1), in the last step: it makes no process of its own, because none that comes here leads a process group.

  # map root inside to the caller outside (unless the caller is root)
  if ((EUID != 0)); then launch+=(--user --map-root-user); fi

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

  # make a cgroup for memory, cpu, cpuset
  declare -g -A parent_of=() version_of=() cgroup_of=() field_of=() home_of=()
  declare -g -a cgroups=()
  export cgroup_files=
  field_of[memory]=resources.memory.limit
  field_of[cpu]=resources.cpu.shares
  field_of[cpuset]=resources.cpu.cpus
  find_cgroups '' '' memory cpu cpuset
  name_cgroups
  remove_leftovers
  trap 'remove_cgroups || true' EXIT
  # From here on, somebody is there to remove them should this bash be killed.
  exec {lifeline}> >(watch)
  watcher=$!
  make_cgroups

  # limit memory to 1536M, with swap to 1536M
  set_limit resources.memory.limit memory memory.limit_in_bytes 1610612736 memory.max 1610612736
  set_limit resources.memory.swap memory memory.memsw.limit_in_bytes 1610612736 memory.swap.max 0

  # limit cpu to 512 shares
  set_limit resources.cpu.shares cpu cpu.shares 512 cpu.weight 59

  # use only CPUs 0
  set_limit resources.cpu.cpus cpuset cpuset.cpus 0 cpuset.cpus 0

  local status=0
  if [[ -n $stats ]]; then
    : >>"$stats" || die '--stats: cannot write to the file'
    read -r began _ </proc/uptime
  fi
  supervise "${launch[@]}" "$@" || status=$?
  if ((status == 137)) && killed_for_memory; then
    printf 'box.sh: memory limit %s reached; killed by the kernel (oom)\n' 1536M >&2
  fi
  if [[ -n $stats ]]; then write_stats "$stats" "$began"; fi
  remove_cgroups || die 'cannot remove a cgroup: its processes do not end'
  return "$status"
}

# At the very end, and in braces: from a pipe, bash has read all of it before the command starts. What follows in the
# pipe is for the command; bash goes on with /dev/null, and does not run what the command left.
{
  main "$@"
  exec </dev/null
}
