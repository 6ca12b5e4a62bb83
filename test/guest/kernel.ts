import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

/** What is taken out of a package of Debian's kernel. */

/**
 * The ELF file that a bzImage of x86 unpacks itself to. Booting that one saves the emulator five seconds of unpacking.
 * Offsets: Documentation/arch/x86/boot.rst.
 */
export function vmlinux(bzImage: Buffer): Buffer {
  const start = (bzImage.readUInt8(0x1f1) + 1) * 512 + bzImage.readUInt32LE(0x248);
  // The length of what comes out is appended to the compressed kernel, and xz takes it for garbage.
  const compressed = bzImage.subarray(start, start + bzImage.readUInt32LE(0x24c) - 4);
  const { status, stdout, stderr } = spawnSync('xz', ['--decompress', '--stdout'], {
    input: compressed,
    maxBuffer: 2 ** 28,
  });
  if (status === 0 && stdout.subarray(1, 4).toString() === 'ELF') return stdout;
  throw new Error(`The kernel image is not an ELF file compressed by xz, as Debian's 6.1 is: ${stderr}`);
}

export interface Module {
  readonly name: string;
  readonly content: Buffer;
}

/** The modules and those they depend on, each after all that it needs. What the kernel has built in has no file. */
export function modulesInOrder(directory: string, wanted: readonly string[]): readonly Module[] {
  const files = new Map(
    readdirSync(directory, { recursive: true, encoding: 'utf8' })
      .filter(path => path.endsWith('.ko'))
      .map(path => [nameOf(path), join(directory, path)]),
  );
  const ordered = new Map<string, Module>();
  const add = (name: string) => {
    const path = files.get(name);
    if (path === undefined || ordered.has(name)) return;
    const content = readFileSync(path);
    for (const dependency of dependencies(content)) add(dependency);
    ordered.set(name, { name, content });
  };
  for (const name of wanted) add(name);
  return [...ordered.values()];
}

const nameOf = (path: string) => basename(path, '.ko').replaceAll('-', '_');

/** From the section .modinfo: strings, each after a NUL. */
function dependencies(content: Buffer): readonly string[] {
  const key = '\0depends=';
  const start = content.indexOf(key);
  if (start === -1) return [];
  const text = content.toString('latin1', start + key.length, content.indexOf(0, start + key.length));
  return text
    .split(',')
    .filter(name => name !== '')
    .map(name => name.replaceAll('-', '_'));
}
