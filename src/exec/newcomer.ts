import { readFileSync } from 'node:fs';
import { DEFAULT_PATH, TERMINAL_ENVIRONMENT } from '../box/box.js';
import { BoxError, fieldName, type Problem } from '../box/problem.js';
import { type AbsolutePath, absolutePath } from '../box/values.js';
import { hierarchies } from '../host/cgroup/mounts.js';
import { type CapabilitySet, namesOf } from '../linux/capabilities.js';
import type { Newcomer } from './plan.js';
import { parseStatus, type Status } from './status.js';
import type { Target } from './target.js';

export interface NewcomerOptions {
  readonly command: readonly string[];
  /** Variables besides those of the box. */
  readonly env: Readonly<Record<string, string>>;
  /** The variables of the box; undefined: those that the process was started with. */
  readonly boxEnv: Readonly<Record<string, string>> | undefined;
  readonly cwd: AbsolutePath | undefined;
  readonly ignoreSeccomp: boolean;
  readonly ignoreApparmor: boolean;
  readonly terminal: boolean;
}

/**
 * What a command needs to be like a process that runs.
 *
 * @throws BoxError naming all of that process that cannot be given to another.
 */
export function describeNewcomer(target: Target, options: NewcomerOptions): Newcomer {
  const own = parseStatus(readFileSync('/proc/self/status', 'latin1'));
  const problems: Problem[] = [];
  const env = { ...(options.boxEnv ?? environmentOf(target, problems)), ...options.env };
  env.PATH ??= DEFAULT_PATH;
  problems.push(...tooManyDirectories(env.PATH));
  if (options.terminal) env.TERM ??= TERMINAL_ENVIRONMENT.TERM;
  const inside = insideUids(target);
  const newcomer = {
    target,
    command: options.command,
    env,
    cwd: options.cwd,
    cgroupFiles: cgroupFiles(target, problems),
    groups: groupsOf(target.status, own, problems),
    uids: changedUids(target, inside, own, problems),
    droppedCapabilities: droppedCapabilities(target, own, problems),
    terminal: options.terminal,
  };
  problems.push(...confinements(target, own, options));
  if (problems.length > 0) throw new BoxError(problems);
  return newcomer;
}

/** Each becomes some system calls, between which there is nobody to do anything else: a script holds a KB for each. */
const MOST_DIRECTORIES = 512;

function tooManyDirectories(path: string): readonly Problem[] {
  const count = path.split(':').length;
  if (count <= MOST_DIRECTORIES) return [];
  const message = `has ${count} directories, of which ${MOST_DIRECTORIES} can be looked into: give a shorter one with -e PATH=...`;
  return [{ field: 'env.PATH', message }];
}

/** What is no NAME=VALUE no program finds with getenv(3): a process may have written over it, to show a title. */
function environmentOf({ environment }: Target, problems: Problem[]): Record<string, string> {
  const variables: Record<string, string> = Object.create(null);
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  for (const entry of environment) {
    const equals = entry.indexOf('=');
    const name = entry.slice(0, equals);
    // The first of two counts: getenv(3).
    if (Object.hasOwn(variables, name)) continue;
    try {
      variables[decoder.decode(Buffer.from(name, 'latin1'))] = decoder.decode(
        Buffer.from(entry.slice(equals + 1), 'latin1'),
      );
    } catch {
      problems.push({ field: fieldName(['env', name]), message: 'is not valid UTF-8, and would not arrive unchanged' });
    }
  }
  return variables;
}

function cgroupFiles({ cgroups }: Target, problems: Problem[]): readonly AbsolutePath[] {
  const own = readFileSync('/proc/self/cgroup', 'latin1').split('\n');
  const other = cgroups.split('\n').filter(line => line !== '' && !own.includes(line));
  return other.flatMap(line => {
    const [, list = '', path = ''] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    const { mounted } = hierarchies(undefined, line);
    const hierarchy = mounted[0];
    // Without its own place, it says that of the mount: somebody else's cgroup.
    const seen = hierarchy !== undefined && (path === '/' || hierarchy.own !== hierarchy.top);
    if (seen) return [absolutePath(`${hierarchy.own}/${hierarchy.version === 1 ? 'tasks' : 'cgroup.procs'}`)];
    const name = list === '' ? 'version 2' : list;
    problems.push({
      field: 'cgroup',
      message: `the cgroup ${JSON.stringify(path)} of ${name}, in which the process is, is mounted nowhere here`,
    });
    return [];
  });
}

const same = (one: readonly number[], other: readonly number[]) => one.join() === other.join();
const sorted = (list: readonly number[]) => list.toSorted((a, b) => a - b);

function groupsOf({ gids, groups }: Status, own: Status, problems: Problem[]): Newcomer['groups'] {
  if (same(gids, own.gids) && same(sorted(groups), sorted(own.groups))) return undefined;
  if (own.uids[1] !== 0)
    problems.push({ field: 'groups', message: 'the process is in others than the caller: only root can enter them' });
  return { gids, groups };
}

/** setresuid(2) takes the numbers of the user namespace that one is in by then. */
function insideUids({ status, uidMap }: Target): readonly (number | undefined)[] {
  const ranges = uidMap.split('\n').filter(Boolean);
  return status.uids.map(outside => {
    for (const line of ranges) {
      const [first = 0, base = 0, count = 0] = line.trim().split(/\s+/).map(Number);
      if (outside >= base && outside < base + count) return first + outside - base;
    }
    return undefined;
  });
}

function changedUids({ status }: Target, inside: readonly (number | undefined)[], own: Status, problems: Problem[]) {
  if (same(status.uids, own.uids)) return undefined;
  const [real, effective, saved] = inside;
  if (real !== undefined && effective !== undefined && saved !== undefined) return [real, effective, saved] as const;
  problems.push({ field: 'user', message: 'that of the process has no number in its user namespace' });
  return undefined;
}

/** Whoever joins a user namespace has all capabilities in there; else nobody has more than before. */
function droppedCapabilities(
  { status: { capabilities }, namespaces }: Target,
  { capabilities: own }: Status,
  problems: Problem[],
): CapabilitySet {
  if (namespaces.includes('user')) return allCapabilities() & ~capabilities.bounding;
  const lacking = (capabilities.bounding & ~own.bounding) | (capabilities.permitted & ~own.permitted);
  if (lacking !== 0n)
    problems.push({
      field: 'capabilities',
      message: `the process has some that the caller lacks: ${namesOf(lacking)}`,
    });
  return own.bounding & ~capabilities.bounding;
}

function allCapabilities(): CapabilitySet {
  const last = Number(readFileSync('/proc/sys/kernel/cap_last_cap', 'latin1'));
  return (1n << BigInt(last + 1)) - 1n;
}

function confinements(target: Target, own: Status, options: NewcomerOptions): readonly Problem[] {
  const { seccompFilters, noNewPrivileges } = target.status;
  const problems: Problem[] = [];
  if (!options.ignoreSeccomp && seccompFilters > filtersOfAll()) {
    const message = 'the process has a filter, which no other process can take over: --ignore-seccomp runs without it';
    problems.push({ field: 'seccomp', message });
  }
  if (!options.ignoreApparmor && target.label !== undefined) {
    const message = `the process is confined as ${JSON.stringify(target.label)}: --ignore-apparmor runs without it`;
    problems.push({ field: 'apparmor', message });
  }
  if (own.noNewPrivileges && !noNewPrivileges)
    problems.push({ field: 'noNewPrivileges', message: 'the caller has given that up, and the process has not' });
  return problems;
}

/** Filters are inherited and never taken off: what the first process of this pid namespace has, the caller has too. */
function filtersOfAll(): number {
  try {
    return parseStatus(readFileSync('/proc/1/status', 'latin1')).seccompFilters;
  } catch {
    return 0;
  }
}
