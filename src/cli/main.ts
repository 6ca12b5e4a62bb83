#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CommandDef } from 'citty';
import { EXIT_STATUS } from '../backends/failure.js';
import { BoxError } from '../box/problem.js';
import { invalidArguments } from './arguments.js';
import { DESCRIPTIONS, type SubcommandName } from './descriptions.js';
import { report, write, writeHelp } from './output.js';
import type { Subcommand } from './subcommand.js';

/** Each loads what it needs and nothing else. */
const SUBCOMMANDS: Readonly<Record<SubcommandName, () => Promise<Subcommand>>> = {
  run: async () => (await import('./run.js')).runCommand,
  script: async () => (await import('./script.js')).scriptCommand,
  plan: async () => (await import('./plan.js')).planCommand,
  compare: async () => (await import('./compare.js')).compareCommand,
  rootfs: async () => (await import('./rootfs.js')).rootfsCommand,
  init: async () => (await import('./init.js')).initCommand,
  exec: async () => (await import('./exec.js')).exec,
  top: async () => (await import('./top.js')).topCommand,
  ps: async () => (await import('./ps.js')).psCommand,
  stop: async () => (await import('./stop.js')).stopCommand,
  kill: async () => (await import('./kill.js')).killCommand,
  wait: async () => (await import('./wait.js')).waitCommand,
  logs: async () => (await import('./logs.js')).logsCommand,
  rm: async () => (await import('./rm.js')).rmCommand,
  inspect: async () => (await import('./inspect.js')).inspectCommand,
  prune: async () => (await import('./prune.js')).pruneCommand,
};

async function main(argv: readonly string[]): Promise<number> {
  const [name, ...rest] = argv;
  const problems = invalidArguments(argv);
  if (problems.length > 0) throw new BoxError(problems);
  if (name === '--version' || name === '-v') {
    const { packageRoot } = await import('../package-root.js');
    const { version } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8'));
    write(1, `${version}\n`);
    return EXIT_STATUS.ok;
  }
  if (name === undefined || name === '--help' || name === '-h') {
    writeHelp(name === undefined ? 2 : 1, await overview());
    return name === undefined ? EXIT_STATUS.refused : EXIT_STATUS.ok;
  }
  if (!isSubcommand(name)) {
    const known = Object.keys(SUBCOMMANDS).join(', ');
    throw new BoxError([
      { field: '', message: `there is no command ${JSON.stringify(name)} (${known}; see nsgen --help)` },
    ]);
  }
  if (name === 'script' && rest[0] === 'exec') return (await import('./exec.js')).scriptExec.run(rest.slice(1));
  return (await SUBCOMMANDS[name]()).run(rest);
}

const isSubcommand = (name: string): name is SubcommandName => Object.hasOwn(SUBCOMMANDS, name);

async function overview(): Promise<string> {
  const { renderUsage } = await import('citty');
  const subCommands = Object.fromEntries(
    Object.entries(DESCRIPTIONS).map(([name, description]): [string, CommandDef] => [name, { meta: { description } }]),
  );
  const description = 'start a command in a box of Linux namespaces, or write the script that does';
  return renderUsage({ meta: { name: 'nsgen', description }, subCommands });
}

/**
 * An error where nobody expects one: in a listener, a timer, a promise that nobody waits for. The kernel ends a box with this
 * process; its cgroups and the terminal are the affair of who listens for the exit.
 */
function endAfter(error: unknown): void {
  try {
    report(error, 'ended by an error that nobody expected');
  } finally {
    process.exit(EXIT_STATUS.failed);
  }
}

process.on('uncaughtException', endAfter);
main(process.argv.slice(2)).then(
  status => {
    process.exitCode = status;
  },
  error => {
    process.exitCode = report(error);
  },
);
