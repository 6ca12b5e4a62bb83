import { readFileSync } from 'node:fs';
import type { Elf } from './elf.js';

interface Machine {
  /** The directory that Debian has for its libraries. */
  readonly triplet: string;
  /** What $PLATFORM stands for. */
  readonly platform: string;
  readonly loader: string;
}

/** By e_machine of elf(5) and width. */
const MACHINES: Readonly<Record<string, Machine>> = {
  '62/64': { triplet: 'x86_64-linux-gnu', platform: 'x86_64', loader: '/lib64/ld-linux-x86-64.so.2' },
  '62/32': { triplet: 'x86_64-linux-gnux32', platform: 'x86_64', loader: '/libx32/ld-linux-x32.so.2' },
  '3/32': { triplet: 'i386-linux-gnu', platform: 'i686', loader: '/lib/ld-linux.so.2' },
  '183/64': { triplet: 'aarch64-linux-gnu', platform: 'aarch64', loader: '/lib/ld-linux-aarch64.so.1' },
  '40/32': { triplet: 'arm-linux-gnueabihf', platform: 'v7l', loader: '/lib/ld-linux-armhf.so.3' },
};

const machineOf = ({ machine, bits }: Elf) => MACHINES[`${machine}/${bits}`];

/** What $LIB may stand for: ld.so(8) has it built in, and each distribution has its own. */
export function libNames(program: Elf): readonly string[] {
  const triplet = machineOf(program)?.triplet;
  return [...(triplet === undefined ? [] : [`lib/${triplet}`]), program.bits === 64 ? 'lib64' : 'lib32', 'lib'];
}

/** The loader of a library, which does not say itself: the one that programs of its kind ask for. */
export const usualLoader = (library: Elf): string | undefined => machineOf(library)?.loader;

export const platformOf = (program: Elf): string => machineOf(program)?.platform ?? 'unknown';

/** Where a loader searches at the end. Which of them a distribution's has built in, only what is there can tell. */
export const defaultDirectories = (program: Elf): readonly string[] =>
  libNames(program).flatMap(name => [`/${name}`, `/usr/${name}`]);

/** The levels of the x86-64 psABI that ld.so has subdirectories for, and what /proc/cpuinfo calls what each adds. */
const X86_LEVELS: readonly (readonly [name: string, flags: string])[] = [
  ['x86-64-v2', 'cx16 lahf_lm popcnt sse4_1 sse4_2 ssse3'],
  ['x86-64-v3', 'abm avx avx2 bmi1 bmi2 f16c fma movbe'],
  ['x86-64-v4', 'avx512bw avx512cd avx512dq avx512f avx512vl'],
];

/** The names of glibc-hwcaps that this processor has, best first: ld.so(8), "Hardware capabilities". */
export function supportedHwcaps(program: Elf): readonly string[] {
  if (machineOf(program)?.triplet !== 'x86_64-linux-gnu') return [];
  const flags = processorFlags();
  const end = X86_LEVELS.findIndex(([, wanted]) => !wanted.split(' ').every(flag => flags.has(flag)));
  return X86_LEVELS.slice(0, end < 0 ? X86_LEVELS.length : end)
    .map(([name]) => name)
    .toReversed();
}

let flagsOfProcessor: ReadonlySet<string> | undefined;

function processorFlags(): ReadonlySet<string> {
  if (flagsOfProcessor === undefined) {
    const [, flags = ''] = /^flags\s*:\s*(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8')) ?? [];
    flagsOfProcessor = new Set(flags.split(' '));
  }
  return flagsOfProcessor;
}
