import { cloneCall } from './clone.js';
import { F_SETFD, FD_CLOEXEC, O, P_PID, SIGNALS, WEXITED } from './constants.js';
import { dataAddress, makeElf } from './elf.js';
import { type Attempt, execvp } from './execvp.js';
import { add, chain, layOut, link, type Node, sizeOf } from './layout.js';
import { type Architecture, assemble, machineCode } from './machine-code.js';
import { Memory } from './memory.js';
import { callOfRun, StackWords } from './stack-words.js';
import {
  type Argument,
  flags,
  formatSystemCall,
  integer,
  NULL,
  type Output,
  output,
  type Result,
  resultOf,
  type SystemCall,
  string,
  symbol,
  valueIn,
} from './system-call.js';

/**
 * The last system calls before a command of a box that a script joins, as a program of its own: an ELF file with the machine
 * code, and the table of these calls behind it. It makes a process, waits for its end, and ends with the same status.
 *
 * On descriptor 3 it says what no status can, in a line: `failed` and the call, or at the end a byte, si_code of
 * sigaction(2): how the command ended. Without either, it was never executed. Its own status after `failed` is -errno.
 */
export interface NewcomerProgram {
  readonly elf: Buffer;
  /** For whoever reads the script: what it does, and what its child does. */
  readonly before: readonly SystemCall[];
  readonly inside: readonly SystemCall[];
}

/** Open for the program alone. */
export const REPORT_DESCRIPTOR = 3;

/** For one that was executed again, by way of /proc/self/exe: nobody listens. A shell ends otherwise if it cannot execute it. */
export const NOBODY_LISTENS = 125;

const exit = (status: SystemCall['arguments'][number]): SystemCall => ({ name: 'exit_group', arguments: [status] });

const CLOSE_ON_EXEC: SystemCall = {
  name: 'fcntl',
  arguments: [integer(REPORT_DESCRIPTOR), symbol('F_SETFD', F_SETFD), symbol('FD_CLOEXEC', FD_CLOEXEC)],
  onFailure: [exit(integer(NOBODY_LISTENS))],
};

/** siginfo_t: si_code and si_status, which are 32 bits each. */
const SIGINFO: Output = { length: 128, text: 'siginfo' };
const SI_CODE = 8;
const SI_STATUS = 24;

/** @param paths of how many places of the command it is told. */
export function makeNewcomerProgram(
  architecture: Architecture,
  { before, inside, paths }: Pick<NewcomerProgram, 'before' | 'inside'> & { readonly paths: number },
): NewcomerProgram {
  const words = new StackWords(paths);
  const nodes: Node[] = [];
  const end = add(nodes, exit(integer(125)));
  link(end, end, end);
  const child: Result = { of: 'command' };
  const clone: SystemCall = {
    ...cloneCall(['CLONE_VM', 'CLONE_VFORK', 'CLONE_CLEAR_SIGHAND'], SIGNALS.SIGCHLD),
    result: child,
  };
  const failure = chain(nodes, reportOf('start a process there', child), end, end);
  const parent = chain(nodes, waitFor(child), end, end);
  const calls = [CLOSE_ON_EXEC, ...before.map(reporting), clone, ...inside.map(reporting), ...attempts(words)];
  const first = chain(nodes, calls, parent, failure);

  const code = machineCode(architecture);
  const start = (room: number, header: number, address: number) =>
    assemble([...words.instructions(architecture, room), ...callOfRun(architecture, header, address)]);
  const codeLength = start(0, 0, 0).length + code.length;
  const data = Buffer.alloc(sizeOf(nodes) + 16);
  const memory = new Memory({ buffer: data, address: dataAddress(codeLength) });
  const { header, outputs } = layOut(memory, nodes, architecture);
  const beginning = start(outputs.get(words.room) ?? 0, header, first.address);
  return {
    elf: makeElf(architecture, Buffer.concat([beginning, code]), data.subarray(0, memory.used)),
    before,
    inside,
  };
}

const write = (text: string): SystemCall => ({
  name: 'write',
  arguments: [integer(REPORT_DESCRIPTOR), string(text), integer(Buffer.byteLength(text))],
});

const reportOf = (what: string, failed: Result): readonly SystemCall[] => [
  write(`failed ${what}\n`),
  exit(resultOf(failed)),
];

function reporting(call: SystemCall): SystemCall {
  const result = call.result ?? { of: call.name };
  return { ...call, result, onFailure: reportOf(formatSystemCall(call), result) };
}

const waitFor = (child: Result): readonly SystemCall[] => [
  {
    name: 'waitid',
    arguments: [symbol('P_PID', P_PID), resultOf(child), output(SIGINFO), symbol('WEXITED', WEXITED), NULL],
  },
  { name: 'write', arguments: [integer(REPORT_DESCRIPTOR), output(SIGINFO, SI_CODE), integer(1)] },
  write('\n'),
  exit(valueIn(SIGINFO, SI_STATUS, 'si_status')),
];

/** Of each, with its own words: in those of the command the path takes the place of its name for the shell. */
const attempts = (words: StackWords): readonly SystemCall[] =>
  execvp(
    Array.from({ length: words.paths }, (_, index): Attempt => {
      const again: Result = { of: 'execve' };
      const execute = (file: Argument, strings: Argument): SystemCall => ({
        name: 'execve',
        arguments: [file, strings, words.environment],
      });
      const onError = { result: again, onFailure: reportOf('execute', again) };
      return {
        execute: execute(words.path(index), words.command),
        onError,
        asShellScript: [
          ...putPathFirst(words, index),
          { ...execute(string('/bin/sh'), words.shell), onFailure: onError.onFailure },
        ],
      };
    }),
  );

/** A table of calls moves eight bytes in memory by way of a pipe. */
function putPathFirst(words: StackWords, index: number): readonly SystemCall[] {
  const pipe: Output = { length: 16, text: '[<read end>, <write end>]' };
  return [
    { name: 'pipe2', arguments: [output(pipe), flags(O, 'O_CLOEXEC')] },
    { name: 'write', arguments: [valueIn(pipe, 4, 'write end'), words.pointer(index), integer(8)] },
    { name: 'read', arguments: [valueIn(pipe, 0, 'read end'), words.command, integer(8)] },
  ];
}
