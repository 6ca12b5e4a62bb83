import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeRootfs, removeRootfs } from '../support/rootfs.js';

export const PROGRAMS = [
  'sh',
  'bash',
  'ls',
  'cat',
  'readlink',
  'ps',
  'uname',
  'ip',
  'setpriv',
  'env',
  'true',
  'stat',
  'stty',
  'tty',
  'rm',
  'mkdir',
];
const DIRECTORIES = ['proc', 'dev', 'mnt/target', 'tmp', 'a/b', 'srv', 'work dir'];

export interface Ground {
  readonly rootfs: string;
  readonly directory: string;
  remove(): void;
}

/** What all boxes share: a rootfs, and a directory with things to mount and to run. */
export function prepareGround(): Ground {
  const rootfs = makeRootfs(PROGRAMS, DIRECTORIES);
  // For boxes that an ordinary user starts.
  chmodSync(rootfs, 0o755);
  symlinkSync('/mnt/target', join(rootfs, 'absolute'));
  symlinkSync('../../../../mnt/target', join(rootfs, 'a/b/climbing'));
  symlinkSync('mnt/./target', join(rootfs, 'relative'));
  symlinkSync('absolute', join(rootfs, 'twice'));
  writeFileSync(join(rootfs, 'mnt/file'), 'of the rootfs\n');

  const directory = mkdtempSync(join(tmpdir(), 'nsgen-test-ground-'));
  for (const name of ['source/below', 'bin', 'odd dir\nwith a newline', 'private']) {
    mkdirSync(join(directory, name), { recursive: true });
  }
  symlinkSync('source', join(directory, 'link'));
  writeFileSync(join(directory, 'source/file'), 'of the host\n');
  writeFileSync(join(directory, 'bin/plain'), 'echo "run by $0: $*"\n');
  writeFileSync(join(directory, 'bin/a=b'), '#!/bin/sh\necho "named a=b: $*"\n');
  writeFileSync(join(directory, 'bin/-dash'), '#!/bin/sh\necho "named -dash: $*"\n');
  for (const name of ['plain', 'a=b', '-dash']) chmodSync(join(directory, 'bin', name), 0o755);
  writeFileSync(join(directory, 'bin/locked'), '#!/bin/sh\n', { mode: 0o644 });
  chmodSync(directory, 0o755);
  return {
    rootfs,
    directory,
    remove() {
      removeRootfs(rootfs);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
