import { createHash } from 'node:crypto';
import { BoxError, fieldName, type Problem } from '../../box/problem.js';
import { makeExecPlan, type Newcomer } from '../../exec/plan.js';
import { shownLimit } from '../../plan/operations/resource-limits.js';
import { describe, type Operation } from '../../plan/operations.js';
import { loaderVariables } from './place.js';
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
  const plan = makeExecPlan(newcomer);
  const { command, env, target, uidInside, cgroupFiles } = newcomer;
  const section = (operation: Operation) => ({
    text: describe(operation),
    body: render(operation.kind, { operation, place: 'launch', uidInside, shownLimit, limitOption }),
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
    tools: TOOLS,
    packages: packagesOf(TOOLS),
    early,
    sections: sections.filter(({ body }) => body.trim() !== ''),
  });
}

const TOOLS = ['env', 'install', 'mktemp', 'nsenter', 'prlimit', 'rm', 'setpriv', 'setsid', 'sleep'];

/** RLIMIT_NOFILE is --nofile of prlimit(1). */
const limitOption = (name: string): string => `--${name.slice('RLIMIT_'.length).toLowerCase()}`;

/** By name, and never left out in silence. */
function unsupported({ env, target, uids, uidInside, droppedCapabilities, terminal }: Newcomer): readonly Problem[] {
  const { inheritable, ambient, bounding, permitted } = target.status.capabilities;
  const isRoot = (uids ?? target.status.uids)[1] === 0 || target.namespaces.includes('user');
  const lacking = droppedCapabilities !== 0n || inheritable !== 0n || ambient !== 0n;
  const problems: Problem[] = loaderVariables(env).map(name => ({
    field: fieldName(['env', name]),
    message: 'the script cannot set this: the program of the host that enters the box would follow it',
  }));
  if (terminal)
    problems.push({
      field: '--tty',
      message: 'script(1) makes terminals in the devpts of the host, and not in that of the box: use nsgen exec',
    });
  if (lacking || (isRoot && uids === undefined && permitted !== bounding))
    problems.push({
      field: 'capabilities',
      message: 'the script cannot take some from a command once it is in the box: use nsgen exec',
    });
  if (uids !== undefined && new Set(uids).size > 1)
    problems.push({ field: 'user', message: 'the script cannot be three users at once: use nsgen exec' });
  if (uidInside === undefined)
    problems.push({
      field: 'user',
      message: 'that of the process has no number in its user namespace: use nsgen exec',
    });
  return problems;
}
