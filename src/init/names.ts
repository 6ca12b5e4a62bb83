/** By which names and numbers the init, and who starts and watches it, find each other. Its program is in elf.ts. */

/** The name of its process, and of the file that it is executed from. */
export const INIT_NAME = 'nsgen-init';
export const INIT_FILE = `memfd:${INIT_NAME}`;

/** Where a box that has a name has its file `life` open: the init writes the exit status there, and keeps it to itself. */
export const LIFE_DESCRIPTOR = 3;

/** What such a box writes there before it executes the init. */
export const STARTED = 'started\n';

/**
 * How it is called. The script can execute it by such a path only, and cannot choose another word; in its place, of the
 * same length, ps shows `nsgen-init exec`.
 */
export const INIT_DESCRIPTOR = 4;
export const INIT_PATH = `/proc/self/fd/${INIT_DESCRIPTOR}`;
