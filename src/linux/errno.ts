import { constants } from 'node:os';
import { getSystemErrorMap } from 'node:util';

export type ErrnoName = keyof typeof constants.errno;

/** What Node's table leaves out and the calls of this project can return: errno(3). */
const MORE_NAMES: Readonly<Record<number, string>> = { 87: 'EUSERS', 116: 'ESTALE', 122: 'EDQUOT' };
const MORE_MESSAGES: Readonly<Record<string, string>> = {
  // Node speaks of a socket, where the kernel may speak of a file.
  ENOTSUP: 'Operation not supported',
  EUSERS: 'Too many users',
  ESTALE: 'Stale file handle',
  EDQUOT: 'Disk quota exceeded',
};

export const errnoNumber = (name: ErrnoName): number => constants.errno[name];

/** EAGAIN before EWOULDBLOCK, ENOTSUP before EOPNOTSUPP: the first name of a number is the usual one. */
const names = new Map<number, string>();
for (const [name, value] of Object.entries(constants.errno)) if (!names.has(value)) names.set(value, name);

/** @returns the name of an errno, `EPERM`; `errno 999` for a number without one. */
export function errnoName(value: number): string {
  return names.get(value) ?? MORE_NAMES[value] ?? `errno ${value}`;
}

/** @returns an errno as an error line shows it: `EPERM (Operation not permitted)`. */
export function describeErrno(value: number): string {
  const name = errnoName(value);
  const message = MORE_MESSAGES[name] ?? getSystemErrorMap().get(-value)?.[1];
  return message === undefined ? name : `${name} (${message.charAt(0).toUpperCase()}${message.slice(1)})`;
}
