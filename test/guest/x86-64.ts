import { realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/package-root.js';
import { cached } from './cache.js';
import type { Place } from './inside.js';
import { vmlinux } from './kernel.js';
import { Packages } from './packages.js';
import { readParts, writeParts } from './parts.js';

/** A PC with a unified cgroup v2 tree and every controller of Debian's kernel. */
export async function x86Guest(): Promise<Place> {
  const directory = await cached('x86-64-1', makeParts);
  return {
    machine: {
      emulator: 'qemu-system-x86_64',
      // Page tables of five levels cost the emulator time.
      arguments: ['-M', 'q35', '-cpu', 'max,-la57'],
      kernel: join(directory, 'kernel'),
      kernelCommandLine:
        'console=ttyS0 quiet cgroup_no_v1=all psi=1 panic=-1 mitigations=off tsc=reliable no_timer_check',
    },
    ...readParts(directory),
    root: '/',
    brought: broughtFromFreshDirectories(),
    node: process.execPath,
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

/**
 * What of the host a guest needs below directories that it has afresh. The rest it sees because its root is the host's.
 */
function broughtFromFreshDirectories(): ReadonlyMap<string, string> {
  const needed = [packageRoot, join(packageRoot, 'node_modules'), process.execPath];
  const paths = needed.flatMap(path => [path, realpathSync(path)]);
  const hidden = paths.filter(path => /^\/(?:tmp|run|dev)\//.test(path));
  return new Map(hidden.filter(path => !hidden.some(other => path.startsWith(`${other}/`))).map(path => [path, path]));
}
