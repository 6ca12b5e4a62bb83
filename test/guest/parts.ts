import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Module, modulesInOrder } from './kernel.js';

/** What the cache keeps of the packages of a kernel and of busybox: one part in four hundred. */

/** Modules that a guest loads: what its root needs, and what tests of boxes use. */
export const MODULES = ['virtio_pci', '9p', '9pnet_virtio', 'overlay', 'loop', 'bridge', 'veth', 'tun'];

export interface Parts {
  readonly busybox: Buffer;
  readonly modules: readonly Module[];
}

/** @param root is where the packages are unpacked. */
export function writeParts(directory: string, root: string, image: (vmlinuz: Buffer) => Buffer): void {
  const [name = ''] = readdirSync(join(root, 'boot')).filter(name => name.startsWith('vmlinuz-'));
  writeFileSync(join(directory, 'kernel'), image(readFileSync(join(root, 'boot', name))));
  writeFileSync(join(directory, 'busybox'), readFileSync(join(root, 'bin', 'busybox')));
  for (const [index, module] of modulesInOrder(join(root, 'lib', 'modules'), MODULES).entries())
    writeFileSync(join(directory, `${String(index).padStart(2, '0')}-${module.name}.ko`), module.content);
}

export const readParts = (directory: string): Parts => ({
  busybox: readFileSync(join(directory, 'busybox')),
  modules: readdirSync(directory)
    .filter(name => name.endsWith('.ko'))
    .sort()
    .map(name => ({ name: name.slice(3, -3), content: readFileSync(join(directory, name)) })),
});
