import { needsShell, type PlacedOperation } from './place.js';

/** The programs that a script calls, each with the Debian and Ubuntu package it comes in. */
const PACKAGES: Readonly<Record<string, string>> = {
  base64: 'coreutils',
  bash: 'bash',
  cat: 'coreutils',
  chmod: 'coreutils',
  chown: 'coreutils',
  cp: 'coreutils',
  domainname: 'hostname',
  env: 'coreutils',
  find: 'findutils',
  flock: 'util-linux',
  fold: 'coreutils',
  hostname: 'hostname',
  install: 'coreutils',
  ip: 'iproute2',
  ln: 'coreutils',
  ldd: 'libc-bin',
  mkdir: 'coreutils',
  mkfifo: 'coreutils',
  mktemp: 'coreutils',
  mount: 'mount',
  mv: 'coreutils',
  nsenter: 'util-linux',
  pivot_root: 'util-linux',
  prlimit: 'util-linux',
  readlink: 'coreutils',
  rm: 'coreutils',
  rmdir: 'coreutils',
  script: 'bsdutils',
  sed: 'sed',
  setpriv: 'util-linux',
  setsid: 'util-linux',
  sleep: 'coreutils',
  stat: 'coreutils',
  stdbuf: 'coreutils',
  stty: 'coreutils',
  umount: 'mount',
  unshare: 'util-linux',
};

export function toolsOf(placed: readonly PlacedOperation[]): readonly string[] {
  // script(1) begins the session of a terminal.
  const session = placed.some(({ operation }) => operation.kind === 'open-terminal') ? [] : ['setsid'];
  const always = ['env', 'sleep', 'unshare', ...session, ...(needsShell(placed) ? ['bash'] : [])];
  return [...new Set([...always, ...placed.flatMap(toolsOfOperation)])].sort();
}

export function packagesOf(tools: readonly string[]): readonly string[] {
  return [...new Set(tools.map(tool => PACKAGES[tool] ?? tool))].filter(name => name !== 'bash').sort();
}

/** What a file has that bash makes under the umask of a box. */
const DEFAULT_FILE_MODE = '644';

function toolsOfOperation({ operation, place }: PlacedOperation): readonly string[] {
  switch (operation.kind) {
    case 'copy-programs':
      return ['chmod', 'cp', 'ldd', 'mkdir', 'mount', 'readlink'];
    case 'join-namespaces':
      return ['nsenter'];
    case 'loopback-up':
      return ['ip'];
    case 'make-cgroup':
      return ['cat', 'find', 'mkdir', 'readlink', 'rmdir'];
    case 'make-file':
      return ['mkdir', 'readlink', 'rm', ...(operation.mode === DEFAULT_FILE_MODE ? [] : ['chmod'])];
    case 'make-symlink':
      return ['ln', 'mkdir', 'readlink', 'rm'];
    case 'mount-cgroup':
      return ['ln', 'mkdir', 'mount', 'readlink'];
    case 'make-dev':
      return ['cp', 'ln', 'mkdir', 'mount', 'readlink', 'stat'];
    case 'mask-paths':
      return ['mount', 'readlink', ...(operation.ownDev ? [] : ['stat'])];
    case 'read-only-paths':
      return ['mount', 'readlink'];
    case 'read-only-root':
      return ['mount'];
    case 'mount-bind':
    case 'mount-devpts':
    case 'mount-mqueue':
    case 'mount-sysfs':
    case 'mount-tmpfs':
      return ['mkdir', 'mount', 'readlink'];
    case 'mount-overlay':
      return ['ln', 'mkdir', 'mount', 'readlink', ...(operation.kept === undefined ? [] : ['flock', 'stat'])];
    case 'mount-proc':
      if (place === 'launch') return [];
      return operation.rootfs === undefined && operation.destination === '/proc'
        ? ['mount']
        : ['mkdir', 'mount', 'readlink'];
    case 'open-init':
      return ['base64', 'chmod', 'mount', 'rm'];
    case 'open-terminal':
      return ['mount', 'script', 'setpriv', 'stty', ...(operation.rootfs === undefined ? [] : ['mkdir', 'readlink'])];
    case 'record-life':
      return ['flock', 'mkdir', 'mv', 'readlink', 'rm', 'stat'];
    case 'pivot-root':
      return ['cp', 'mount', 'nsenter', 'pivot_root', 'umount'];
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
