import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cached } from './cache.js';
import type { Machine } from './emulator.js';
import { type Module, modulesInOrder, vmlinux } from './kernel.js';
import { Packages } from './packages.js';

/** Modules that a guest loads: what its root needs, and what tests of boxes use. */
export const MODULES = ['virtio_pci', '9p', '9pnet_virtio', 'overlay', 'loop', 'bridge', 'veth', 'tun'];

export interface Parts {
  readonly machine: Machine;
  readonly busybox: Buffer;
  readonly modules: readonly Module[];
}

/** A PC with a unified cgroup v2 tree and every controller of Debian's kernel. */
export async function x86Guest(): Promise<Parts> {
  const directory = await cached('x86-64-1', makeParts);
  return {
    machine: {
      emulator: 'qemu-system-x86_64',
      // Page tables of five levels cost the emulator time.
      arguments: ['-M', 'q35', '-cpu', 'max,-la57'],
      kernel: join(directory, 'kernel'),
      kernelCommandLine: 'console=ttyS0 quiet cgroup_no_v1=all psi=1 panic=-1 mitigations=off tsc=reliable',
    },
    ...readParts(directory),
  };
}

async function makeParts(directory: string): Promise<void> {
  const apt = join(directory, 'apt');
  const root = join(directory, 'unpacked');
  const packages = await Packages.of('amd64', apt);
  const kernel = await packages.dependency('linux-image-amd64', /^linux-image-\d/);
  await packages.unpack([kernel, 'busybox-static'], root);
  writeParts(directory, root, vmlinux);
  for (const path of [apt, root]) rmSync(path, { recursive: true });
}

/** Keeps what a guest needs of a kernel that is unpacked in `root`: one part in forty. */
export function writeParts(directory: string, root: string, image: (vmlinuz: Buffer) => Buffer): void {
  const [name = ''] = readdirSync(join(root, 'boot')).filter(name => name.startsWith('vmlinuz-'));
  writeFileSync(join(directory, 'kernel'), image(readFileSync(join(root, 'boot', name))));
  writeFileSync(join(directory, 'busybox'), readFileSync(join(root, 'bin', 'busybox')));
  for (const [index, module] of modulesInOrder(join(root, 'lib', 'modules'), MODULES).entries())
    writeFileSync(join(directory, `${String(index).padStart(2, '0')}-${module.name}.ko`), module.content);
}

export const readParts = (directory: string): Omit<Parts, 'machine'> => ({
  busybox: readFileSync(join(directory, 'busybox')),
  modules: readdirSync(directory)
    .filter(name => name.endsWith('.ko'))
    .sort()
    .map(name => ({ name: name.slice(3, -3), content: readFileSync(join(directory, name)) })),
});
