import { SIG_BLOCK, SIG_SETMASK, SIGNAL_SET_SIZE } from './constants.js';
import { ENTRY } from './entry.js';
import { errnoNumber } from './errno.js';
import { architecture } from './libc.js';
import { Memory } from './memory.js';
import {
  type Argument,
  type Field,
  integer,
  NULL,
  type Output,
  output,
  type Result,
  type SystemCall,
  symbol,
} from './system-call.js';
import { SYSTEM_CALL_NUMBERS } from './system-call-numbers.js';

/**
 * The syscall program: a list of system calls, laid out as the table that the machine code walks. A clone3 in the list
 * is where the child takes over: everything after it is the child's, and its maker goes on behind the list.
 */

/** What came of a program. */
export interface Outcome {
  /** The call that failed, and with what; undefined when none did. */
  readonly failure: { readonly call: SystemCall; readonly errno: number } | undefined;
  /** What a call returned, -errno for an error. Undefined for a call that was not reached, or never returned. */
  result(call: SystemCall): number | undefined;
  /** What a call wrote. */
  bytes(room: Output): Buffer;
}

interface Node {
  readonly call: SystemCall | undefined;
  address: number;
  onZero: Node | undefined;
  onPositive: Node | undefined;
  onTolerated: Node | undefined;
  onFailure: Node | undefined;
}

const HEADER_SIZE = 16;
const NOT_REACHED = 2 ** 52;
const EXIT_STATUS_OF_A_FAILED_CHILD = 125;

let scratch: Memory | undefined;
let processMemory: Memory | undefined;
let laidOut: { readonly calls: readonly SystemCall[]; readonly program: Program } | undefined;

/** Makes the calls in the calling process, in order, up to the first that fails. */
export function runCalls(calls: readonly SystemCall[]): Outcome {
  const nodes: Node[] = [];
  const end = add(nodes, undefined);
  const first = chain(nodes, calls, end, end);
  scratch ??= new Memory();
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
  processMemory ??= new Memory();
  return new Program(processMemory, nodes, block);
}

const ALL_SIGNALS: Argument = { kind: 'bytes', bytes: new Uint8Array(SIGNAL_SET_SIZE).fill(0xff), text: '~[]' };

function sigprocmask(name: string, how: number, set: Argument, old: Argument): SystemCall {
  return { name: 'rt_sigprocmask', arguments: [symbol(name, how), set, old, integer(SIGNAL_SET_SIZE)] };
}

function add(nodes: Node[], call: SystemCall | undefined): Node {
  const node = {
    call,
    address: 0,
    onZero: undefined,
    onPositive: undefined,
    onTolerated: undefined,
    onFailure: undefined,
  };
  nodes.push(node);
  return node;
}

function link(node: Node, next: Node, failure: Node): void {
  node.onZero = next;
  node.onPositive = next;
  node.onTolerated = next;
  node.onFailure = failure;
}

/** Lays the calls out backwards, so that each knows the node after it. Returns the first. */
function chain(nodes: Node[], calls: readonly SystemCall[], end: Node, failure: Node): Node {
  const clone = calls.findIndex(call => call.name === 'clone3');
  if (clone >= 0) {
    const exit = add(nodes, { name: 'exit_group', arguments: [integer(EXIT_STATUS_OF_A_FAILED_CHILD)] });
    link(exit, exit, exit);
    const node = add(nodes, calls[clone]);
    link(node, end, failure);
    node.onZero = chain(nodes, calls.slice(clone + 1), exit, exit);
    return chain(nodes, calls.slice(0, clone), node, failure);
  }
  let next = end;
  for (const call of calls.toReversed()) {
    const node = add(nodes, call);
    const branch = (calls: readonly SystemCall[] = []) => chain(nodes, calls, next, failure);
    const success = branch(call.onSuccess);
    node.onZero = success;
    node.onPositive = call.zeroOrExit ? failure : success;
    node.onTolerated = branch(call.onTolerated);
    node.onFailure = call.onFailure === undefined ? failure : chain(nodes, call.onFailure, failure, failure);
    next = node;
  }
  return next;
}

/** A table in memory. It can be run again until another program is laid out in the same memory. */
class Program {
  readonly #memory: Memory;
  readonly #nodes: readonly Node[];
  readonly #first: Node;
  readonly #header: number;
  readonly #outputs: ReadonlyMap<Output, number>;
  readonly #changing: readonly Changing[];

  constructor(memory: Memory, nodes: readonly Node[], first: Node) {
    this.#memory = memory;
    this.#nodes = nodes;
    this.#first = first;
    memory.reset(HEADER_SIZE + nodes.reduce((size, node) => size + ENTRY.size + dataSize(node.call), 0));
    this.#header = memory.allocate(HEADER_SIZE);
    for (const node of nodes) node.address = memory.allocate(ENTRY.size);
    const { outputs, changing } = writeEntries(memory, nodes);
    this.#outputs = outputs;
    this.#changing = changing;
  }

  run(): Outcome {
    const memory = this.#memory;
    memory.writeWord(this.#header, 0);
    for (const { address, read, length } of this.#changing) memory.rewriteString(address, read(), length);
    for (const { address } of this.#nodes) memory.writeWord(address + ENTRY.result, NOT_REACHED);
    memory.run(this.#header, this.#first.address);

    const results = new Map<SystemCall, number>();
    for (const { call, address } of this.#nodes) {
      const value = memory.readWord(address + ENTRY.result);
      if (call !== undefined && value !== NOT_REACHED) results.set(call, value);
    }
    const written = new Map<Output, Buffer>();
    for (const [room, address] of this.#outputs) written.set(room, memory.readBytes(address, room.length));
    const failedAddress = memory.readWord(this.#header);
    const last = failedAddress === 0 ? undefined : this.#nodes.find(node => node.address === failedAddress)?.call;
    // Calls of its own took over from that one, and none of them failed.
    const failed = last?.onFailure === undefined ? last : undefined;
    return {
      failure: failed && { call: failed, errno: -(results.get(failed) ?? 0) },
      result: call => results.get(call),
      bytes: room => written.get(room) ?? Buffer.alloc(0),
    };
  }
}

/** A string in memory that is written anew for each run. */
interface Changing {
  readonly address: number;
  readonly read: () => string;
  readonly length: number;
}

function writeEntries(table: Memory, nodes: readonly Node[]) {
  const numbers = SYSTEM_CALL_NUMBERS[architecture()];
  const results = new Map(nodes.flatMap(({ call, address }) => (call?.result ? [[call.result, address]] : [])));
  const outputs = new Map<Output, number>();
  const shared = new Map<object, number>();
  const changing: Changing[] = [];
  for (const { address } of nodes) table.writeWord(address + ENTRY.copy, address + ENTRY.result);
  for (const { call, address, onZero, onPositive, onTolerated, onFailure } of nodes) {
    table.writeWord(address, call === undefined ? -1 : numbers[call.name]);
    let indirect = 0;
    let place = address + ENTRY.argument;
    for (const [index, argument] of (call?.arguments ?? []).entries()) {
      if (argument.kind === 'result') {
        const source = results.get(argument.result);
        if (source === undefined) throw new Error(`${call?.name}: nothing returns <${argument.result.of}>`);
        indirect |= 1 << index;
        table.writeWord(place, source + ENTRY.result);
      } else {
        const value = writeArgument(table, argument, outputs, shared);
        table.writeWord(place, value);
        if (argument.kind === 'changing') changing.push({ address: value, ...argument });
        if (argument.kind === 'bytes') {
          copyResults(table, argument.fields ?? [], value, results);
          for (const { offset, to } of argument.pointers ?? []) table.writeWord(value + offset, value + to);
        }
      }
      place += 8;
    }
    table.writeWord(address + ENTRY.indirect, indirect);
    table.writeBits(address + ENTRY.tolerated, (call?.tolerate ?? []).map(errnoNumber));
    table.writeWord(address + ENTRY.onZero, onZero?.address ?? 0);
    table.writeWord(address + ENTRY.onPositive, onPositive?.address ?? 0);
    table.writeWord(address + ENTRY.onTolerated, onTolerated?.address ?? 0);
    table.writeWord(address + ENTRY.onFailure, onFailure?.address ?? 0);
  }
  return { outputs, changing };
}

function copyResults(
  table: Memory,
  fields: readonly Field[],
  struct: number,
  results: ReadonlyMap<Result, number>,
): void {
  for (const { offset, result } of fields) {
    const source = results.get(result);
    if (source === undefined) throw new Error(`nothing returns <${result.of}>`);
    table.writeWord(source + ENTRY.copy, struct + offset);
  }
}

type Direct = Exclude<Argument, { kind: 'result' }>;

function writeArgument(
  table: Memory,
  argument: Direct,
  outputs: Map<Output, number>,
  shared: Map<object, number>,
): number {
  switch (argument.kind) {
    case 'integer':
    case 'symbol':
      return argument.value;
    case 'string':
      return table.writeString(argument.value);
    case 'changing':
      return table.allocate(argument.length + 1);
    case 'strings':
      return remember(shared, argument, () => writeStrings(table, argument.values));
    case 'bytes':
      return remember(shared, argument.bytes, () => table.writeBytes(argument.bytes));
    case 'output':
      return argument.offset + remember(outputs, argument.output, () => writeOutput(table, argument.output));
  }
}

function writeOutput(table: Memory, { length, content, pointers = [] }: Output): number {
  const address = content === undefined ? table.allocate(length) : table.writeBytes(content);
  for (const { offset, to } of pointers) table.writeWord(address + offset, address + to);
  return address;
}

/** An array of pointers to strings, ended by NULL, as execve(2) takes it. */
function writeStrings(table: Memory, values: readonly string[]): number {
  const addresses = values.map(value => table.writeString(value));
  const array = table.allocate((addresses.length + 1) * 8);
  [...addresses, 0].forEach((address, index) => {
    table.writeWord(array + index * 8, address);
  });
  return array;
}

/** Sixty calls may point at one struct, and two calls at one output. */
function remember<Key>(addresses: Map<Key, number>, key: Key, make: () => number): number {
  const known = addresses.get(key);
  if (known !== undefined) return known;
  const address = make();
  addresses.set(key, address);
  return address;
}

/** An upper bound of what the arguments of a call take, alignment included. */
function dataSize(call: SystemCall | undefined): number {
  return (call?.arguments ?? []).reduce((size, argument) => size + argumentSize(argument), 0);
}

function argumentSize(argument: Argument): number {
  switch (argument.kind) {
    case 'string':
      return stringSize(argument.value);
    case 'strings':
      return argument.values.reduce((size, value) => size + stringSize(value) + 8, 32);
    case 'bytes':
      return argument.bytes.length + 16;
    case 'changing':
      return argument.length + 17;
    case 'output':
      return argument.output.length + 16;
    default:
      return 0;
  }
}

/** A UTF-16 unit becomes at most three bytes of UTF-8. */
const stringSize = (value: string) => value.length * 3 + 17;
