import { ENTRY, HEADER } from './entry.js';
import { errnoNumber } from './errno.js';
import type { Architecture } from './machine-code.js';
import type { Memory } from './memory.js';
import { type Argument, type Field, integer, type Output, type Result, type SystemCall } from './system-call.js';
import { SYSTEM_CALL_NUMBERS } from './system-call-numbers.js';

/** From system calls to entries of a table, and what came of them: a program is laid out in some memory, for whoever walks it. */

/** What came of a program. */
export interface Outcome {
  /** The call that failed, and with what; undefined when none did. */
  readonly failure: { readonly call: SystemCall; readonly errno: number } | undefined;
  /** What a call returned, -errno for an error. Undefined for a call that was not reached, or never returned. */
  result(call: SystemCall): number | undefined;
  /** What a call wrote. */
  bytes(room: Output): Buffer;
}

/** What becomes an entry. */
export interface Node {
  readonly call: SystemCall | undefined;
  address: number;
  onZero: Node | undefined;
  onPositive: Node | undefined;
  onTolerated: Node | undefined;
  onFailure: Node | undefined;
}

const EXIT_STATUS_OF_A_FAILED_CHILD = 125;

export function add(nodes: Node[], call: SystemCall | undefined): Node {
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

export function link(node: Node, next: Node, failure: Node): void {
  node.onZero = next;
  node.onPositive = next;
  node.onTolerated = next;
  node.onFailure = failure;
}

/** Lays the calls out backwards, so that each knows the node after it. Returns the first. */
export function chain(nodes: Node[], calls: readonly SystemCall[], end: Node, failure: Node): Node {
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

export interface Layout {
  readonly header: number;
  readonly outputs: ReadonlyMap<Output, number>;
  readonly changing: readonly Changing[];
}

/** What {@link layOut} needs of memory, in bytes, at most. What several calls share is there once. */
export function sizeOf(nodes: readonly Node[]): number {
  const counted = new Set<object>();
  return HEADER_ROOM + nodes.reduce((size, node) => size + ENTRY.size + dataSize(node.call, counted), 0);
}

const HEADER_ROOM = 2 * HEADER.size;

export function layOut(memory: Memory, nodes: readonly Node[], machine: Architecture): Layout {
  const header = memory.allocate(HEADER_ROOM);
  for (const node of nodes) node.address = memory.allocate(ENTRY.size);
  return { header, ...writeEntries(memory, nodes, machine) };
}

/**
 * @param failed the word of the header.
 * @param written what its calls wrote.
 */
export function outcomeOf(
  nodes: readonly Node[],
  failed: number,
  resultOf: (node: Node) => number | undefined,
  written: ReadonlyMap<Output, Buffer>,
): Outcome {
  const results = new Map<SystemCall, number>();
  for (const node of nodes) {
    const value = resultOf(node);
    if (node.call !== undefined && value !== undefined) results.set(node.call, value);
  }
  const last = failed === 0 ? undefined : nodes.find(node => node.address === failed)?.call;
  // Calls of its own took over from that one, and none of them failed.
  const failure = last?.onFailure === undefined ? last : undefined;
  return {
    failure: failure && { call: failure, errno: -(results.get(failure) ?? 0) },
    result: call => results.get(call),
    bytes: room => written.get(room) ?? Buffer.alloc(0),
  };
}

/** A string in memory that is written anew for each run. */
export interface Changing {
  readonly address: number;
  readonly read: () => string;
  readonly length: number;
}

function writeEntries(table: Memory, nodes: readonly Node[], machine: Architecture) {
  const numbers = SYSTEM_CALL_NUMBERS[machine];
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
        if (argument.kind === 'value') indirect |= 1 << index;
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
    case 'value':
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

/** An upper bound of what the arguments of a call take, alignment included, without what has been counted before. */
function dataSize(call: SystemCall | undefined, counted: Set<object>): number {
  return (call?.arguments ?? []).reduce((size, argument) => {
    const shared = sharedBy(argument);
    if (shared === undefined) return size + argumentSize(argument);
    if (counted.has(shared)) return size;
    counted.add(shared);
    return size + argumentSize(argument);
  }, 0);
}

/** By what {@link remember} knows it again. */
function sharedBy(argument: Argument): object | undefined {
  switch (argument.kind) {
    case 'strings':
      return argument;
    case 'bytes':
      return argument.bytes;
    case 'output':
    case 'value':
      return argument.output;
    default:
      return undefined;
  }
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
    case 'value':
      return argument.output.length + 16;
    default:
      return 0;
  }
}

/** A UTF-16 unit becomes at most three bytes of UTF-8. */
const stringSize = (value: string) => value.length * 3 + 17;
