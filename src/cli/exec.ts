import type { ArgsDef, CommandDef } from 'citty';
import { BACKEND_NAMES, isBackendName } from '../backends/backend.js';
import { loadStartNewcomer } from '../backends/exec.js';
import { EXIT_STATUS } from '../backends/failure.js';
import { BoxError, fieldName, type Problem } from '../box/problem.js';
import { type AbsolutePath, environmentNameProblem, isAbsolutePath } from '../box/values.js';
import { openBox } from '../exec/box.js';
import { describeNewcomer } from '../exec/newcomer.js';
import type { Newcomer } from '../exec/plan.js';
import { openTarget, type Target } from '../exec/target.js';
import type { BoxState } from '../state/boxes.js';
import { requireHere } from '../state/elsewhere.js';
import { type GivenFlags, parseArguments } from './arguments.js';
import { environment } from './box-from-flags.js';
import { DESCRIPTIONS } from './descriptions.js';
import { HELP_FLAG } from './flags.js';
import { write, writeHelp } from './output.js';
import { forwardSignals } from './run.js';
import type { Subcommand } from './subcommand.js';

const FLAGS = {
  env: { type: 'string', alias: 'e', valueHint: 'NAME=VALUE', description: 'set a variable, besides those of the box' },
  workdir: { type: 'string', alias: 'w', valueHint: 'DIR', description: 'the directory in the box to start in' },
  tty: {
    type: 'boolean',
    alias: 't',
    description: 'a terminal of its own, in the devpts of the box',
  },
  'ignore-seccomp': { type: 'boolean', description: 'run without the seccomp filter of the box' },
  'ignore-apparmor': { type: 'boolean', description: 'run without the AppArmor or SELinux confinement of the box' },
  ...HELP_FLAG,
} as const satisfies ArgsDef;

const RUN_FLAGS = {
  ...FLAGS,
  backend: {
    type: 'string',
    valueHint: 'NAME',
    description: 'ffi: system calls (default); script: bash runs the generated script',
  },
  detach: { type: 'boolean', alias: 'd', description: 'not done: the command ends with nsgen' },
} as const satisfies ArgsDef;

/** `nsgen exec`, and `exec` of another subcommand, which takes what follows that word. */
function execCommand(
  name: string,
  description: string,
  args: ArgsDef,
  act: (newcomer: Newcomer, flags: GivenFlags) => Promise<number>,
): Subcommand {
  const definition: CommandDef = { meta: { name: `nsgen ${name}`, description }, args };
  return {
    definition,
    async run(argv) {
      const { flags, command: words } = parseArguments(argv, args);
      if (flags.has('help')) {
        const { renderUsage } = await import('citty');
        const usage = await renderUsage(definition);
        writeHelp(1, usage.replace('[OPTIONS] ', '[OPTIONS] NAME|PID [--] COMMAND [ARGUMENT...]'));
        return EXIT_STATUS.ok;
      }
      return withNewcomer(words, flags, newcomer => act(newcomer, flags));
    },
  };
}

export const exec = execCommand('exec', DESCRIPTIONS.exec, RUN_FLAGS, async (newcomer, flags) => {
  const backend = flags.one('backend') ?? 'ffi';
  if (!isBackendName(backend))
    throw new BoxError([{ field: '--backend', message: `must be one of ${BACKEND_NAMES.join(', ')}` }]);
  const startNewcomer = await loadStartNewcomer(backend);
  const forwarding = forwardSignals(undefined, newcomer.terminal);
  const running = await startNewcomer(newcomer);
  forwarding.to(running);
  const status = await running.ended;
  forwarding.stop();
  return status;
});

export const scriptExec = execCommand(
  'script exec',
  'write the bash script that runs a command in a box that runs',
  FLAGS,
  async newcomer => {
    const { renderExecScript } = await import('../backends/script/render-exec.js');
    write(1, renderExecScript(newcomer));
    return EXIT_STATUS.ok;
  },
);

async function withNewcomer(
  words: readonly string[],
  flags: GivenFlags,
  act: (newcomer: Newcomer) => Promise<number>,
): Promise<number> {
  const [name, ...rest] = words;
  const command = rest[0] === '--' ? rest.slice(1) : rest;
  const problems = [...problemsOf(name, command), ...refused(flags)];
  const env = environment(flags, problems);
  for (const variable of Object.keys(env)) {
    const message = environmentNameProblem(variable);
    if (message !== undefined) problems.push({ field: fieldName(['env', variable]), message });
  }
  const cwd = directory(flags.one('workdir'), problems);
  if (name === undefined || problems.length > 0) throw new BoxError(problems);
  const { target, boxEnv, boxCwd } = await find(name);
  const newcomer = describeNewcomer(target, {
    command,
    env,
    boxEnv,
    cwd: cwd ?? boxCwd,
    ignoreSeccomp: flags.has('ignore-seccomp'),
    ignoreApparmor: flags.has('ignore-apparmor'),
    terminal: flags.has('tty'),
  });
  return act(newcomer);
}

const problemsOf = (name: string | undefined, command: readonly string[]): Problem[] => [
  ...(name === undefined ? [{ field: '', message: 'which box? nsgen exec NAME|PID -- COMMAND' }] : []),
  ...(name !== undefined && command.length === 0
    ? [{ field: '', message: 'no command is given: nsgen exec NAME|PID -- COMMAND' }]
    : []),
];

const refused = (flags: GivenFlags): readonly Problem[] =>
  flags.has('detach') ? [{ field: '--detach', message: 'a command in a running box ends with nsgen' }] : [];

function directory(given: string | undefined, problems: Problem[]): AbsolutePath | undefined {
  if (given === undefined || isAbsolutePath(given)) return given;
  problems.push({ field: '--workdir', message: 'must be an absolute path in the box' });
  return undefined;
}

interface Found {
  readonly target: Target;
  readonly boxEnv: Readonly<Record<string, string>> | undefined;
  readonly boxCwd: AbsolutePath | undefined;
}

/** As inspect does: what is all digits is the number of a process, for no box has such a name. */
async function find(name: string): Promise<Found> {
  if (/^\d{1,10}$/.test(name))
    return { target: openTarget({ pid: Number(name) }), boxEnv: undefined, boxCwd: undefined };
  const { isPod } = await import('../state/boxes.js');
  const { findByWord } = await import('../state/word.js');
  const found = findByWord(name);
  requireHere(found);
  if (isPod(found)) throw await podRefusal(found);
  const { target, box } = openBox(found);
  return { target, boxEnv: box.env, boxCwd: box.cwd };
}

/** The init of a pod has no files and no rights, and so a command with its root would have none. */
async function podRefusal(pod: BoxState): Promise<BoxError> {
  const { membersOf } = await import('../state/pods.js');
  const running = membersOf(pod).filter(({ status }) => status === 'running');
  const names = running.length === 0 ? 'none runs' : running.map(({ name }) => name).join(', ');
  return new BoxError([
    {
      field: '',
      message: `${JSON.stringify(pod.name)} is a pod: name one of its boxes (${names}), or start another by nsgen run --pod ${pod.name}`,
    },
  ]);
}
