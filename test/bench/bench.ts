import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/package-root.js';
import { nsgenPath } from '../support/cli.js';
import { copiedBinaries, limitedScripts } from './by-hand.js';
import { type ContestSize, contest } from './contest.js';
import { crowd } from './crowd.js';
import {
  BACKEND,
  BWRAP,
  inProcess,
  LIBRARY,
  LIMITED_BACKEND,
  LIMITED_LIBRARY,
  SPAWN,
  UNSHARE,
  withLimits,
} from './in-process.js';
import { findNodes, type Nodes } from './nodes.js';
import { compilePrograms, type LauncherBox, startLauncher, time } from './programs.js';
import {
  atMost,
  atMostMore,
  machineFacts,
  markdown,
  type Row,
  type Section,
  type Target,
  timesFaster,
} from './report.js';
import type { Rounds } from './statistics.js';

/** Measures what docs/benchmarks.md shows, and writes it. NSGEN_BENCH_ROUNDS: how often; 60 unless given. */

const ROUNDS = Number(process.env.NSGEN_BENCH_ROUNDS ?? 60);
const IN_PROCESS: ContestSize = { rounds: ROUNDS, batch: 5 };
const WHOLE_PROCESS: ContestSize = { rounds: ROUNDS, batch: 1 };
const C = 'the same system calls in C';

const programs = compilePrograms();
const nodes = findNodes();
try {
  const sections = [
    await inProcessSection('A box with new pid, mount, uts and ipc namespaces, in-process', 'named', 4),
    await inProcessSection('The default box, with net and cgroup namespaces too, in-process', 'default', 2.5),
    await limitsSection(),
    await commandSection(nodes),
    await scriptSection(),
  ];
  const many = await crowd(1000);
  const notes = [
    `${many.boxes} boxes (pid, mount, uts and ipc namespaces, /proc) at once in one process: ${many.startMilliseconds.toFixed(0)} ms to start, ${many.residentMegabytes.toFixed(0)} MB resident, ${many.endMilliseconds.toFixed(0)} ms to end and reap`,
    `bubblewrap: ${version('bwrap', '--version')}; unshare: ${version('unshare', '--version')}; bash: ${version('bash', '-c', 'echo $BASH_VERSION')}`,
  ];
  const machine = machineFacts(nodes.binaries.map(node => node.version));
  const page = markdown(sections, machine, notes);
  mkdirSync(join(packageRoot, 'docs'), { recursive: true });
  writeFileSync(join(packageRoot, 'docs', 'benchmarks.md'), page);
  process.stdout.write(page);
} finally {
  programs.remove();
  nodes.remove();
}

function version(program: string, ...args: readonly string[]): string {
  return execFileSync(program, args, { encoding: 'utf8' }).trim();
}

async function inProcessSection(title: string, box: LauncherBox, thanBwrap: number): Promise<Section> {
  const launcher = startLauncher(programs.launcher, box, ['/bin/true']);
  const taken = await contest([{ name: C, run: launcher.run }, ...inProcess(box)], IN_PROCESS);
  await launcher.stop();
  const row = rowsOf(taken);
  const thanSpawn = box === 'named' ? timesFaster(1) : undefined;
  return {
    title,
    text: 'Around /bin/true, from the start until it is reaped.',
    rows: [
      row(C),
      row(LIBRARY, C, atMost(1.15)),
      row(LIBRARY, SPAWN, thanSpawn),
      row(LIBRARY, BWRAP, timesFaster(thanBwrap)),
      row(BACKEND, C, atMost(1.15)),
      row(BACKEND, SPAWN, thanSpawn),
      row(BACKEND, BWRAP, timesFaster(thanBwrap)),
      row(SPAWN),
      row(BWRAP),
      row(UNSHARE),
    ],
  };
}

async function limitsSection(): Promise<Section> {
  const row = rowsOf(await contest(withLimits(), IN_PROCESS));
  const { scripts, remove } = limitedScripts();
  try {
    const [free, limited] = ['box.sh: /bin/true', 'box.sh: /bin/true, with limits'];
    return {
      title: 'Limits',
      text: 'The default box around /bin/true, without limits and with three (memory, cpu time, processes), from the start until it is reaped and its cgroups are gone.',
      rows: [
        row(LIBRARY),
        row(LIMITED_LIBRARY, LIBRARY, atMostMore(0.4)),
        row(BACKEND),
        row(LIMITED_BACKEND, BACKEND, atMostMore(0.4)),
        ...(await commandRows(['/bin/bash', scripts.free], free, ['/bin/bash', scripts.limited], limited, undefined)),
      ],
    };
  } finally {
    remove();
  }
}

async function commandSection({ binaries }: Nodes): Promise<Section> {
  const rows: Row[] = [];
  for (const { path, version: name } of binaries) {
    const empty = `${name}: node -e 0`;
    const run = `${name}: nsgen run -- true`;
    rows.push(
      ...(await commandRows([path, '-e', '0'], empty, [path, nsgenPath, 'run', '--', 'true'], run, atMost(1.35))),
    );
  }
  return {
    title: 'nsgen run as a whole process',
    text: 'Against a Node that does nothing. Processor time is of the process and what it waited for.',
    rows,
  };
}

async function scriptSection(): Promise<Section> {
  const binaries = copiedBinaries();
  try {
    const rows: Row[] = [];
    const commands = [
      { command: ['/bin/bash', '-c', 'ps -ef; ip a'], target: atMost(1.15) },
      { command: ['/bin/true'], target: undefined },
    ];
    for (const { command, target } of commands) {
      const { generated, byHand } = binaries.scripts(command);
      const name = command.join(' ');
      const [hand, script] = [`by hand: ${name}`, `box.sh: ${name}`];
      rows.push(...(await commandRows(['/bin/bash', byHand], hand, ['/bin/bash', generated], script, target)));
    }
    return {
      title: 'The generated script',
      text: 'The rootfs of copied binaries, against a bash script with the one line `unshare -p -n -f --mount-proc=box/proc chroot box COMMAND`.',
      rows,
    };
  } finally {
    binaries.remove();
  }
}

/** Two commands as whole processes: their wall time, which the target is about, and their processor time. */
async function commandRows(
  base: readonly string[],
  baseName: string,
  own: readonly string[],
  ownName: string,
  target: Target | undefined,
): Promise<readonly Row[]> {
  const cpu = new Map<string, number[]>([
    [baseName, []],
    [ownName, []],
  ]);
  const contestant = (name: string, command: readonly string[]) => ({
    name,
    async run() {
      const taken = await time(programs.stopwatch, command);
      cpu.get(name)?.push(taken.cpu);
      return taken.wall;
    },
  });
  const row = rowsOf(await contest([contestant(baseName, base), contestant(ownName, own)], WHOLE_PROCESS));
  // The first rounds of a contest warm up.
  const cpuRow = rowsOf(new Map([...cpu].map(([name, values]) => [name, values.slice(-WHOLE_PROCESS.rounds)])));
  return [
    row(baseName),
    row(ownName, baseName, target),
    { ...cpuRow(ownName, baseName, undefined), name: `${ownName}, processor time` },
  ];
}

/** @returns a function that makes a row of a contestant, against another if one is named. */
function rowsOf(taken: ReadonlyMap<string, Rounds>) {
  const rounds = (name: string) => taken.get(name) ?? [];
  return (name: string, other?: string, target?: Target): Row => ({
    name,
    milliseconds: rounds(name),
    ...(other === undefined ? {} : { against: { name: other, milliseconds: rounds(other), target } }),
  });
}
