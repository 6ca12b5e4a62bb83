import type { ErrnoName } from './errno.js';
import type { SystemCallName } from './system-call-numbers.js';

/**
 * A system call as plain data: what the program will issue, what a plan prints, and what strace(1) shows when it is
 * made. Nothing here touches memory or the kernel.
 */
export interface SystemCall {
  readonly name: SystemCallName;
  readonly arguments: readonly Argument[];
  /** Where later calls find what this one returned. */
  readonly result?: Result;
  /** Errors after which the program goes on as if the call had succeeded. */
  readonly tolerate?: readonly ErrnoName[];
  /** Calls made only after success, or only after a tolerated error, before the program goes on: what a path turned out to be. */
  readonly onSuccess?: readonly SystemCall[];
  readonly onTolerated?: readonly SystemCall[];
  /** Calls made after any other error, before the process ends: the last resort of execvp(3). */
  readonly onFailure?: readonly SystemCall[];
  /** What the program that it executes makes next: makeLauncher. */
  readonly launches?: readonly SystemCall[];
  /** A result above zero ends the process: for questions, such as ppoll(2), whose good answer is 0. */
  readonly zeroOrExit?: true;
}

/** What a call returns, named, before it has returned. */
export interface Result {
  readonly of: string;
}

/** Room that a call writes into, and later calls may read from. */
export interface Output {
  readonly length: number;
  readonly text: string;
  /** What is there before the call, of that length: a struct that says where to write. */
  readonly content?: Uint8Array;
  readonly pointers?: readonly Pointer[];
}

/** A field of a struct, at an offset in bytes, that gets 32 bits of what a call returns. One field for each result. */
export interface Field {
  readonly offset: number;
  readonly result: Result;
}

/** A 64-bit field of a struct that gets the address of what lies in the same bytes, `to` bytes after their beginning. */
export interface Pointer {
  readonly offset: number;
  readonly to: number;
}

export type Argument =
  | { readonly kind: 'integer'; readonly value: number }
  | { readonly kind: 'symbol'; readonly value: number; readonly text: string }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'strings'; readonly values: readonly string[]; readonly text?: string }
  | {
      readonly kind: 'bytes';
      readonly bytes: Uint8Array;
      readonly text: string;
      readonly fields?: readonly Field[];
      readonly pointers?: readonly Pointer[];
    }
  | { readonly kind: 'changing'; readonly read: () => string; readonly length: number; readonly text: string }
  | { readonly kind: 'output'; readonly output: Output; readonly offset: number }
  | { readonly kind: 'value'; readonly output: Output; readonly offset: number; readonly of: string }
  | { readonly kind: 'result'; readonly result: Result };

export const integer = (value: number): Argument => ({ kind: 'integer', value });
/** Permission bits, as strace(1) shows them. */
export const octal = (value: number): Argument => symbol(`0${value.toString(8).padStart(2, '0')}`, value);
export const symbol = (text: string, value: number): Argument => ({ kind: 'symbol', value, text });
export const string = (value: string): Argument => ({ kind: 'string', value });
export const bytes = (
  value: Uint8Array,
  text: string,
  fields: readonly Field[] = [],
  pointers: readonly Pointer[] = [],
): Argument => ({ kind: 'bytes', bytes: value, text, fields, pointers });
/** A string of at most so many bytes that is asked for each time the program runs: what differs between two boxes of one plan. */
export const changing = (read: () => string, length: number, text: string): Argument => ({
  kind: 'changing',
  read,
  length,
  text,
});
/** Room, or from the offset on: a field of the struct that a call has written there. */
export const output = (room: Output, offset = 0): Argument => ({ kind: 'output', output: room, offset });
/** What a call has written there: 64 bits, of which the kernel takes the lower half for a descriptor. */
export const valueIn = (room: Output, offset: number, of: string): Argument => ({
  kind: 'value',
  output: room,
  offset,
  of,
});
export const resultOf = (result: Result): Argument => ({ kind: 'result', result });
export const NULL: Argument = symbol('NULL', 0);

/** Flags of one group, by name, joined: `flags(MS, 'MS_REC', 'MS_PRIVATE')`. */
export function flags<Name extends string>(group: Readonly<Record<Name, number>>, ...set: readonly Name[]): Argument {
  // Addition, not |: clone3 has flags above 2^32, where JavaScript's bit operators stop.
  const value = set.reduce((sum, name) => sum + group[name], 0);
  return symbol(set.length === 0 ? '0' : set.join('|'), value);
}

/** Little-endian 64-bit words: the layout of clone_args, open_how, mount_attr and their like. */
export function words(...values: readonly number[]): Uint8Array {
  // Halves, not BigInt: a box has several, and its start is measured in tens of microseconds.
  const halves = new Uint32Array(values.length * 2);
  values.forEach((value, index) => {
    halves[index * 2] = value;
    halves[index * 2 + 1] = Math.floor(value / 2 ** 32);
  });
  return new Uint8Array(halves.buffer);
}

/** A call, and all that may be made because of it. */
export function withBranches(call: SystemCall): readonly SystemCall[] {
  const { onSuccess = [], onTolerated = [], onFailure = [], launches = [] } = call;
  const branches = [...onSuccess, ...onTolerated, ...onFailure, ...launches];
  return [call, ...branches.flatMap(withBranches)];
}

/** A call in the manner of strace(1): `mount("proc", "/proc", "proc", MS_NOSUID, NULL)`. */
export function formatSystemCall(call: SystemCall): string {
  return `${call.name}(${call.arguments.map(formatArgument).join(', ')})`;
}

function formatArgument(argument: Argument): string {
  switch (argument.kind) {
    case 'integer':
      return String(argument.value);
    case 'symbol':
    case 'bytes':
    case 'changing':
      return argument.text;
    case 'string':
      return JSON.stringify(argument.value);
    case 'strings':
      return argument.text ?? `[${argument.values.map(value => JSON.stringify(value)).join(', ')}]`;
    case 'output':
      return argument.offset === 0 ? argument.output.text : `${argument.output.text}+${argument.offset}`;
    case 'value':
      return `<${argument.of}>`;
    case 'result':
      return `<${argument.result.of}>`;
  }
}
