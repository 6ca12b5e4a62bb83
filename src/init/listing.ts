import type { Architecture } from '../linux/machine-code.js';
import { CODE_OFFSET, INIT_TEXTS, initInstructions } from './elf.js';

/** How an auditor sees the same from the file itself. */
export const OBJDUMP: Readonly<Record<Architecture, string>> = {
  x64: 'objdump -D -b binary -m i386:x86-64 -M intel',
  arm64: 'objdump -D -b binary -m aarch64',
};

/**
 * The init as text, a line an instruction: where it is in the file, its bytes, its assembly. Jumps name the place in the
 * file, as objdump(1) prints them.
 */
export function initListing(architecture: Architecture): readonly string[] {
  const list = initInstructions(architecture);
  const most = Math.max(...list.map(([bytes]) => bytes.length));
  let offset = CODE_OFFSET;
  const lines = list.map(([bytes, assembly]) => {
    const line = `${hex(offset)}  ${bytes.padEnd(most)}  ${inFile(assembly)}`;
    offset += bytes.length / 2;
    return line;
  });
  const texts = INIT_TEXTS.map(text => {
    const line = `${hex(offset)}  ${JSON.stringify(text).replaceAll('\\u0000', '\\0')}`;
    offset += Buffer.byteLength(text);
    return line;
  });
  return [...lines, ...texts];
}

const hex = (offset: number): string => offset.toString(16).padStart(4, '0');

/** The targets of jumps, and of adr, count from the beginning of the code. */
const inFile = (assembly: string): string =>
  assembly.replace(
    /^((?:j\w+|b|b\.\w+|cbn?z [wx]\d+,|tbn?z [wx]\d+, #\d+,|adr x\d+,) )0x([0-9a-f]+)$/,
    (_whole, before: string, target: string) =>
      `${before}0x${(Number.parseInt(target, 16) + CODE_OFFSET).toString(16)}`,
  );
