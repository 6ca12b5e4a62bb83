import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { Session } from './session.js';

/** A shell with job control in a terminal that script(1) makes, and what is typed there. */

export const CTRL_C = '\x03';
export const CTRL_Z = '\x1a';

export const SHELL = 'bash --norc --noprofile';

/** What the terminal echoes of a command must not look like what the command says: hence the \\074 for "<". */
export const say = (text: string) => `printf "\\074${text}>\\n"`;

export const startShell = (): Session =>
  new Session('script', ['-qefc', `${SHELL} -i`, '/dev/null'], { ...process.env, TERM: 'dumb' });

export interface Shell {
  readonly session: Session;
  readonly pid: number;
  readonly terminal: string;
  /** How the terminal is set. */
  readonly attributes: string;
}

/** It says who it is, where its terminal is, and how that is set. */
export async function identify(session: Session): Promise<Shell> {
  session.type(`PS1='outer: '; ${say('$$ $(tty) $(stty -g)')}\n`);
  await session.until(/<\d+ \S+ \S+>/);
  const [, pid, terminal, attributes] = /<(\d+) (\S+) (\S+)>/.exec(session.output) ?? [];
  assert.ok(terminal !== undefined && attributes !== undefined);
  return { session, pid: Number(pid), terminal, attributes };
}

/** What the shell says of its terminal afterwards. */
export async function isRestored(session: Session, attributes: string): Promise<void> {
  const from = session.output.length;
  session.type(`${say('now $(stty -g)')}\n`);
  await session.until(/<now \S+>/, from);
  assert.equal(/<now (\S+)>/.exec(session.output.slice(from))?.[1], attributes);
}

/** Of a shell in the box: the keys of the terminal are for its job, and its terminal has the size of the caller's. */
export async function hasJobControl(session: Session, terminal: string): Promise<void> {
  const asleep = `trap '${say('on')}' CONT; ${say('asleep')}; while :; do sleep 0.05; done`;
  session.type(`bash -c '${asleep.replaceAll("'", `'"'"'`)}'\n`);
  await session.until(/<asleep>/);
  session.type(CTRL_Z);
  await session.until(/Stopped/);
  execFileSync('stty', ['-F', terminal, 'rows', '41', 'cols', '121']);
  session.type(`until [[ $(stty size) == "41 121" ]]; do sleep 0.05; done; ${say('resized')}\n`);
  await session.until(/<resized>/);
  session.type(`${say('columns $COLUMNS')}\n`);
  await session.until(/<columns 121>/);
  const from = session.output.length;
  session.type('fg\n');
  await session.until(/<on>/, from);
  session.type(CTRL_C);
  session.type(`${say('interrupted $?')}\n`);
  await session.until(/<interrupted 130>/);
}
