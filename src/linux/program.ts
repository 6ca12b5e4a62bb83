import { SIG_BLOCK, SIG_SETMASK, SIGNAL_SET_SIZE } from './constants.js';
import { ENTRY } from './entry.js';
import { add, chain, type Layout, layOut, link, type Node, type Outcome, outcomeOf, sizeOf } from './layout.js';
import { architecture, libc } from './libc.js';
import { type Memory, ProgramMemory } from './memory.js';
import { type Argument, integer, NULL, type Output, output, type SystemCall, symbol } from './system-call.js';

/**
 * The syscall program: a list of system calls, laid out as the table that the machine code walks. A clone3 in the list
 * is where the child takes over: everything after it is the child's, and its maker goes on behind the list.
 */

export type { Outcome } from './layout.js';

const NOT_REACHED = 2 ** 52;

const scratch = new ProgramMemory();
const processMemory = new ProgramMemory();
let laidOut: { readonly calls: readonly SystemCall[]; readonly program: Program } | undefined;

/** Makes the calls in the calling process, in order, up to the first that fails. */
export function runCalls(calls: readonly SystemCall[]): Outcome {
  const nodes: Node[] = [];
  const end = add(nodes, undefined);
  const first = chain(nodes, calls, end, end);
  return new Program(scratch, nodes, first).run();
}

/**
 * Makes the calls, of which at least one is a clone3 with CLONE_VFORK. All signals are blocked around it: a handler of
 * Node's must not run in a child that shares its memory. The same array again is not laid out again.
 */
export function runProcess(calls: readonly SystemCall[]): Outcome {
  if (laidOut?.calls !== calls) laidOut = { calls, program: layOutProcess(calls) };
  return laidOut.program.run();
}

function layOutProcess(calls: readonly SystemCall[]): Program {
  const nodes: Node[] = [];
  const end = add(nodes, undefined);
  const callersMask: Output = { length: SIGNAL_SET_SIZE, text: 'mask' };
  const restore = add(nodes, sigprocmask('SIG_SETMASK', SIG_SETMASK, output(callersMask), NULL));
  link(restore, end, end);
  const block = add(nodes, sigprocmask('SIG_BLOCK', SIG_BLOCK, ALL_SIGNALS, output(callersMask)));
  link(block, chain(nodes, calls, restore, restore), end);
  return new Program(processMemory, nodes, block);
}

const ALL_SIGNALS: Argument = { kind: 'bytes', bytes: new Uint8Array(SIGNAL_SET_SIZE).fill(0xff), text: '~[]' };

function sigprocmask(name: string, how: number, set: Argument, old: Argument): SystemCall {
  return { name: 'rt_sigprocmask', arguments: [symbol(name, how), set, old, integer(SIGNAL_SET_SIZE)] };
}

/** A table in memory. It can be run again until another program is laid out in the same memory. */
class Program {
  readonly #memory: Memory;
  readonly #nodes: readonly Node[];
  readonly #first: Node;
  readonly #layout: Layout;

  constructor(memory: ProgramMemory, nodes: readonly Node[], first: Node) {
    this.#memory = memory.begin(sizeOf(nodes));
    this.#nodes = nodes;
    this.#first = first;
    this.#layout = layOut(this.#memory, nodes, architecture());
  }

  run(): Outcome {
    const memory = this.#memory;
    const { header, outputs, changing } = this.#layout;
    memory.writeWord(header, 0);
    for (const { address, read, length } of changing) memory.rewriteString(address, read(), length);
    for (const { address } of this.#nodes) memory.writeWord(address + ENTRY.result, NOT_REACHED);
    libc().run(header, this.#first.address);

    const written = new Map<Output, Buffer>();
    for (const [room, address] of outputs) written.set(room, memory.readBytes(address, room.length));
    const resultOf = ({ address }: Node) => {
      const value = memory.readWord(address + ENTRY.result);
      return value === NOT_REACHED ? undefined : value;
    };
    return outcomeOf(this.#nodes, memory.readWord(header), resultOf, written);
  }
}
