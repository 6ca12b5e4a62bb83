import { TERMIOS_SIZE, TTY } from '../../linux/constants.js';
import { runCalls } from '../../linux/program.js';
import { bytes, flags, integer, type Output, output, type SystemCall } from '../../linux/system-call.js';
import type { TerminalSize } from '../backend.js';

/** The terminals on both sides of a box's own: reading and writing how they are set. termios(3), ioctl_tty(2) */

/** struct winsize: rows, columns, and two that nobody uses. */
const SIZE_LENGTH = 8;

/** Offsets into struct termios. */
const FLAGS = { input: 0, output: 4, control: 8, local: 12 } as const;
const CHARACTERS = 17;

/** Of the local flags. */
const ECHO = 0o10;

/** Undefined: it is no terminal, or it is gone. */
export function attributesOf(descriptor: number): Buffer | undefined {
  return read(descriptor, 'TCGETS', TERMIOS_SIZE);
}

/** As struct winsize. */
export function sizeOf(descriptor: number): Buffer | undefined {
  return read(descriptor, 'TIOCGWINSZ', SIZE_LENGTH);
}

function read(descriptor: number, name: 'TCGETS' | 'TIOCGWINSZ', length: number): Buffer | undefined {
  const room: Output = { length, text: name };
  const outcome = runCalls([{ name: 'ioctl', arguments: [integer(descriptor), flags(TTY, name), output(room)] }]);
  return outcome.failure === undefined ? outcome.bytes(room) : undefined;
}

/** @returns whether it could be done: a terminal that is gone need not be set. */
export function setAttributes(descriptor: number, attributes: Uint8Array): boolean {
  // Not before what has been written is shown: that was meant for how it is now.
  return write(descriptor, 'TCSETSW', attributes).failure === undefined;
}

export function setSize(descriptor: number, size: Uint8Array): void {
  write(descriptor, 'TIOCSWINSZ', size);
}

function write(descriptor: number, name: 'TCSETSW' | 'TIOCSWINSZ', value: Uint8Array) {
  const call: SystemCall = {
    name: 'ioctl',
    arguments: [integer(descriptor), flags(TTY, name), bytes(value, '{...}')],
  };
  return runCalls([call]);
}

/** @throws RangeError unless both are 0 to 65535. */
export function winsize({ columns, rows }: TerminalSize): Buffer {
  const size = Buffer.alloc(SIZE_LENGTH);
  size.writeUInt16LE(rows, 0);
  size.writeUInt16LE(columns, 2);
  return size;
}

/** cfmakeraw(3): every key is a byte, and every byte that is written arrives as it is. */
export function raw(attributes: Buffer): Buffer {
  const set = Buffer.from(attributes);
  const clear = (offset: number, bits: number) => set.writeUInt32LE((set.readUInt32LE(offset) & ~bits) >>> 0, offset);
  clear(FLAGS.input, 0o2753);
  clear(FLAGS.output, 0o1);
  clear(FLAGS.local, 0o100113);
  clear(FLAGS.control, 0o460);
  set.writeUInt32LE(set.readUInt32LE(FLAGS.control) | 0o60, FLAGS.control);
  // VTIME, VMIN: a read waits for one byte.
  set[CHARACTERS + 5] = 0;
  set[CHARACTERS + 6] = 1;
  return set;
}

/** With the echo, which a caller's terminal may have lost for a moment: script(1) does the same. */
export function echoing(attributes: Buffer): Buffer {
  const set = Buffer.from(attributes);
  set.writeUInt32LE(set.readUInt32LE(FLAGS.local) | ECHO, FLAGS.local);
  return set;
}

/** What a new terminal has, tty_std_termios of the kernel. */
export function defaultAttributes(): Buffer {
  const set = Buffer.alloc(TERMIOS_SIZE);
  set.writeUInt32LE(0o2400, FLAGS.input);
  set.writeUInt32LE(0o5, FLAGS.output);
  set.writeUInt32LE(0o277, FLAGS.control);
  set.writeUInt32LE(0o105073, FLAGS.local);
  Buffer.from('\x03\x1c\x7f\x15\x04\0\x01\0\x11\x13\x1a\0\x12\x0f\x17\x16\0\0\0', 'latin1').copy(set, CHARACTERS);
  return set;
}
