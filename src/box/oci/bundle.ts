import { closeSync, constants, fstatSync, openSync, readSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { BoxError, type Problem } from '../problem.js';
import { parseJson } from '../read.js';
import { boxFromConfig, type ConfiguredBox } from './box-from-config.js';

/** A seccomp profile of every system call is 30 kB. */
const LARGEST_CONFIG = 1024 * 1024;

/**
 * Reads the config.json of an OCI bundle as a box. It is not checked yet: flags may override parts of it.
 *
 * @param directory of the bundle.
 */
export function readBundle(directory: string): ConfiguredBox {
  const bundle = realPath(directory);
  const configured = boxFromConfig(readConfig(bundle), bundle);
  const link = rootProblem(configured.rootfs);
  return link === undefined ? configured : { ...configured, problems: [...configured.problems, link] };
}

function realPath(directory: string): string {
  try {
    return realpathSync(directory);
  } catch (error) {
    throw unreadable(directory, messageOf(error));
  }
}

function readConfig(bundle: string): unknown {
  const file = join(bundle, 'config.json');
  const text = readText(file);
  const parsed = parseJson(text);
  if ('error' in parsed) throw unreadable(file, messageOf(parsed.error));
  if (parsed.duplicates.length === 0) return parsed.value;
  throw new BoxError(parsed.duplicates.map(field => ({ field, message: 'is given more than once' })));
}

/** Whoever made the bundle may have made config.json a FIFO that nobody writes, or the door to a device. */
function readText(file: string): string {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    if (!fstatSync(descriptor).isFile()) throw new Error('it is not a regular file');
    const bytes = Buffer.alloc(LARGEST_CONFIG + 1);
    let length = 0;
    for (let read = 1; read > 0 && length < bytes.length; length += read)
      read = readSync(descriptor, bytes, length, bytes.length - length, null);
    if (length > LARGEST_CONFIG) throw new Error(`it is longer than ${LARGEST_CONFIG} bytes`);
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, length));
  } catch (error) {
    throw unreadable(file, messageOf(error));
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/** runc refuses it too. A bundle that was unpacked from somewhere must not point out of itself unseen. */
function rootProblem(root: string | undefined): Problem | undefined {
  if (root === undefined || root.includes('\0')) return undefined;
  let real: string;
  try {
    real = realpathSync(root);
  } catch {
    // It may be made before the script is run. Whoever starts the box will see.
    return undefined;
  }
  const message = `must not be a symlink or lead through one: it is ${JSON.stringify(real)}`;
  return real === root ? undefined : { field: 'root.path', message };
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const unreadable = (name: string, message: string): BoxError =>
  new BoxError([{ field: '', message: `cannot read the bundle from ${name}: ${message.split('\n')[0]}` }]);
