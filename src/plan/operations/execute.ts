import type { AbsolutePath } from '../../box/values.js';
import { INIT_PATH, STARTED } from '../../init/names.js';
import { AT } from '../../linux/constants.js';
import { execvp } from '../../linux/execvp.js';
import { LAUNCHER_DESCRIPTOR, type Launcher, makeLauncher } from '../../linux/launcher.js';
import { architecture } from '../../linux/libc.js';
import { type Argument, flags, integer, type SystemCall, string } from '../../linux/system-call.js';
import { initDescriptor, type OperationKind } from '../operation.js';
import { type Life, lifeDescriptor } from './record-life.js';

/** Becomes the command, or the init that starts it. */
export interface Execute {
  readonly kind: 'execute';
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** True: what open-init has opened. Else a program in the box. */
  readonly init: true | AbsolutePath | undefined;
  /** With it, it is written there, before, that it comes to this. */
  readonly life: Life;
  /** By what open-launcher has opened. */
  readonly launcher?: boolean;
}

export const execute: OperationKind<Execute> = {
  describe({ command, init }) {
    const words = command.map(word => JSON.stringify(word)).join(' ');
    if (init === undefined) return `execute ${words}`;
    if (command.length === 0) return 'execute the init, which reaps whoever is left to it, until it is told to end';
    return `execute ${init === true ? 'the init' : JSON.stringify(init)}, which starts ${words}`;
  },

  systemCalls({ command, env, init, life, launcher }, caller) {
    const started = life === false ? [] : [sayStarted(lifeDescriptor(launcher))];
    if (launcher) return [...started, { ...EXECUTE_LAUNCHER, launches: launcherOf({ command, env, init }).calls }];
    if (init !== true) return [...started, ...attempts({ command, env, init })];
    const words = command.length === 0 ? [PAUSE_TITLE] : [INIT_PATH, ...command];
    const argv: Argument = { kind: 'strings', values: words };
    return [...started, executeDescriptor(initDescriptor(caller), argv, variablesOf(env))];
  },
};

type Command = Pick<Execute, 'command' | 'env' | 'init'>;

/** Of all these calls, one succeeds, or none. */
function attempts({ command, env, init }: Command): readonly SystemCall[] {
  const argv: Argument = { kind: 'strings', values: [...initWords(init), ...command] };
  const envp = variablesOf(env);
  if (typeof init === 'string') return [{ name: 'execve', arguments: [string(init), argv, envp] }];
  return execvp(
    candidates(command[0] ?? '', env.PATH ?? '').map(file => {
      const shell: Argument = { kind: 'strings', values: ['/bin/sh', file, ...command.slice(1)] };
      return {
        execute: { name: 'execve', arguments: [string(file), argv, envp] },
        asShellScript: [{ name: 'execve', arguments: [string('/bin/sh'), shell, envp] }],
      };
    }),
  );
}

const variablesOf = (env: Execute['env']): Argument => ({
  kind: 'strings',
  values: Object.entries(env).map(([name, value]) => `${name}=${value}`),
});

const launchers = new WeakMap<Execute['command'], Command & { readonly launcher: Launcher }>();

/** What makes these attempts in a program of its own. Two operations of a plan ask for it. */
export function launcherOf({ command, env, init }: Command): Launcher {
  const known = launchers.get(command);
  if (known?.env === env && known.init === init) return known.launcher;
  const launcher = makeLauncher(architecture(), attempts({ command, env, init }));
  launchers.set(command, { command, env, init, launcher });
  return launcher;
}

/** What ps shows of an init that has no command. It is one word: a second would be the command. */
export const PAUSE_TITLE = 'nsgen-init pause';

/** The words before the command: those of tini, catatonit and dumb-init, or how nsgen's own is called. */
export const initWords = (init: Execute['init']): readonly string[] =>
  init === undefined ? [] : init === true ? [INIT_PATH] : [init, '--'];

const sayStarted = (descriptor: number): SystemCall => ({
  name: 'write',
  arguments: [integer(descriptor), string(STARTED), integer(STARTED.length)],
});

const executeDescriptor = (descriptor: number, argv: Argument, envp: Argument): SystemCall => ({
  name: 'execveat',
  arguments: [integer(descriptor), string(''), argv, envp, flags({ AT_EMPTY_PATH: AT.AT_EMPTY_PATH }, 'AT_EMPTY_PATH')],
});

/** The words are what ps shows for the microseconds until it has executed the command. */
const EXECUTE_LAUNCHER = executeDescriptor(
  LAUNCHER_DESCRIPTOR,
  { kind: 'strings', values: ['nsgen'] },
  { kind: 'strings', values: [] },
);

/** The paths that execvp(3) tries: an empty element of PATH is the working directory. */
function candidates(program: string, path: string): readonly string[] {
  if (program.includes('/')) return [program];
  return path.split(':').map(directory => (directory === '' ? program : `${directory}/${program}`));
}
