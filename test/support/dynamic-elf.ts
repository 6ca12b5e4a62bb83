/** ELF files for the tests of what reads them: a header, a dynamic section, its strings, and no code. man 5 elf. */
export interface DynamicElf {
  readonly bits?: 32 | 64;
  readonly bigEndian?: boolean;
  readonly machine?: number;
  readonly interpreter?: string;
  readonly needed?: readonly string[];
  readonly soname?: string;
  readonly rpath?: string;
  readonly runpath?: string;
  readonly noDefaultDirectories?: boolean;
}

export const MACHINE = process.arch === 'arm64' ? 183 : 62;
const OTHER_TAGS = { DT_STRTAB: 5, DT_SYMTAB: 6, DT_STRSZ: 10, DT_SYMENT: 11 };
/** An address that is no offset into the file: whoever confuses the two finds nothing. */
const ADDRESS = 0x10000;

/** A file that a loader takes: one segment, which is all of it. */
export function dynamicElf(given: DynamicElf): Buffer {
  const wide = (given.bits ?? 64) === 64;
  const strings = ['', ...(given.needed ?? []), given.soname, given.rpath, given.runpath].filter(
    text => text !== undefined,
  );
  const table = Buffer.from(strings.map(text => `${text}\0`).join(''));
  const placeOf = (text: string) => table.indexOf(`\0${text}\0`) + 1;
  const interpreter = Buffer.from(given.interpreter === undefined ? '' : `${given.interpreter}\0`);
  const segments = given.interpreter === undefined ? 2 : 3;
  const [headerSize, segmentSize, word] = wide ? [64, 56, 8] : [52, 32, 4];

  const named = (tag: number, text: string | undefined) => (text === undefined ? [] : [[tag, placeOf(text)]]);
  const tags = [
    ...(given.needed ?? []).flatMap(name => named(1, name)),
    ...named(14, given.soname),
    ...named(15, given.rpath),
    ...named(29, given.runpath),
    ...(given.noDefaultDirectories ? [[0x6ffffffb, 0x800]] : []),
  ];
  const dynamicStart = headerSize + 3 * segmentSize;
  const dynamicSize = (tags.length + 5) * 2 * word;
  const symbolStart = dynamicStart + dynamicSize;
  const stringStart = symbolStart + 24;
  const interpreterStart = stringStart + table.length;
  const file = Buffer.alloc(Math.ceil((interpreterStart + interpreter.length) / 8) * 8);
  tags.push(
    [OTHER_TAGS.DT_STRTAB, ADDRESS + stringStart],
    [OTHER_TAGS.DT_STRSZ, table.length],
    [OTHER_TAGS.DT_SYMTAB, ADDRESS + symbolStart],
    [OTHER_TAGS.DT_SYMENT, wide ? 24 : 16],
    [0, 0],
  );

  const half = (offset: number, value: number) =>
    given.bigEndian ? file.writeUInt16BE(value, offset) : file.writeUInt16LE(value, offset);
  const single = (offset: number, value: number) =>
    given.bigEndian ? file.writeUInt32BE(value, offset) : file.writeUInt32LE(value, offset);
  const address = (offset: number, value: number) => {
    if (!wide) return single(offset, value);
    return given.bigEndian
      ? file.writeBigUInt64BE(BigInt(value), offset)
      : file.writeBigUInt64LE(BigInt(value), offset);
  };

  file.write('\x7fELF', 'latin1');
  file.set([wide ? 2 : 1, given.bigEndian ? 2 : 1, 1], 4);
  half(16, 3); // e_type: ET_DYN
  half(18, given.machine ?? MACHINE);
  single(20, 1); // e_version
  address(wide ? 32 : 28, headerSize); // e_phoff
  half(wide ? 52 : 40, headerSize); // e_ehsize
  half(wide ? 54 : 42, segmentSize); // e_phentsize
  half(wide ? 56 : 44, segments); // e_phnum

  const segment = (index: number, type: number, start: number, size: number) => {
    const place = headerSize + index * segmentSize;
    single(place, type);
    single(place + (wide ? 4 : 24), 6); // p_flags: PF_R | PF_W
    address(place + (wide ? 8 : 4), start); // p_offset
    address(place + (wide ? 16 : 8), ADDRESS + start); // p_vaddr
    address(place + (wide ? 24 : 12), ADDRESS + start); // p_paddr
    address(place + (wide ? 32 : 16), size); // p_filesz
    address(place + (wide ? 40 : 20), size); // p_memsz
    address(place + (wide ? 48 : 28), type === 1 ? 0x10000 : 8); // p_align
  };
  const [load, dynamic] = given.interpreter === undefined ? [0, 1] : [1, 2];
  if (given.interpreter !== undefined) segment(0, 3, interpreterStart, interpreter.length);
  segment(load, 1, 0, file.length);
  segment(dynamic, 2, dynamicStart, dynamicSize);
  for (const [index, [tag = 0, value = 0]] of tags.entries()) {
    address(dynamicStart + index * 2 * word, tag);
    address(dynamicStart + index * 2 * word + word, value);
  }
  file.set(table, stringStart);
  file.set(interpreter, interpreterStart);
  return file;
}
