import { needsShell, type PlacedOperation } from './place.js';

/** The programs that a script calls, each with the Debian and Ubuntu package it comes in. */
const PACKAGES: Readonly<Record<string, string>> = {
  bash: 'bash',
  chmod: 'coreutils',
  cp: 'coreutils',
  domainname: 'hostname',
  env: 'coreutils',
  hostname: 'hostname',
  ip: 'iproute2',
  ldd: 'libc-bin',
  mkdir: 'coreutils',
  mount: 'mount',
  nsenter: 'util-linux',
  pivot_root: 'util-linux',
  readlink: 'coreutils',
  umount: 'mount',
  unshare: 'util-linux',
};

export function toolsOf(placed: readonly PlacedOperation[]): readonly string[] {
  const always = ['env', 'unshare', ...(needsShell(placed) ? ['bash'] : [])];
  return [...new Set([...always, ...placed.flatMap(toolsOfOperation)])].sort();
}

export function packagesOf(tools: readonly string[]): readonly string[] {
  return [...new Set(tools.map(tool => PACKAGES[tool] ?? tool))].filter(name => name !== 'bash').sort();
}

function toolsOfOperation({ operation, place }: PlacedOperation): readonly string[] {
  switch (operation.kind) {
    case 'copy-programs':
      return ['chmod', 'cp', 'ldd', 'mkdir', 'mount', 'readlink'];
    case 'join-namespaces':
      return ['nsenter'];
    case 'loopback-up':
      return ['ip'];
    case 'mount-bind':
    case 'mount-tmpfs':
      return ['mkdir', 'mount', 'readlink'];
    case 'mount-proc':
      return place === 'enter' ? ['mount', ...(operation.rootfs === undefined ? [] : ['mkdir', 'readlink'])] : [];
    case 'pivot-root':
      return ['mount', 'nsenter', 'pivot_root', 'umount'];
    case 'working-directory':
      return place !== 'launch' && operation.rootfs !== undefined ? ['readlink'] : [];
    case 'set-domainname':
      return ['domainname'];
    case 'set-hostname':
      return ['hostname'];
    default:
      return [];
  }
}
