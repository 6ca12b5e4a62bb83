import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** A rootfs the way people make one by hand: programs copied from the host, with the libraries ldd(1) names. */
export function makeRootfs(programs: readonly string[], directories: readonly string[] = ['proc']): string {
  const rootfs = mkdtempSync(join(tmpdir(), 'nsgen-test-rootfs-'));
  for (const directory of ['usr/bin', 'usr/lib', ...directories])
    mkdirSync(join(rootfs, directory), { recursive: true });
  for (const link of ['bin', 'sbin']) symlinkSync('usr/bin', join(rootfs, link));
  for (const program of programs) {
    // type -P: the file, where the shell has a builtin of that name (kill, true).
    const path = execFileSync('/bin/bash', ['-c', 'type -P -- "$1"', 'bash', program], { encoding: 'utf8' }).trim();
    copyInto(rootfs, path, `/usr/bin/${program}`);
    const libraries = execFileSync('ldd', [path], { encoding: 'utf8' }).match(/\/\S+/g) ?? [];
    for (const library of libraries) copyInto(rootfs, library, library);
  }
  return rootfs;
}

export const removeRootfs = (rootfs: string): void => rmSync(rootfs, { recursive: true, force: true });

function copyInto(rootfs: string, source: string, destination: string): void {
  const target = join(rootfs, destination);
  if (existsSync(target)) return;
  mkdirSync(dirname(target), { recursive: true });
  copyFileSync(source, target);
}
