import { PROBE_NAME, type SectionName } from './probe.js';
import type { Outside } from './world.js';

/**
 * Takes out of a section what differs from one start of the same box to the next, and nothing else: numbers that the
 * kernel hands out (pids, inodes, ids of mounts), and times. Text is latin1, a character a byte.
 */
export function normalise(name: SectionName, text: (name: SectionName) => string, outside: Outside): string {
  const raw = text(name);
  const view = () => viewOf(text('self'), text('namespaces'), outside);
  switch (name) {
    case 'self':
      return selfSection(raw, view());
    case 'ps -ef':
      // UID PID PPID C STIME TTY TIME CMD
      return processTable(raw, view(), { pid: 1, parent: 2, columns: 8, dropped: [3, 4, 6], state: undefined });
    case 'ps -eo pid,ppid,user,stat,comm,args':
      return processTable(raw, view(), { pid: 0, parent: 1, columns: 6, dropped: [], state: 3 });
    case 'namespaces':
      return namespaces(raw, outside);
    case 'mountinfo':
      return mountinfo(withoutMaker(raw));
    case 'cgroup':
    case 'resources':
      return withoutMaker(raw);
    case 'status':
      return status(raw);
    case 'signals':
      return signals(raw);
    case 'descriptors':
      return descriptors(raw);
    case 'network':
      return network(raw);
    case 'process':
      return processSection(raw, view(), outside);
    case 'clocks':
      return clocks(raw, outside);
    case 'environment':
      return raw.split('\0').join('\n');
    default:
      return raw;
  }
}

/** How the probe sees processes. */
interface View {
  /** Its pid in its own namespace, and in that of its /proc. */
  readonly pid: string;
  readonly inProc: string;
  /** Whether its /proc shows processes of outside the box, whose coming and going is none of the box's doing. */
  readonly seesOutside: boolean;
  /** Whether its own pid depends on who else has been there. */
  readonly ownPid: boolean;
}

function viewOf(self: string, namespacesText: string, outside: Outside): View {
  const pid = /^pid (.*)$/m.exec(self)?.[1] ?? '';
  const inProc = /^in \/proc (.*)$/m.exec(self)?.[1] ?? '';
  const own = /^pid: (.*)$/m.exec(namespacesText)?.[1] ?? '';
  const seesOutside = outside.namespaces.get(own) === "the caller's" || inProc !== pid;
  return { pid, inProc, seesOutside, ownPid: pid === '1' };
}

function selfSection(raw: string, view: View): string {
  const parent = /^parent (.*)$/m.exec(raw)?.[1] ?? '';
  const where = view.inProc === view.pid ? 'the same' : /^\d+$/.test(view.inProc) ? 'another' : view.inProc;
  return `pid ${view.ownPid ? 1 : 'SELF'}\nparent ${parent === '0' ? 0 : 'OUTSIDE'}\npid in /proc ${where}\n`;
}

interface Columns {
  readonly pid: number;
  readonly parent: number;
  readonly columns: number;
  /** Times: of start, of use. */
  readonly dropped: readonly number[];
  readonly state: number | undefined;
}

function processTable(raw: string, view: View, columns: Columns): string {
  const rows = raw.split('\n').flatMap(line => (line === '' ? [] : [cells(line, columns.columns)]));
  const [head = [], ...processes] = rows;
  if (head[0]?.startsWith('not') || processes.length === 0) return raw;
  const isInside = (row: readonly string[]) =>
    row[columns.pid] === view.inProc || row[columns.parent] === view.inProc || !view.seesOutside;
  // Pids of the host start again at 300 once the largest has been given out: a child may come before its parent.
  const own = view.seesOutside ? processes.filter(row => row[columns.pid] === view.inProc) : [];
  const inside = [...own, ...processes.filter(row => isInside(row) && !own.includes(row))].map(row =>
    row.flatMap((cell, index) => {
      if (columns.dropped.includes(index)) return [];
      if (index === columns.pid || index === columns.parent) return [pidInWords(cell, index === columns.pid, view)];
      if (index === columns.state) return [cell.replace(/^[RSD]/, 'S')];
      if (index === columns.columns - 1) return [withoutText(cell)];
      return [cell];
    }),
  );
  const others = processes.some(row => !isInside(row)) ? ['and processes outside of the box'] : [];
  const header = head.filter((_, index) => !columns.dropped.includes(index));
  return [...[header, ...inside].map(row => row.join(' ')), ...others, ''].join('\n');
}

/** The last column is the rest of the line. */
function cells(line: string, count: number): readonly string[] {
  const words = line.trimStart().split(/ +/);
  const last = line.trimStart().match(new RegExp(`^(?:\\S+ +){${count - 1}}(.*)$`))?.[1];
  return [...words.slice(0, count - 1), ...(last === undefined ? [] : [last])];
}

function pidInWords(pid: string, isOwn: boolean, view: View): string {
  if (pid === view.inProc) return view.ownPid && !view.seesOutside ? pid : 'SELF';
  if (view.ownPid && !view.seesOutside) return pid;
  if (!view.seesOutside && pid === '1') return pid;
  if (pid === '0') return pid;
  return isOwn ? 'CHILD' : 'OUTSIDE';
}

/** The command line of the probe holds all of the probe. */
function withoutText(args: string): string {
  const place = args.indexOf(PROBE_NAME);
  return place < 0 ? args : args.slice(0, place + PROBE_NAME.length);
}

function namespaces(raw: string, outside: Outside): string {
  return raw.replace(/^(\w+): (.*)$/gm, (_, type: string, inode: string) => {
    const file = inode.startsWith('not visible') ? inode : (outside.namespaces.get(inode) ?? 'new');
    return `${type}: ${file}`;
  });
}

/** The name of a cgroup says who made it: pid, start time, which of its boxes, and where the pid means something. */
export const withoutMaker = (raw: string): string => raw.replace(/\bnsgen-\d+-\d+-\d+(?:-\d+)?\b/g, 'nsgen-*');

/** Ids become the mount point of the parent: what is mounted on what stays visible. proc_pid_mountinfo(5) */
function mountinfo(raw: string): string {
  const mounts = raw.split('\n').map(line => line.split(' '));
  const points = new Map(mounts.flatMap(([id, , , , point]) => (id && point ? [[id, point] as const] : [])));
  return mounts
    .map(([id = '', parent = '', device = '', ...rest]) => {
      if (rest.length < 2) return [id, parent, device, ...rest].join(' ').trimEnd();
      const on = id === parent ? undefined : points.get(parent);
      const [root = '', point = '', ...options] = rest;
      return [
        point,
        `on ${on ?? 'nothing visible'}:`,
        // Major 0: a file system without a device, numbered as it is mounted.
        device.replace(/^0:.*/, '0:*'),
        root.replace(/^(\/?\w+:)\[\d+\]$/, '$1[*]'),
        ...options.map(option => option.replace(/^(shared|master|propagate_from):\d+$/, '$1:*')),
      ].join(' ');
    })
    .join('\n');
}

const STATUS_LINES =
  /^(Umask|TracerPid|Uid|Gid|Groups|Threads|Sig(Pnd|Blk|Ign|Cgt)|ShdPnd|Cap\w+|NoNewPrivs|Seccomp\w*|Spec\w+|THP_enabled|CoreDumping|Cpus_allowed_list|Mems_allowed_list):|^umask |^not visible/;

const status = (raw: string): string =>
  raw
    .split('\n')
    .filter(line => STATUS_LINES.test(line))
    .join('\n');

const signals = (raw: string): string =>
  raw
    .split('\n')
    .filter(line => /^(SigPnd|ShdPnd|SigBlk|SigIgn|SigCgt|not visible)/.test(line))
    .join('\n');

const descriptors = (raw: string): string =>
  raw
    .split('\n')
    .filter(line => !/^(mnt_id|ino):/.test(line))
    .map(line => line.replace(/^(\d+: (?:pipe|socket|anon_inode):)\[\d+\]$/, '$1[*]'))
    .join('\n');

/** Of /proc/net/dev the names: the rest are counters. */
function network(raw: string): string {
  let table = '';
  return raw
    .split('\n')
    .flatMap(line => {
      table = /^(dev|route|if_inet6|fib_trie):$/.exec(line)?.[1] ?? table;
      return table === 'dev' ? (/^ *([^ :]+):/.exec(line)?.slice(1) ?? []) : [line];
    })
    .join('\n');
}

function processSection(raw: string, view: View, outside: Outside): string {
  return raw.replace(/^(parent|group|session) (\d+)$/gm, (_, what: string, pid: string) => {
    if (pid === '0') return `${what} 0`;
    if (what === 'group' && pid === outside.group) return "group the caller's";
    if (what === 'session' && pid === outside.session) return "session the caller's";
    if (pid === view.inProc) return `${what} SELF`;
    return what === 'parent' && view.seesOutside ? 'parent OUTSIDE' : `${what} another`;
  });
}

/** The time of boot as seen inside must be that of outside, moved by the offset that the box shows. */
function clocks(raw: string, { uptime: [before, after] }: Outside): string {
  const offset = Number(/boottime +(-?\d+)/.exec(raw)?.[1] ?? 0);
  return raw.replace(/^(\/proc\/uptime:) (\S+) .*$/m, (_, file: string, seconds: string) => {
    const elapsed = Number(seconds) - offset;
    const agrees = elapsed >= before - 0.02 && elapsed <= after + 0.02;
    return `${file} ${agrees ? 'as the offset says' : `${Math.round(elapsed - before)} s off`}`;
  });
}
