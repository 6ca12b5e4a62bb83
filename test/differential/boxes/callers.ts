import { all, ends, misses, type NamedBox, sees, TRUE } from '../named-box.js';

const OWN_ENVIRONMENT = sees('environment', /^PATH=[^\n]*\nHOME=\/root\n$/);
const ONLY_STANDARD = all(sees('descriptors', /^2: /m), misses('descriptors', /^([3-9]|\d\d+): /m));
const SIGNALS = ['sed', '-En', '/^(SigPnd|ShdPnd|SigBlk|SigIgn|SigCgt):/p', '/proc/self/status'] as const;
const NO_SIGNALS = ends(
  0,
  ['SigPnd', 'ShdPnd', 'SigBlk', 'SigIgn', 'SigCgt'].map(name => `${name}:\t${'0'.repeat(16)}\n`).join(''),
);

interface Caller {
  readonly name: string;
  readonly caller: string;
  readonly expect: NamedBox['expect'];
}

const CALLERS: readonly Caller[] = [
  {
    name: 'descriptors 3 to 20 open',
    caller: 'for d in {3..20}; do eval "exec $d</etc/passwd"; done',
    expect: ONLY_STANDARD,
  },
  {
    name: 'descriptors 100 and 255 open',
    caller: 'exec 100</ 200>/dev/null 255</etc',
    expect: ONLY_STANDARD,
  },
  { name: 'stdin closed', caller: 'exec 0<&-', expect: all(ONLY_STANDARD, sees('descriptors', /^0: \/dev\/null$/m)) },
  {
    name: 'stdin from a file',
    caller: 'exec </etc/passwd',
    expect: sees('descriptors', /^0: \/etc\/passwd\npos:\t0$/m),
  },
  { name: 'stdin for writing too', caller: 'exec 0<>/dev/null', expect: sees('descriptors', /^0: \/dev\/null$/m) },
  {
    name: 'TERM, USR1, PIPE and CHLD ignored',
    caller: 'set -- env --ignore-signal=TERM,USR1,PIPE,CHLD -- "$@"',
    expect: NO_SIGNALS,
  },
  { name: 'INT and HUP ignored by a trap', caller: `trap '' INT HUP QUIT`, expect: NO_SIGNALS },
  {
    name: 'signals blocked',
    caller: 'set -- env --block-signal=TERM,USR1,USR2,CHLD,INT -- "$@"',
    expect: NO_SIGNALS,
  },
  { name: 'umask 0077', caller: 'umask 0077', expect: sees('status', /^Umask:\t0022$/m) },
  { name: 'umask 0', caller: 'umask 0', expect: sees('status', /^Umask:\t0022$/m) },
  { name: '64 descriptors allowed', caller: 'ulimit -n 64', expect: sees('limits', /^Max open files +64 +64 /m) },
  {
    name: '40 descriptors allowed, more permitted',
    caller: 'ulimit -S -n 40',
    expect: sees('limits', /^Max open files +1024 +\d+ /m),
  },
  {
    name: 'other limits',
    caller: 'ulimit -c 0; ulimit -s 4096; ulimit -t 1000',
    expect: sees('limits', /^Max cpu time +1000 +1000/m),
  },
  { name: 'nice', caller: 'set -- nice -n 5 "$@"', expect: sees('process', /^nice 5$/m) },
  {
    name: 'an oom score',
    caller: 'echo 500 >/proc/self/oom_score_adj',
    expect: sees('process', /oom_score_adj: 500$/m),
  },
  {
    name: 'BASH_ENV and exported functions',
    caller: `echo() { builtin echo intruder; }; mount() { builtin echo intruder; }; unset() { builtin echo intruder; }
      export -f echo mount unset
      export BASH_ENV=/nowhere ENV=/nowhere PS4='$(builtin echo intruder >&2)'`,
    expect: OWN_ENVIRONMENT,
  },
  {
    name: 'an environment that changes what shells do',
    caller: `export CDPATH=/usr:/tmp GLOBIGNORE='*' POSIXLY_CORRECT=1 IFS=/ LD_BIND_NOW=1 LC_ALL=C.UTF-8
      export TIMEFORMAT=x PROMPT_COMMAND=false LINES=1 COLUMNS=20 LANG=de_DE HOME=/nowhere OLDPWD=/usr SHLVL=42`,
    expect: OWN_ENVIRONMENT,
  },
  { name: 'options of bash exported', caller: 'export SHELLOPTS; set -o nounset -o noglob', expect: OWN_ENVIRONMENT },
  {
    name: 'no environment at all, but for what finds Node',
    caller: 'set -- env -i "PATH=$PATH" "TMPDIR=$TMPDIR" "$@"',
    expect: OWN_ENVIRONMENT,
  },
  {
    name: 'fewer capabilities',
    caller: `set -- setpriv --bounding-set=-sys_time,-net_raw -- "$@"`,
    expect: all(sees('status', /^CapBnd:/m), misses('status', /^CapBnd:\t0*1ff+$/m)),
  },
  {
    name: 'no new privileges',
    caller: `set -- setpriv --no-new-privs -- "$@"`,
    expect: sees('status', /^NoNewPrivs:\t1$/m),
  },
  {
    name: 'supplementary groups',
    caller: `set -- setpriv --groups=5,20 -- "$@"`,
    expect: sees('status', /^Groups:\t5 20 ?$/m),
  },
];

/** The same box, started by a process that is not as usual. */
export const callerBoxes: readonly NamedBox[] = [
  ...CALLERS.map(
    ({ name, caller, expect }): NamedBox => ({
      name: `caller: ${name}`,
      caller,
      box: () => ({ command: expect === NO_SIGNALS ? [...SIGNALS] : [...TRUE] }),
      expect: all(ends(0), expect),
    }),
  ),
  ...['TERM', 'USR1'].map(
    (signal): NamedBox => ({
      name: `caller: ignores ${signal}, which ends the command all the same`,
      withoutWorld: true,
      caller: `set -- env --ignore-signal=${signal} -- "$@"`,
      box: () => ({ command: ['sh', '-c', `kill -s ${signal} $$; exit 9`], namespaces: { pid: 'shared' } }),
      expect: ends(signal === 'TERM' ? 143 : 138, ''),
    }),
  ),
  {
    name: 'caller: groups, and a user namespace is joined',
    caller: `set -- setpriv --groups=5,20 -- "$@"`,
    holder: ['--user', '--map-root-user'],
    box: ({ joined }) => ({ command: [...TRUE], namespaces: { user: joined('user') } }),
    expect: all(ends(0), sees('status', /^Groups:/m)),
  },
  {
    name: 'caller: in a directory whose name has a space and a newline',
    callerDirectory: ({ directory }) => `${directory}/odd dir\nwith a newline`,
    box: () => ({ command: ['sh', '-c', 'pwd'] }),
    expect: ({ run }) => ends(0, `${run.stdout.toString().slice(0, -1)}\n`)({ run, world: new Map() }),
  },
];
