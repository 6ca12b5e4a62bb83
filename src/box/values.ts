/** The kinds of value a box is made of, each with the one check that lets a string become it. */

/** Keys and values as YAML and JSON have them: neither a list, nor a Map or Date, whose content is no property. */
export const isMapping = (value: unknown): value is Readonly<Record<string, unknown>> =>
  Object.prototype.toString.call(value) === '[object Object]';

/** A path that starts at the root, as execve(2) and mount(2) will see it: path_resolution(7). */
export type AbsolutePath = string & { readonly brand: 'AbsolutePath' };

/** A path such as /proc/123/ns/net that setns(2) can join: namespaces(7). */
export type NamespacePath = AbsolutePath & { readonly joins: 'Namespace' };

/** Linux's names for the namespace types, in the order in which /proc/PID/ns lists their files. */
export const NAMESPACE_TYPES = ['cgroup', 'ipc', 'mount', 'net', 'pid', 'time', 'user', 'uts'] as const;
export type NamespaceType = (typeof NAMESPACE_TYPES)[number];

export function isNamespaceType(value: string): value is NamespaceType {
  return NAMESPACE_TYPES.some(type => type === value);
}

/** What /proc/PID/ns and the OCI runtime specification disagree on: the file is called `mnt`. */
export function namespaceFile(type: NamespaceType): string {
  return type === 'mount' ? 'mnt' : type;
}

/** PATH_MAX in limits.h counts the terminating NUL. */
const LONGEST_PATH = 4095;

export const byteLength = (value: string): number => Buffer.byteLength(value, 'utf8');

/**
 * A string that can reach the kernel exactly: C strings end at a NUL, and half a surrogate pair has no UTF-8 form
 * (Node would silently send U+FFFD in its place).
 */
export function textProblem(value: string): string | undefined {
  if (value.includes('\0')) return 'must not contain a NUL byte';
  if (!value.isWellFormed()) return 'must be well-formed Unicode (it contains half of a surrogate pair)';
  return undefined;
}

export function pathProblem(value: string): string | undefined {
  if (!value.startsWith('/')) return 'must be an absolute path (it does not start with "/")';
  if (byteLength(value) > LONGEST_PATH) return `must be at most ${LONGEST_PATH} bytes long (PATH_MAX)`;
  return textProblem(value);
}

export const isAbsolutePath = (value: string): value is AbsolutePath => pathProblem(value) === undefined;
export const isNamespacePath = (value: string): value is NamespacePath => pathProblem(value) === undefined;

/** @throws TypeError for a path of this program's own that is none. */
export function absolutePath(value: string): AbsolutePath {
  if (!isAbsolutePath(value)) throw new TypeError(`not an absolute path: ${value}`);
  return value;
}

/** Whether a path is "/", however it is spelt. */
export const isRoot = (path: string): boolean => path.split('/').every(part => part === '' || part === '.');

/** A cgroup, from the root of a hierarchy on: never outside of what is to be seen of it. */
export const cgroupProblem = (value: string): string | undefined =>
  pathProblem(value) ?? (value.split('/').includes('..') ? 'must not contain ".."' : undefined);

/** A place where something is mounted. `..` would make the result depend on what the rootfs's symlinks are. */
export function mountPointProblem(value: string): string | undefined {
  const problem = pathProblem(value);
  if (problem !== undefined) return problem;
  if (isRoot(value)) return 'must not be "/": the root itself is the field rootfs';
  if (value.split('/').includes('..')) return 'must not contain ".."';
  return undefined;
}

/** A place where a file or a symlink is made: the last part is its name. */
export function newFileProblem(value: string): string | undefined {
  const problem = mountPointProblem(value);
  if (problem !== undefined) return value !== '' && isRoot(value) ? 'must name a file below "/"' : problem;
  const name = value.slice(value.lastIndexOf('/') + 1);
  return name === '' || name === '.' ? 'must end with the name of a file' : undefined;
}

export function linkTargetProblem(value: string): string | undefined {
  if (value === '') return 'must not be empty';
  if (byteLength(value) > LONGEST_PATH) return `must be at most ${LONGEST_PATH} bytes long (PATH_MAX)`;
  return textProblem(value);
}

/** What a box writes into its rootfs is configuration; more than that is copied or bound. */
const LARGEST_FILE = 64 * 1024;

export function contentProblem(value: string): string | undefined {
  if (byteLength(value) > LARGEST_FILE) return `must be at most ${LARGEST_FILE} bytes long: bind a file of the host`;
  return textProblem(value);
}

/** A program by its name, to be looked up, or a file or directory by its absolute path. */
export function programProblem(value: string): string | undefined {
  const message = 'must be the name of a program, or an absolute path';
  if (value === '' || value === '.' || value === '..') return message;
  if (value.includes('/') && !value.startsWith('/')) return message;
  // ldd(1), which the script reads, ends a name with one.
  if (value.includes('\n')) return 'must not contain a newline';
  return value.startsWith('/') ? pathProblem(value) : textProblem(value);
}

/** A directory of the host that an overlay is made of. What `..` means would depend on symlinks, and where a mount is. */
export function layerProblem(value: string): string | undefined {
  const problem = pathProblem(value);
  if (problem !== undefined) return problem;
  if (isRoot(value)) return 'must not be "/": what is mounted on it could not be taken away again';
  if (value.split('/').includes('..')) return 'must not contain ".."';
  return undefined;
}

/** __NEW_UTS_LEN in linux/utsname.h: both names, without the NUL. */
const LONGEST_UTS_NAME = 64;

/**
 * A host or domain name. sethostname(2) takes any bytes; control characters are refused because
 * /proc/sys/kernel/hostname, which the script writes, ends the name at a newline.
 */
export function utsNameProblem(value: string): string | undefined {
  if (value === '') return 'must not be empty';
  if (byteLength(value) > LONGEST_UTS_NAME) return `must be at most ${LONGEST_UTS_NAME} bytes long`;
  if (/\p{Cc}/u.test(value)) return 'must not contain control characters';
  return textProblem(value);
}

export function environmentNameProblem(name: string): string | undefined {
  if (name === '') return 'the name of a variable must not be empty';
  if (name.includes('=')) return 'the name of a variable must not contain "="';
  return textProblem(name);
}

/** A tmpfs size as tmpfs(5) takes it: bytes with an optional k, m or g, or a percentage of memory. */
export const TMPFS_SIZE = /^[1-9][0-9]{0,14}(?:[kKmMgG]|%)?$/;

/** A number of files as tmpfs(5) takes it. */
export const TMPFS_INODES = /^[1-9][0-9]{0,14}[kKmMgG]?$/;

/** Permission bits in octal, as chmod(1) takes them. */
export const FILE_MODE = /^[0-7]{3,4}$/;
