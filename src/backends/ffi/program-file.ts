import { isUtf8 } from 'node:buffer';
import { accessSync, constants, readFileSync, readlinkSync, statSync } from 'node:fs';
import { kernelIsAtLeast } from '../../host/kernel.js';
import { AT, AT_FDCWD, F_ADD_SEALS, F_SETFD, MFD, MOUNT_ATTR, O, OPEN_TREE, SEALS } from '../../linux/constants.js';
import { insistOnSize } from '../../linux/file-calls.js';
import { runCalls } from '../../linux/program.js';
import {
  bytes,
  flags,
  integer,
  NULL,
  type Result,
  resultOf,
  type SystemCall,
  string,
  symbol,
  words,
} from '../../linux/system-call.js';
import { explainFailure } from './explain.js';

/**
 * Executes this program again, with the same arguments, from where nobody can write to it: a mount of it that is
 * read-only or, for who may mount nothing, a copy in memory.
 *
 * A file of the box may name /proc/self/exe as its interpreter (`#!`): execve(2) follows that from the process which calls
 * it, and the program of this process then runs in the box, whose other processes can open it. Once it is not busy, they
 * could write to it, if they are the user who owns it: CVE-2019-5736.
 *
 * Returns when it has been done, or nobody who is this user could write to it.
 *
 * @throws StartError when the kernel does not let it.
 */
export function protectProgramFile(): void {
  if (readlinkSync(PROGRAM).startsWith(`/memfd:${COPY} `) || !mayWrite(PROGRAM)) return;
  const program: Result = { of: 'the program' };
  const argv = [process.argv0, ...process.execArgv, ...process.argv.slice(1)];
  const canMount = process.geteuid?.() === 0 && kernelIsAtLeast(5, 12);
  const calls: readonly SystemCall[] = [
    ...(canMount ? mountReadOnly(program) : copy(program)),
    // Node marks its own 0, 1 and 2 close-on-exec.
    ...[0, 1, 2].map(
      (descriptor): SystemCall => ({
        name: 'fcntl',
        arguments: [integer(descriptor), symbol('F_SETFD', F_SETFD), integer(0)],
        tolerate: ['EBADF'],
      }),
    ),
    {
      name: 'execveat',
      arguments: [
        resultOf(program),
        string(''),
        { kind: 'strings', values: argv },
        { kind: 'strings', values: environment() },
        EMPTY_PATH,
      ],
    },
  ];
  throw explainFailure(undefined, runCalls(calls), calls);
}

const PROGRAM = '/proc/self/exe';
const COPY = 'nsgen-program';
const EMPTY_PATH = flags({ AT_EMPTY_PATH: AT.AT_EMPTY_PATH }, 'AT_EMPTY_PATH');

function mountReadOnly(program: Result): readonly SystemCall[] {
  // struct mount_attr: attr_set, attr_clr, propagation, userns_fd.
  const attributes = bytes(words(MOUNT_ATTR.MOUNT_ATTR_RDONLY, 0, 0, 0), '{attr_set=MOUNT_ATTR_RDONLY}');
  return [
    {
      name: 'open_tree',
      arguments: [
        symbol('AT_FDCWD', AT_FDCWD),
        string(PROGRAM),
        flags(OPEN_TREE, 'OPEN_TREE_CLONE', 'OPEN_TREE_CLOEXEC'),
      ],
      result: program,
    },
    { name: 'mount_setattr', arguments: [resultOf(program), string(''), EMPTY_PATH, attributes, integer(32)] },
  ];
}

function copy(program: Result): readonly SystemCall[] {
  const file: Result = { of: `open ${PROGRAM}` };
  const { size } = statSync(PROGRAM);
  return [
    {
      name: 'openat',
      arguments: [symbol('AT_FDCWD', AT_FDCWD), string(PROGRAM), flags(O, 'O_RDONLY', 'O_CLOEXEC')],
      result: file,
    },
    {
      name: 'memfd_create',
      arguments: [string(COPY), flags(MFD, 'MFD_CLOEXEC', 'MFD_ALLOW_SEALING')],
      result: program,
    },
    { name: 'sendfile', arguments: [resultOf(program), resultOf(file), NULL, integer(size)] },
    insistOnSize(program, size),
    {
      name: 'fcntl',
      arguments: [
        resultOf(program),
        symbol('F_ADD_SEALS', F_ADD_SEALS),
        flags(SEALS, 'F_SEAL_SEAL', 'F_SEAL_SHRINK', 'F_SEAL_GROW', 'F_SEAL_WRITE'),
      ],
    },
  ];
}

/** What is not UTF-8 would arrive as something else: --env says that it is not set. */
const environment = (): readonly string[] =>
  readFileSync('/proc/self/environ', 'latin1')
    .split('\0')
    .map(entry => Buffer.from(entry, 'latin1'))
    .filter(entry => entry.length > 0 && isUtf8(entry))
    .map(entry => entry.toString('utf8'));

function mayWrite(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
