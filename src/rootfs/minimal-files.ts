import type { Entry } from './tree.js';

/** Directories that programs expect, whatever is copied. */
export const DIRECTORIES: readonly (readonly [path: string, mode: number])[] = [
  ['/dev', 0o755],
  ['/etc', 0o755],
  ['/proc', 0o755],
  ['/root', 0o700],
  ['/run', 0o755],
  ['/sys', 0o755],
  ['/tmp', 0o1777],
  ['/var', 0o755],
  ['/var/tmp', 0o1777],
];

/** The least that getpwnam(3), getaddrinfo(3) and their like need. None of it is the host's: who lives there is not told. */
export const TEXTS: readonly (readonly [path: string, lines: readonly string[]])[] = [
  ['/etc/passwd', ['root:x:0:0:root:/root:/bin/sh', 'nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin']],
  ['/etc/group', ['root:x:0:', 'nogroup:x:65534:']],
  ['/etc/hosts', ['127.0.0.1 localhost', '::1 localhost ip6-localhost ip6-loopback']],
  ['/etc/nsswitch.conf', ['passwd: files', 'group: files', 'hosts: files dns']],
  ['/etc/resolv.conf', ['# No name server: the box has a loopback interface only.']],
];

/** What is not there already. */
export function minimalEntries(has: (path: string) => boolean): readonly Entry[] {
  return [
    ...DIRECTORIES.map(([path, mode]) => ({ kind: 'directory', path, mode }) as const),
    ...TEXTS.filter(([path]) => !has(path)).map(
      ([path, lines]) => ({ kind: 'text', path, mode: 0o644, text: lines.map(line => `${line}\n`).join('') }) as const,
    ),
  ];
}
