/** The raw layer by itself: system calls as data, and the program that makes them. */
export * from './clone.js';
export * from './constants.js';
export { describeErrno, type ErrnoName, errnoName, errnoNumber } from './errno.js';
export { type Architecture, type Instruction, instructions, machineCode } from './machine-code.js';
export * from './make-entry.js';
export * from './mount-calls.js';
export * from './open-path.js';
export { type Outcome, runCalls, runProcess } from './program.js';
export * from './system-call.js';
export { SYSTEM_CALL_NUMBERS, type SystemCallName } from './system-call-numbers.js';
export { writeFileCalls } from './write-file.js';
