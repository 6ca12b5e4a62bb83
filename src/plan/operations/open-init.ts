import { initElf } from '../../init/elf.js';
import { INIT_NAME } from '../../init/names.js';
import { MFD } from '../../linux/constants.js';
import { architecture } from '../../linux/libc.js';
import { bytes, flags, integer, type SystemCall, string } from '../../linux/system-call.js';
import { initDescriptor, type OperationKind } from '../operation.js';

/** Makes the init, in a file without a name that only the box's first process has, and opens it for execute. */
export interface OpenInit {
  readonly kind: 'open-init';
}

export const openInit: OperationKind<OpenInit> = {
  describe: () => `make the init, ${initElf(architecture()).length} bytes, in a file without a name`,

  /** It comes after close-descriptors, and so it gets the first descriptor that is free. */
  systemCalls(_operation, caller) {
    const elf = initElf(architecture());
    const create = (...set: readonly (keyof typeof MFD)[]): SystemCall => ({
      name: 'memfd_create',
      arguments: [string(INIT_NAME), flags(MFD, ...set)],
    });
    const file = integer(initDescriptor(caller));
    return [
      // Before Linux 6.3 there is no such flag, and no need of it.
      { ...create('MFD_CLOEXEC', 'MFD_EXEC'), tolerate: ['EINVAL'], onTolerated: [create('MFD_CLOEXEC')] },
      // RLIMIT_FSIZE holds for it, too: write(2) would take what fits, and call that a success.
      { name: 'ftruncate', arguments: [file, integer(elf.length)] },
      {
        name: 'write',
        arguments: [file, bytes(elf, `<init, see nsgen init --asm>`), integer(elf.length)],
      },
    ];
  },
};
