import { AT_FDCWD, O } from './constants.js';
import { flags, integer, type Result, resultOf, type SystemCall, string, symbol } from './system-call.js';

/** Opens a file of procfs, writes one line in one write(2), as procfs wants it, and closes it. */
export function writeFileCalls(path: string, content: string): readonly SystemCall[] {
  const descriptor: Result = { of: `open ${path}` };
  return [
    {
      name: 'openat',
      arguments: [symbol('AT_FDCWD', AT_FDCWD), string(path), flags(O, 'O_WRONLY', 'O_CLOEXEC')],
      result: descriptor,
    },
    { name: 'write', arguments: [resultOf(descriptor), string(content), integer(Buffer.byteLength(content))] },
    { name: 'close', arguments: [resultOf(descriptor)] },
  ];
}
