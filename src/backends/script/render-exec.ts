import { createHash } from 'node:crypto';
import { DEFAULT_STOP_TIMEOUT } from '../../box/box.js';
import { BoxError, fieldName, type Problem } from '../../box/problem.js';
import { noDevpts } from '../../exec/no-devpts.js';
import { outerProc } from '../../exec/outer-proc.js';
import { makeExecPlan, type Newcomer } from '../../exec/plan.js';
import { type ErrnoName, errnoNumber } from '../../linux/errno.js';
import { NOBODY_LISTENS, REPORT_DESCRIPTOR } from '../../linux/newcomer-program.js';
import { shownLimit } from '../../plan/operations/resource-limits.js';
import { describe, type Operation } from '../../plan/operations.js';
import { followedVariables } from './followed-variables.js';
import { DIRECTORY_DESCRIPTOR, embeddedNewcomer, USER_DESCRIPTOR } from './newcomer-program.js';
import { quote } from './quote.js';
import { render } from './render.js';
import { packagesOf } from './tools.js';

/** All but the first of what bash does itself, or what is one of the words before the command. */
const SECTIONS: readonly Operation['kind'][] = [
  'open-process',
  'resource-limits',
  'file-mode-mask',
  'join-process',
  'set-groups',
  'set-capabilities',
  'start-inside',
];

/**
 * Renders what starts a command in a box that runs, as one self-contained bash script.
 *
 * @throws BoxError when bash and util-linux cannot make the command like the process that it joins.
 */
export function renderExecScript(newcomer: Newcomer): string {
  const problems = unsupported(newcomer);
  if (problems.length > 0) throw new BoxError(problems);
  // script(1) makes the terminal: no descriptor of a devpts is needed.
  const plan = makeExecPlan(newcomer, newcomer.terminal ? -1 : undefined);
  const { command, env, target, cgroupFiles, cwd, terminal } = newcomer;
  const uid = process.geteuid?.() ?? 0;
  // Root of the host enters it last, with its rights over the others; an ordinary user has rights only in there.
  const joinsUser = target.namespaces.includes('user');
  const userLast = uid === 0 && joinsUser;
  // The mount namespace in which script(1) runs takes rights, too.
  const userFirst = uid !== 0 && joinsUser && terminal;
  const userWith = joinsUser && !userLast && !userFirst;
  const tools = terminal ? [...TOOLS, ...TERMINAL_TOOLS].sort() : TOOLS;
  const section = (operation: Operation) => ({
    text: describe(operation),
    body: render(operation.kind, { operation, place: 'launch', userWith, terminal, shownLimit, limitOption }),
  });
  const sections = SECTIONS.flatMap(kind => plan.filter(operation => operation.kind === kind)).map(section);
  const early = plan.filter(({ kind }) => kind === 'standard-streams' || kind === 'close-descriptors').map(section);
  return render('exec.sh', {
    digest: createHash('sha256')
      .update(JSON.stringify([command, env, target.process]))
      .digest('hex'),
    command: command.map(word => quote(word)).join(' '),
    words: command,
    environment: Object.entries(env).map(([name, value]) => `${name}=${value}`),
    summary: plan.map(describe),
    pid: target.process.pid,
    cgroupFiles,
    tools,
    packages: packagesOf(tools),
    early,
    terminal,
    userFirst,
    stopTimeout: DEFAULT_STOP_TIMEOUT,
    functions: ['await_child', ...(terminal ? ['add_terminal', 'set_terminal', 'use_terminal'] : [])].map(name =>
      render(`functions/${name}`, {
        script: 'exec.sh',
        noDevpts: noDevpts(target.process.pid),
        owner: ownerOf(newcomer, uid),
      }),
    ),
    uid,
    program: embeddedNewcomer(newcomer, plan, userLast),
    held: [
      ...(cwd === undefined ? [{ descriptor: DIRECTORY_DESCRIPTOR, path: 'cwd' }] : []),
      ...(userLast ? [{ descriptor: USER_DESCRIPTOR, path: 'ns/user' }] : []),
    ],
    reportDescriptor: REPORT_DESCRIPTOR,
    nobodyListens: NOBODY_LISTENS,
    errnos: ERRNOS.map(name => ({ name, number: errnoNumber(name) })),
    sections: sections.filter(({ body }) => body.trim() !== ''),
  });
}

const TOOLS = ['base64', 'chmod', 'env', 'mkfifo', 'mktemp', 'nsenter', 'prlimit', 'rm', 'setpriv', 'setsid', 'sleep'];

const TERMINAL_TOOLS = ['bash', 'chown', 'ln', 'mount', 'script', 'stat', 'stty', 'unshare'];

/** Whose the terminal is, unless it is who makes it: by the numbers of the user namespace in which script(1) runs. */
function ownerOf({ target: { status }, uids, groups }: Newcomer, uid: number) {
  if (uids === undefined && groups === undefined) return undefined;
  const owner = uid === 0 ? status.uids : uids;
  return { uid: owner?.[1] ?? uid, gid: groups?.gids[1] ?? status.gids[1] };
}

/** What execve(2) says, and who joins a box that ends, or is full. */
const ERRNOS: readonly ErrnoName[] = [
  'EPERM',
  'ENOENT',
  'ESRCH',
  'EIO',
  'E2BIG',
  'ENOEXEC',
  'EAGAIN',
  'ENOMEM',
  'EACCES',
  'ENOTDIR',
  'EISDIR',
  'EINVAL',
  'ETXTBSY',
  'ELOOP',
];

/** RLIMIT_NOFILE is --nofile of prlimit(1). */
const limitOption = (name: string): string => `--${name.slice('RLIMIT_'.length).toLowerCase()}`;

/** By name, and never left out in silence. */
function unsupported({ env, target }: Newcomer): readonly Problem[] {
  const problems: Problem[] = followedVariables(env).map(name => ({
    field: fieldName(['env', name]),
    message:
      'the script cannot set this: the programs of the host that enter the box would load code or open files by it: use nsgen exec',
  }));
  return process.geteuid?.() !== 0 && target.namespaces.includes('user')
    ? [...problems, ...exposures(target)]
    : problems;
}

/** An ordinary user has rights only in the user namespace: its programs of the host must not be seen by who has them in there. */
function exposures(target: Newcomer['target']): readonly Problem[] {
  const attach = 'could attach to what joins its user namespace, in a directory of the host: use nsgen exec';
  if (!target.namespaces.includes('pid'))
    return [{ field: 'namespaces.pid', message: `the box shares the one of the caller, and ${attach}` }];
  const proc = outerProc(target);
  if (proc === undefined) return [];
  return [
    { field: 'mounts', message: `the box sees the processes of the caller on ${JSON.stringify(proc)}, and ${attach}` },
  ];
}
