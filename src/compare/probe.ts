/**
 * What looks at a box from inside: one POSIX sh script, that prints what a process can observe in sections. What it
 * cannot look at, for want of a program or of /proc, it says; no section is ever left out.
 *
 * It runs as the command of the box, so that what it sees of itself is what any command would see. Builtins read
 * /proc/self wherever they can: a child would show its own descriptors, signals and process id.
 */
const PROBE = `
mark=$1
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
LC_ALL=C
IFS=$(printf ' \\t\\nx')
IFS=\${IFS%x}
export PATH LC_ALL
unset POSIXLY_CORRECT PS_FORMAT COLUMNS PS_PERSONALITY PROCPS_USERLEN

section() { printf '\\n%s %s\\n' "$mark" "$1"; }
unseen() { printf 'not visible here: %s\\n' "$1"; }
# No child: it is asked for each line. A rootfs may have no /dev/null to redirect to.
has() { hash "$1" 2>&-; }

lines() {
  while IFS= read -r line || [ -n "$line" ]; do printf '%s\\n' "$line"; done
}

# For small text files of procfs. No child, so /proc/self is this shell.
show() {
  if [ -r "$1" ]; then
    printf '%s: ' "$1"
    lines <"$1"
  else
    unseen "$1"
  fi
}

link() {
  printf '%s: ' "$1"
  if has readlink; then
    readlink "$2" || unseen "$2"
  elif has ls; then
    target=$(ls -l "$2" && printf x)
    target=\${target#* -> }
    printf '%s' "\${target%x}"
  else
    unseen "$2 (neither readlink nor ls)"
  fi
}

# The pid of this shell as /proc counts: not $$ where /proc is that of an outer pid namespace.
self=
stat=
if [ -r /proc/self/stat ]; then
  IFS= read -r stat </proc/self/stat
  self=\${stat%% *}
fi

section self
printf 'pid %s\\nparent %s\\nin /proc %s\\n' "$$" "$PPID" "\${self:-not visible here}"

section 'ps -ef'
if [ -z "$self" ]; then unseen /proc; elif has ps; then ps -ef; else unseen 'ps'; fi
section 'ps -eo pid,ppid,user,stat,comm,args'
if [ -z "$self" ]; then unseen /proc; elif has ps; then ps -eo pid,ppid,user,stat,comm,args; else unseen 'ps'; fi

section namespaces
for type in cgroup ipc mnt net pid pid_for_children time time_for_children user uts; do
  if [ -z "$self" ]; then unseen "$type"; else link "$type" "/proc/$self/ns/$type"; fi
done

section mountinfo
if [ -n "$self" ]; then lines </proc/self/mountinfo; else unseen /proc/self/mountinfo; fi

section names
show /proc/sys/kernel/hostname
show /proc/sys/kernel/domainname
if has uname; then uname -n; else unseen 'uname'; fi

section 'id maps'
show /proc/self/uid_map
show /proc/self/gid_map
show /proc/self/setgroups

section status
if [ -n "$self" ]; then lines </proc/self/status; else unseen /proc/self/status; fi
printf 'umask %s\\n' "$(umask)"

section limits
if [ -n "$self" ]; then lines </proc/self/limits; else unseen /proc/self/limits; fi

section cgroup
if [ -n "$self" ]; then lines </proc/self/cgroup; else unseen /proc/self/cgroup; fi

section directories
printf 'pwd: '
pwd -P || :
for name in cwd root exe; do
  if [ -n "$self" ]; then link "$name" "/proc/$self/$name"; else unseen "$name"; fi
done

section descriptors
if [ -z "$self" ]; then
  unseen /proc
elif ! has cat; then
  unseen 'descriptors (no cat)'
else
  for entry in "/proc/$self/fd"/*; do
    number=\${entry##*/}
    # What the shell opened to expand the pattern is closed again.
    [ -r "/proc/$self/fdinfo/$number" ] || continue
    link "$number" "$entry"
    cat "/proc/$self/fdinfo/$number"
  done
fi

section network
for file in dev route if_inet6 fib_trie; do
  if [ -r "/proc/self/net/$file" ]; then
    printf '%s:\\n' "$file"
    lines <"/proc/self/net/$file"
  else
    unseen "/proc/self/net/$file"
  fi
done

section ip
if has ip; then
  ip -o link 2>&1
  ip -o address 2>&1
  ip route 2>&1
else
  unseen 'ip'
fi

section process
if [ -n "$self" ]; then
  # Its second field, the name of the program, may hold spaces and brackets.
  set -f
  # shellcheck disable=SC2086
  set -- \${stat##*) }
  set +f
  printf 'parent %s\\ngroup %s\\nsession %s\\nterminal %s\\n' "$2" "$3" "$4" "$5"
  printf 'priority %s\\nnice %s\\nthreads %s\\n' "\${16}" "\${17}" "\${18}"
  printf 'exit signal %s\\nreal-time priority %s\\npolicy %s\\n' "\${36}" "\${38}" "\${39}"
else
  unseen /proc/self/stat
fi
for file in oom_score_adj coredump_filter timerslack_ns personality loginuid sessionid; do
  show "/proc/self/$file"
done

section clocks
show /proc/self/timens_offsets
show /proc/uptime

# What only cat can print, for it holds NULs.
section environment
if [ -z "$self" ]; then
  export -p
elif has cat; then
  cat "/proc/$self/environ"
else
  unseen 'environment (no cat)'
fi

# Last, in place of this shell: the parent death signal does not pass to a child.
section privileges
if has setpriv; then exec setpriv --dump; else unseen 'setpriv'; fi
`;

/** The sections, in the order in which the probe prints them. */
export const PROBE_SECTIONS = [
  'self',
  'ps -ef',
  'ps -eo pid,ppid,user,stat,comm,args',
  'namespaces',
  'mountinfo',
  'names',
  'id maps',
  'status',
  'limits',
  'cgroup',
  'directories',
  'descriptors',
  'network',
  'ip',
  'process',
  'clocks',
  'environment',
  'privileges',
] as const;

/**
 * A shell may unblock all signals when it starts (dash does): what it was given, only another program can tell. What
 * limits a box is seen from outside.
 */
export const SECTIONS = [...PROBE_SECTIONS, 'signals', 'resources'] as const;
export type SectionName = (typeof SECTIONS)[number];

/** Shows the signals that a command is started with, in lines of /proc/PID/status. */
export const SIGNALS_COMMAND = ['/bin/cat', '/proc/self/status'] as const;

/** What ps shows of the probe, up to where its text begins. */
export const PROBE_NAME = 'nsgen-probe';

/**
 * The probe as the command of a box.
 *
 * @param mark begins the line that names a section. Nothing in the box may contain it: take a random one.
 */
export const probeCommand = (mark: string, shell = '/bin/sh'): readonly [string, ...string[]] => [
  shell,
  '-c',
  'eval "$2"',
  PROBE_NAME,
  mark,
  PROBE,
];

/** The text alone, for shellcheck. */
export const probeText = PROBE;
