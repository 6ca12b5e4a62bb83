import { INIT_ARCHITECTURES, initElf } from '../../init/elf.js';
import { initListing, OBJDUMP } from '../../init/listing.js';

/** The init as the script has it, for each processor: by the name that bash was built for. */
export interface EmbeddedInit {
  readonly machine: string;
  readonly size: number;
  readonly objdump: string;
  readonly listing: readonly string[];
  /** Lines of base64. */
  readonly lines: readonly string[];
}

const MACHINES = { x64: 'x86_64', arm64: 'aarch64' } as const;

/** As base64(1) breaks them. */
const LINE = /.{1,76}/g;

export const INITS: readonly EmbeddedInit[] = INIT_ARCHITECTURES.map(architecture => {
  const elf = initElf(architecture);
  return {
    machine: MACHINES[architecture],
    size: elf.length,
    objdump: OBJDUMP[architecture],
    listing: initListing(architecture),
    lines: elf.toString('base64').match(LINE) ?? [],
  };
});
