import type { ArgsDef } from 'citty';

/** The flags that describe a box: the same, with the same meaning, for every subcommand. citty prints their help. */
export const BOX_FLAGS = {
  file: {
    type: 'string',
    alias: 'f',
    valueHint: 'FILE',
    description: 'read the box from FILE (YAML or JSON, - is stdin); flags override it',
  },
  bundle: {
    type: 'string',
    alias: 'b',
    valueHint: 'DIR',
    description: 'read the box from the config.json of an OCI bundle; flags override it',
  },
  unshare: {
    type: 'string',
    valueHint: 'LIST',
    description: 'namespaces to make new: pid,mount,uts,ipc,net,cgroup,user,time',
  },
  share: { type: 'string', valueHint: 'LIST', description: 'namespaces to share with the caller' },
  join: { type: 'string', valueHint: 'TYPE:PATH', description: 'join a namespace, for example net:/proc/123/ns/net' },
  hostname: { type: 'string', valueHint: 'NAME', description: 'host name inside' },
  domainname: { type: 'string', valueHint: 'NAME', description: 'NIS domain name inside' },
  rootfs: { type: 'string', valueHint: 'DIR', description: 'the directory that is / inside' },
  with: {
    type: 'string',
    valueHint: 'LIST',
    description: 'instead of --rootfs: programs of the host, and absolute paths, that make up / inside',
  },
  chroot: { type: 'boolean', description: 'enter the rootfs by chroot instead of pivot_root' },
  overlay: { type: 'boolean', description: 'leave the rootfs as it is: what changes is thrown away with the box' },
  'overlay-upper': { type: 'string', valueHint: 'DIR', description: 'the same, but keep what changes in DIR' },
  'overlay-work': { type: 'string', valueHint: 'DIR', description: 'empty directory for overlayfs (UPPER.work)' },
  'overlay-lower': {
    type: 'string',
    valueHint: 'DIR',
    description: 'a directory to read from, above the rootfs and those that come after it',
  },
  'read-only': { type: 'boolean', description: 'make the root mount read-only' },
  proc: { type: 'boolean', description: 'mount a fresh /proc (default with a new mount namespace)' },
  'no-proc': { type: 'boolean', description: 'leave /proc as it is: it shows the processes of the host' },
  dev: { type: 'boolean', description: 'mount a /dev of its own (default with a rootfs entered by pivot_root)' },
  'no-dev': { type: 'boolean', description: 'leave /dev as the rootfs has it' },
  bind: {
    type: 'string',
    valueHint: 'SRC:DST[:ro]',
    description: 'show SRC of the host at DST; also nosuid,nodev,noexec,bind,rslave,...',
  },
  tmpfs: { type: 'string', valueHint: 'DST[:size=N,mode=M]', description: 'mount an empty tmpfs at DST' },
  mount: {
    type: 'string',
    valueHint: 'type=T,dst=DST,...',
    description: 'mount as docker spells it; T: bind,tmpfs,proc,sysfs,mqueue,devpts,cgroup',
  },
  symlink: { type: 'string', valueHint: 'TARGET:DST', description: 'make DST of the rootfs a link to TARGET' },
  'add-file': {
    type: 'string',
    valueHint: 'SRC:DST[:MODE]',
    description: 'write what SRC holds to DST of the rootfs (text, up to 64 KiB)',
  },
  propagation: {
    type: 'string',
    valueHint: 'HOW',
    description: 'of mounts: private (default), slave, shared, unchanged',
  },
  mask: { type: 'string', valueHint: 'PATH', description: 'cover PATH too: by an empty directory, or the null device' },
  'read-only-path': {
    type: 'string',
    valueHint: 'PATH',
    description: 'make PATH read-only too, with the mounts below',
  },
  privileged: { type: 'boolean', description: 'mask nothing, and make nothing read-only, by default' },
  loopback: { type: 'boolean', description: 'bring lo up (default with a new net namespace)' },
  'no-loopback': { type: 'boolean', description: 'leave the loopback interface down' },
  memory: {
    type: 'string',
    alias: 'm',
    valueHint: 'SIZE',
    description: 'memory at most: 100M, 1.5GiB (units of 1024)',
  },
  'memory-reservation': {
    type: 'string',
    valueHint: 'SIZE',
    description: 'memory left alone when the host is short of it',
  },
  'memory-swap': { type: 'string', valueHint: 'SIZE', description: 'memory and swap together at most; -1: no limit' },
  'memory-swappiness': {
    type: 'string',
    valueHint: 'N',
    description: '0 to 100: how readily memory is swapped out (cgroup v1)',
  },
  'oom-kill-disable': { type: 'boolean', description: 'at the limit, wait instead of being killed (cgroup v1)' },
  cpus: { type: 'string', valueHint: 'N', description: 'cpu time at most, in CPUs: 0.2, 1.5' },
  'cpu-quota': { type: 'string', valueHint: 'USEC', description: 'the same, in microseconds of each period' },
  'cpu-period': { type: 'string', valueHint: 'USEC', description: 'the period (100000)' },
  'cpu-shares': { type: 'string', valueHint: 'N', description: 'weight against other boxes; 1024 is normal' },
  'cpuset-cpus': { type: 'string', valueHint: 'LIST', description: 'CPUs that may be used: 0-2,4' },
  'cpuset-mems': { type: 'string', valueHint: 'LIST', description: 'memory nodes that may be used' },
  'pids-limit': { type: 'string', valueHint: 'N', description: 'processes and threads at most; -1: no limit' },
  'cgroup-parent': { type: 'string', valueHint: 'PATH', description: 'the cgroup in which that of the box is made' },
  init: {
    type: 'boolean',
    description: "pid 1 is an init, which starts the command: nsgen's own, or a program of the host (--init=PATH)",
  },
  monotonic: { type: 'string', valueHint: 'SECONDS', description: 'offset of CLOCK_MONOTONIC in a new time namespace' },
  boottime: { type: 'string', valueHint: 'SECONDS', description: 'offset of CLOCK_BOOTTIME in a new time namespace' },
  env: {
    type: 'string',
    alias: 'e',
    valueHint: 'NAME[=VALUE]',
    description: "set a variable; without a value, the caller's",
  },
  annotation: {
    type: 'string',
    valueHint: 'NAME=VALUE',
    description: 'something for others to read: it is shown, and changes nothing',
  },
  workdir: { type: 'string', alias: 'w', valueHint: 'DIR', description: 'working directory inside' },
} as const satisfies ArgsDef;

export const HELP_FLAG = {
  help: { type: 'boolean', alias: 'h', description: 'show this help' },
} as const satisfies ArgsDef;

/** Switches that take a value after `=`, and nothing but that. */
export const OPTIONAL_VALUE: readonly string[] = ['init'];

/** Flags that may be given more than once, and then all count. */
export const REPEATABLE: readonly string[] = [
  'unshare',
  'share',
  'join',
  'overlay-lower',
  'bind',
  'tmpfs',
  'mount',
  'symlink',
  'add-file',
  'mask',
  'read-only-path',
  'env',
  'annotation',
  'with',
];
