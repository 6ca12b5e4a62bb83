import { F_SETFD, FD_CLOEXEC } from './constants.js';
import { dataAddress, makeElf } from './elf.js';
import { ENTRY, HEADER } from './entry.js';
import { add, chain, layOut, link, type Node, type Outcome, outcomeOf, sizeOf } from './layout.js';
import { type Architecture, assemble, machineCode } from './machine-code.js';
import { Memory } from './memory.js';
import { callOfRun } from './stack-words.js';
import { integer, type Output, output, type SystemCall, symbol, withBranches } from './system-call.js';

/**
 * The last system calls of a process, as a program of its own: an ELF file with the machine code, and the table of these
 * calls behind it.
 *
 * execve(2) follows /proc/self/exe, which a file of somebody else's may have as its interpreter (`#!`), from the process
 * that calls it, and so hands over that process's program: CVE-2019-5736. This one is a file that nobody else has.
 */
export interface Launcher {
  readonly elf: Buffer;
  /** What it makes: an execve(2) that succeeds is the last. */
  readonly calls: readonly SystemCall[];
  /** Bytes of what it writes, if none has succeeded. */
  readonly reportLength: number;
  /** What that says. Undefined: it makes no sense. */
  outcomeOf(report: Buffer): Outcome | undefined;
}

/** As ps shows it where it is seen. */
export const LAUNCHER_NAME = 'nsgen-launcher';
/** Where it writes how it failed: close-on-exec, once it is there itself. */
export const REPORT_DESCRIPTOR = 3;
/** Where it is executed from. */
export const LAUNCHER_DESCRIPTOR = 4;

/** For one that was executed by way of /proc/self/exe: it is not to do it all again, and so on for ever. */
const NOBODY_LISTENS = 126;
const FAILED = 125;

const exit = (status: number): SystemCall => ({ name: 'exit_group', arguments: [integer(status)] });

const CLOSE_ON_EXEC: SystemCall = {
  name: 'fcntl',
  arguments: [integer(REPORT_DESCRIPTOR), symbol('F_SETFD', F_SETFD), symbol('FD_CLOEXEC', FD_CLOEXEC)],
  onFailure: [exit(NOBODY_LISTENS)],
};

/** Of a word for each call in the report. No result is greater than 0 but that of a call that succeeds, and there is none. */
const NOT_REACHED = 1;

/** @param calls with none but execve(2) that can succeed, and no arguments that are results. */
export function makeLauncher(architecture: Architecture, calls: readonly SystemCall[]): Launcher {
  const nodes: Node[] = [];
  const made = [CLOSE_ON_EXEC, ...calls];
  const reported = made.flatMap(withBranches).length;
  const report: Output = { length: HEADER.size + 4 * reported, text: 'report' };
  const end = add(nodes, exit(FAILED));
  link(end, end, end);
  const write = add(nodes, {
    name: 'write',
    arguments: [integer(REPORT_DESCRIPTOR), output(report), integer(report.length)],
  });
  link(write, end, end);
  const first = chain(nodes, made, end, write);

  const code = machineCode(architecture);
  const codeLength = assemble(callOfRun(architecture, 0, 0)).length + code.length;
  const data = Buffer.alloc(sizeOf(nodes) + 16);
  const memory = new Memory({ buffer: data, address: dataAddress(codeLength) });
  const { outputs } = layOut(memory, nodes, architecture);
  const header = outputs.get(report) ?? 0;
  const ofCalls = nodes.slice(2);
  ofCalls.forEach((node, index) => {
    const word = header + HEADER.size + 4 * index;
    memory.writeWord(node.address + ENTRY.copy, word);
    data.writeInt32LE(NOT_REACHED, word - dataAddress(codeLength));
  });
  const start = assemble(callOfRun(architecture, header, first.address));

  return {
    // What was reserved is more: the calls share arguments.
    elf: makeElf(architecture, Buffer.concat([start, code]), data.subarray(0, memory.used)),
    calls: made,
    reportLength: report.length,
    outcomeOf(bytes) {
      if (bytes.length !== report.length) return undefined;
      const results = new Map(ofCalls.map((node, index) => [node, bytes.readInt32LE(HEADER.size + 4 * index)]));
      const resultOf = (node: Node) => {
        const result = results.get(node) ?? NOT_REACHED;
        return result === NOT_REACHED ? undefined : result;
      };
      const outcome = outcomeOf(nodes, Number(bytes.readBigUInt64LE()), resultOf, new Map());
      const errno = outcome.failure?.errno ?? 0;
      return errno > 0 && errno <= MAX_ERRNO ? outcome : undefined;
    },
  };
}

/** include/linux/err.h of the kernel. */
const MAX_ERRNO = 4095;
