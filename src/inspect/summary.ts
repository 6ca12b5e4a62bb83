import { CAPABILITIES } from '../linux/capabilities.js';
import { visible } from '../text.js';
import { columns } from './columns.js';
import { CAPABILITY_SETS, type IdRange, type Inspection, type Mount, type Namespace } from './inspection.js';
import { picture, type Strokes } from './picture.js';

/** What nsgen inspect prints for people. */
export function summary(inspection: Inspection, strokes: Strokes): string {
  const sections: readonly (readonly [string, readonly string[]])[] = [
    ['', facts(inspection)],
    ['NAMESPACES', namespaces(inspection)],
    ['PROCESSES', processes(inspection, strokes)],
    ['IDS', ids(inspection)],
    ['CAPABILITIES', capabilities(inspection)],
    ['CGROUPS', cgroups(inspection)],
    ['LIMITS', limits(inspection)],
    ['MOUNTS', mounts(inspection)],
  ];
  return `${sections.map(([title, lines]) => [...(title === '' ? [] : [title]), ...lines].join('\n')).join('\n\n')}\n`;
}

/** Why there is nothing to show. */
function missing({ unreadable }: Inspection, field: string, otherwise = 'none'): string {
  const code = unreadable[field];
  return code === undefined ? otherwise : `not readable (${code})`;
}

const STATES: Readonly<Record<string, string>> = {
  R: 'running',
  S: 'sleeping',
  D: 'waiting, not to be interrupted',
  T: 'stopped',
  t: 'stopped by a tracer',
  Z: 'ended, its parent has not asked for its status (zombie)',
  X: 'ended',
  I: 'idle',
};

function facts(inspection: Inspection): readonly string[] {
  const { process, box, root, seccomp, noNewPrivileges, label, viewpoint } = inspection;
  const { pid, name, state, command, executable, workingDirectory, pids, parent, group, session, terminal } = process;
  const { boxes } = inspection.unreadable;
  const kind = process.kernelThread ? ', a thread of the kernel' : '';
  const path = (value: string | null, field: string) => (value === null ? missing(inspection, field) : visible(value));
  const rows: readonly (readonly [string, string])[] = [
    ['process', `${pid} ${visible(name)}${kind}`],
    ...(box === null ? [] : [['box', boxText(box)] as const]),
    ...(boxes === undefined ? [] : [['boxes', `not known: ${visible(boxes)}`] as const]),
    ['command', command === null ? missing(inspection, 'process.command') : shortened(command.map(word).join(' '))],
    ['executable', path(executable, 'process.executable')],
    ['directory', path(workingDirectory, 'process.workingDirectory')],
    ['root', root === null ? missing(inspection, 'root') : rootText(root.path, root.mount)],
    ['state', `${state} ${STATES[state] ?? ''}`.trim()],
    ['pid', pids === null ? missing(inspection, 'status', 'not told') : pids.map(pidText).join(', ')],
    ['parent', `${parent}${parent === 0 ? ' (none, or outside)' : ''}`],
    ['session', `${session}, process group ${group}`],
    ['terminal', terminal === null ? 'none' : `${terminal.name ?? 'unknown'} (${terminal.device})`],
    ['no new privs', noNewPrivileges === null ? missing(inspection, 'status', 'not told') : yesNo(noNewPrivileges)],
    ['seccomp', seccomp === null ? missing(inspection, 'status', 'not told') : seccompText(seccomp)],
    ['label', path(label, 'label')],
    ['seen from', viewpointText(viewpoint)],
    ...(inspection.changing
      ? [['note', 'it changed while it was read: not all of this is of one moment'] as const]
      : []),
  ];
  return columns(rows);
}

const boxText = ({ name, pod }: { readonly name: string; readonly pod: string | null }): string =>
  visible(pod === null ? name : `${name} of pod ${pod}`);

const pidText = (pid: number, level: number): string => (level === 0 ? `${pid} here` : `${pid} inside`);

const yesNo = (value: boolean): string => (value ? 'yes' : 'no');

/** As a shell would need it, when it is no plain word. */
const word = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${visible(text).replaceAll("'", "'\\''")}'`;

const MOST = 2000;

function shortened(text: string): string {
  const characters = [...text];
  return characters.length <= MOST
    ? text
    : `${characters.slice(0, MOST).join('')}... (${characters.length} characters)`;
}

function rootText(path: string, mount: Mount | null): string {
  if (mount === null) return `${visible(path)}, in a mount that is not to be seen from here`;
  return `${visible(path)}, of ${sourceText(mount)} (${visible(mount.type)})`;
}

const sourceText = ({ source, root }: Mount): string => visible(root === '/' ? source : `${source}[${root}]`);

function seccompText({ mode, filters }: NonNullable<Inspection['seccomp']>): string {
  const text = typeof mode === 'number' ? `mode ${mode}` : mode;
  return filters === null || filters === 0 ? text : `${text}, ${filters === 1 ? 'one filter' : `${filters} filters`}`;
}

function viewpointText({ initial, pidNamespace, unreadable }: Inspection['viewpoint']): string {
  const where = {
    true: 'the first pid namespace of the system',
    false: `pid namespace ${pidNamespace}, a container: what is outside of it is not seen`,
    null: 'a pid namespace that is not known',
  }[String(initial) as 'true' | 'false' | 'null'];
  return unreadable === 0
    ? where
    : `${where}; ${unreadable} ${unreadable === 1 ? 'process' : 'processes'} may not be read`;
}

function namespaces(inspection: Inspection): readonly string[] {
  const rows = inspection.namespaces.map(namespace => {
    const { type, inode, processes, boxes } = namespace;
    if (inode === null) return [type, missing(inspection, `namespaces.${type}`, 'left: it has ended'), '', '', ''];
    return [type, String(inode), whose(namespace), countText(processes), boxes.map(visible).join(', ')];
  });
  const { host } = inspection.viewpoint;
  const note = `host: the same as ${host === 'pid 1' ? 'that of pid 1' : "nsgen's own (those of pid 1 may not be read)"}`;
  return [...columns([['TYPE', 'INODE', 'WHOSE', 'SHARED WITH', 'BOXES'], ...rows]), note];
}

function whose({ host, nsgen, initial }: Namespace): string {
  if (host === null) return 'unknown';
  const also = [...(initial === true && !host ? ["the system's first"] : []), ...(nsgen && !host ? ["nsgen's"] : [])];
  return [host ? 'host' : 'own', ...also].join(', ');
}

const FEW = 5;

function countText(pids: readonly number[]): string {
  if (pids.length === 0) return 'nobody';
  return pids.length <= FEW ? `process ${pids.join(', ')}` : `${pids.length} processes`;
}

function processes(inspection: Inspection, strokes: Strokes): readonly string[] {
  const { others } = inspection;
  const rest = others === 0 ? [] : [`${others} more ${others === 1 ? 'process' : 'processes'}: --all shows them`];
  return [...picture(inspection, strokes), ...rest];
}

function ids(inspection: Inspection): readonly string[] {
  const { ids } = inspection;
  if (ids === null) return [missing(inspection, 'status', 'not told')];
  const row = (
    name: string,
    { real, effective, saved, filesystem }: typeof ids.uid,
    map: readonly IdRange[] | null,
  ) => [
    name,
    ...[real, effective, saved, filesystem].map(String),
    map === null ? missing(inspection, `ids.${name}Map`) : map.map(rangeText).join('; ') || 'none',
  ];
  return [
    ...columns([
      ['', 'REAL', 'EFFECTIVE', 'SAVED', 'FS', 'MAP (INSIDE OUTSIDE COUNT)'],
      row('uid', ids.uid, ids.uidMap),
      row('gid', ids.gid, ids.gidMap),
    ]),
    `groups ${ids.groups.join(' ') || 'none'}`,
  ];
}

const rangeText = ({ inside, outside, count }: IdRange): string => `${inside} ${outside} ${count}`;

function capabilities(inspection: Inspection): readonly string[] {
  const { capabilities } = inspection;
  if (capabilities === null) return [missing(inspection, 'status', 'not told')];
  return columns(CAPABILITY_SETS.map(set => [set, capabilityText(capabilities[set])]));
}

function capabilityText(set: readonly (string | number)[]): string {
  const lacking = CAPABILITIES.filter(name => !set.includes(name));
  const unknown = set.filter(name => typeof name === 'number');
  if (set.length === 0) return 'none';
  if (lacking.length > FEW) return set.join(' ');
  const all = `all ${CAPABILITIES.length}${lacking.length === 0 ? '' : ` but ${lacking.join(' ')}`}`;
  return unknown.length === 0 ? all : `${all}, and ${unknown.join(' ')}`;
}

function cgroups(inspection: Inspection): readonly string[] {
  const { cgroups } = inspection;
  if (cgroups === null) return [missing(inspection, 'cgroups')];
  const rows = cgroups.map(({ hierarchy, controllers, name, path }) => [
    hierarchy === 0 ? 'version 2' : visible([...controllers, ...(name === null ? [] : [`name=${name}`])].join(',')),
    visible(path),
  ]);
  return columns([['HIERARCHY', 'CGROUP'], ...rows]);
}

function limits(inspection: Inspection): readonly string[] {
  const { rlimits } = inspection;
  if (rlimits === null) return [missing(inspection, 'rlimits')];
  const rows = rlimits.map(({ name, soft, hard, unit }) => [visible(name), String(soft), String(hard), unit ?? '']);
  return columns([['NAME', 'SOFT', 'HARD', 'UNIT'], ...rows]);
}

function mounts(inspection: Inspection): readonly string[] {
  const { mounts } = inspection;
  if (mounts === null) return [missing(inspection, 'mounts')];
  const rows = mounts.map(mount => [
    visible(mount.point),
    sourceText(mount),
    visible(mount.type),
    visible(mount.options.join(',')),
    mount.propagation.join(' ') || 'private',
  ]);
  return columns([['ON', 'SOURCE', 'TYPE', 'OPTIONS', 'PROPAGATION'], ...rows]);
}
