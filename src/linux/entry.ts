/**
 * The syscall program: a table of entries in memory that the machine code walks, from the first entry on, until it
 * comes to one with a negative system call number. Each entry is one system call and says where to go on:
 *
 *     number      the system call; negative: return to the caller
 *     argument    six arguments, 8 bytes each
 *     indirect    bit i set: argument i holds the address of a 64-bit value, and that value is passed. So the result
 *                 of one entry becomes the argument of a later one
 *     tolerated   bit e set: errno e is tolerated. An errno of 64 and above has no bit and never is
 *     onZero      address of the entry to go on with when the result is 0
 *     onPositive  ... when it is anything else that is not an error
 *     onTolerated ... when the system call failed with a tolerated errno. The entry's own address makes it try again
 *     onFailure   ... when it failed otherwise; the header then names this entry
 *     result      what the system call returned, always stored: -errno when it failed
 *     copy        address of 32 bits that get the result too, as far as they hold it: a field of a struct that a later
 *                 call takes. The entry's own result where there is none
 *
 * The word at the end is spare. A result in [-4095, -1] is an error (MAX_ERRNO in the kernel's include/linux/err.h);
 * any other is not, even if it is negative as a signed number.
 *
 * Entries name each other by address: a table can branch and loop, but not be moved once it is laid out.
 *
 * One entry may be a clone with CLONE_VM and no stack of its own: parent and child both carry on with the same table,
 * the child by onZero, the parent by onPositive. The child must not come to a negative number: the stack it would
 * return on is the parent's. Without CLONE_VFORK both store into that entry's result, in no certain order, so nothing
 * may read it; with CLONE_VFORK the parent stores last (the child's pid).
 */

/** Offsets in bytes into an entry. */
export const ENTRY = {
  size: 128,
  number: 0,
  argument: 8,
  indirect: 56,
  tolerated: 64,
  onZero: 72,
  onPositive: 80,
  onTolerated: 88,
  onFailure: 96,
  result: 104,
  copy: 112,
} as const;

/** Offsets in bytes into the header. `failed` is the address of the last entry that went on by its onFailure. */
export const HEADER = { size: 8, failed: 0 } as const;
