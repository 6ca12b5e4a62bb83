import { codeOffset, makeElf } from '../linux/elf.js';
import { type Architecture, assemble, type Instruction } from '../linux/machine-code.js';
import { arm64 } from './code-arm64.js';
import { x64 } from './code-x64.js';
import { INIT_NAME } from './names.js';

/**
 * The init: a program of one page, for x86-64 and arm64, which is pid 1 of a box in place of the command. It executes the
 * command as its child (looked up in PATH, as execvp(3) would), passes signals on to it, reaps whatever is left to it, and
 * ends with the command's status: 128+N when signal N ended it. Without a command it only reaps, until TERM or INT.
 *
 * An executable is an ELF header, one program header, the code of its architecture, and some text.
 */

/** What lies behind the code, in this order; the code knows how long each is. */
export const INIT_TEXTS: readonly string[] = [
  `${INIT_NAME}\0exec\0`,
  '/bin/sh\0',
  `${INIT_NAME}: cannot execute `,
  '\n',
];

export const INIT_ARCHITECTURES: readonly Architecture[] = ['x64', 'arm64'];

const LISTS: Readonly<Record<Architecture, readonly Instruction[]>> = { x64, arm64 };

export const initInstructions = (architecture: Architecture): readonly Instruction[] => LISTS[architecture];

/** Where the code begins, in the file. */
export const CODE_OFFSET = codeOffset(1);

const executables = new Map<Architecture, Buffer>();

/** The whole file. Nothing in it depends on the host. */
export function initElf(architecture: Architecture): Buffer {
  const known = executables.get(architecture);
  if (known !== undefined) return known;
  const code = assemble(LISTS[architecture]);
  const elf = makeElf(architecture, Buffer.concat([code, Buffer.from(INIT_TEXTS.join(''))]));
  executables.set(architecture, elf);
  return elf;
}
