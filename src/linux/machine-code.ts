/**
 * The machine code that walks a table of system calls (entry.ts), as the C function
 *
 *     int run(header *, entry *first)
 *
 * It always returns 0 and has the shape of a comparison function, so bsearch(header, first, 1, 1, run) of libc calls
 * it exactly once and on the calling thread.
 *
 * It is position-independent, has no data and calls nothing. Between its first and its last instructions it leaves the
 * stack alone, so that a clone which shares memory and stack with its child can be an entry: neither side can spoil
 * what the other has there.
 *
 * Write it to fresh memory and only then make that executable: mprotect to PROT_EXEC is where an arm64 kernel brings
 * the instruction cache up to date with what was written (__sync_icache_dcache in arch/arm64/mm/flush.c).
 */
import { arm64 } from './machine-code-arm64.js';
import { x64 } from './machine-code-x64.js';

/** One instruction: its bytes in hex, as they lie in memory, and its assembly, as objdump prints it. */
export type Instruction = readonly [bytes: string, assembly: string];

/** The names are those of process.arch. */
export type Architecture = 'x64' | 'arm64';

const lists: Readonly<Record<Architecture, readonly Instruction[]>> = { x64, arm64 };

export const instructions = (architecture: Architecture): readonly Instruction[] => lists[architecture];

export const assemble = (list: readonly Instruction[]): Buffer =>
  Buffer.from(list.map(([bytes]) => bytes).join(''), 'hex');

export const machineCode = (architecture: Architecture): Buffer => assemble(lists[architecture]);
