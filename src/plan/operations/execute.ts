import type { ErrnoName } from '../../linux/errno.js';
import { type Argument, type SystemCall, string } from '../../linux/system-call.js';
import type { OperationKind } from '../operation.js';

/** Becomes the command. */
export interface Execute {
  readonly kind: 'execute';
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Errors after which execvp(3) looks into the next directory of PATH. */
const NOT_HERE: readonly ErrnoName[] = ['ENOENT', 'ENOTDIR', 'EACCES', 'ENODEV'];

export const execute: OperationKind<Execute> = {
  describe: ({ command }) => `execute ${command.map(word => JSON.stringify(word)).join(' ')}`,

  systemCalls({ command, env }) {
    const argv: Argument = { kind: 'strings', values: command };
    const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    const envp: Argument = { kind: 'strings', values: variables };
    const files = candidates(command[0] ?? '', env.PATH ?? '');
    return files.map((file, index): SystemCall => {
      const attempt: SystemCall = { name: 'execve', arguments: [string(file), argv, envp] };
      const last = index === files.length - 1;
      return {
        ...attempt,
        ...(last ? {} : { tolerate: NOT_HERE }),
        onFailure: asShellScript(attempt, file, command, envp),
      };
    });
  },
};

/** The paths that execvp(3) tries: an empty element of PATH is the working directory. */
function candidates(program: string, path: string): readonly string[] {
  if (program.includes('/')) return [program];
  return path.split(':').map(directory => (directory === '' ? program : `${directory}/${program}`));
}

/** execvp(3) gives a text file without `#!` to the shell. Asking again tells that error from all others. */
function asShellScript(
  attempt: SystemCall,
  file: string,
  command: readonly string[],
  envp: Argument,
): readonly SystemCall[] {
  const shell: Argument = { kind: 'strings', values: ['/bin/sh', file, ...command.slice(1)] };
  return [
    { ...attempt, tolerate: ['ENOEXEC'] },
    { name: 'execve', arguments: [string('/bin/sh'), shell, envp] },
  ];
}
