import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { BACKEND_NAMES, type BackendName, BoxError, type BoxInput, StartError, start } from '../src/index.js';
import { execute, type Finished, nsgenPath } from './support/cli.js';
import { descendants, hostState } from './support/leftovers.js';
import { ownDirectory } from './support/own-directory.js';

const directory = ownDirectory('failure');
const file = (name: string, content: string, mode = 0o755): string => {
  const path = join(directory, name);
  writeFileSync(path, content, { mode });
  return path;
};
const loop = join(directory, 'loop');
await execute('ln', ['-s', 'loop', loop]);
const notExecutable = file('not-executable', '#!/bin/sh\n', 0o644);
const large = file('large', 'x'.repeat(60_000));
const ground = join(directory, 'ground');
mkdirSync(join(ground, 'directory'), { recursive: true });
mkdirSync(join(ground, 'proc'));
writeFileSync(join(ground, 'file'), '');
const noInterpreter = file('no-interpreter', '#!/nonexistent/interpreter\n');

interface Case {
  readonly name: string;
  readonly flags: readonly string[];
  readonly command?: readonly string[];
  /** What starts nsgen: a program that takes something away from it first. */
  readonly under?: readonly string[];
  readonly status: number | Readonly<Record<BackendName, number>>;
  /** The whole of stderr for ffi; for the script, whose tools have words of their own, what must be in it. */
  readonly ffi: RegExp;
  readonly script: RegExp;
}

const without = (capability: string) => ['setpriv', '--bounding-set', `-${capability}`, '--'];

/** The limit is that of a user namespace of nsgen's own: the host's stays as it is. */
const withLimit = (limit: string) => [
  ...['unshare', '--user', '--map-root-user', '--', 'sh', '-c'],
  ...[`echo 0 >/proc/sys/user/${limit} && exec "$@"`, 'sh'],
];

const CASES: readonly Case[] = [
  {
    name: 'create-namespaces without the right to',
    flags: [],
    under: without('sys_admin'),
    status: 125,
    ffi: /^nsgen: start a process in new namespaces: .*clone3\(\{flags=.*\}\): EPERM \(Operation not permitted\): namespaces need root or a user namespace/,
    script: /EPERM.*namespaces need root with CAP_SYS_ADMIN, or a box with a user namespace/,
  },
  {
    name: 'create-namespaces, without the right to and without a user namespace',
    flags: ['--share', 'user'],
    under: without('sys_admin'),
    status: 125,
    ffi: /clone3.*: EPERM \(Operation not permitted\): .*use --unshare user/,
    script: /EPERM.*or a box with a user namespace/,
  },
  {
    name: 'create-namespaces beyond a limit',
    flags: [],
    under: withLimit('max_uts_namespaces'),
    status: 125,
    ffi: /clone3.*: ENOSPC \(No space left on device\): a limit in \/proc\/sys\/user\/max_\*_namespaces is reached/,
    script: /unshare failed: No space left on device/,
  },
  {
    name: 'create-namespaces, user namespaces switched off',
    flags: ['--unshare', 'user'],
    under: withLimit('max_user_namespaces'),
    status: 125,
    ffi: /clone3.*: ENOSPC \(No space left on device\): .*\/proc\/sys\/user\/max_/,
    script:
      /^box\.sh: user namespaces are switched off: \/proc\/sys\/user\/max_user_namespaces is 0\. An administrator can set it\n$/,
  },
  {
    name: 'join-namespaces of a process that is gone',
    flags: ['--join', 'net:/proc/4194305/ns/net'],
    status: 125,
    ffi: /^nsgen: join net of "\/proc\/4194305\/ns\/net": openat "\/proc\/4194305\/ns\/net": ENOENT \(No such file or directory\): the process whose namespace is to be joined is gone/,
    script: /\/proc\/4194305\/ns\/net: No such file or directory/,
  },
  {
    name: 'join-namespaces of another type',
    flags: ['--join', 'net:/proc/self/ns/uts'],
    status: 125,
    ffi: /^nsgen: join net of "\/proc\/self\/ns\/uts": setns: EINVAL \(Invalid argument\): the file is of no namespace of this type/,
    script: /Invalid argument/,
  },
  {
    name: 'mount-proc in a user namespace that shares the pid namespace',
    flags: ['--unshare', 'user', '--share', 'pid'],
    status: 125,
    ffi: /^nsgen: mount proc on \/proc: .*EPERM \(Operation not permitted\): .*use --no-proc/,
    script: /proc.*(Operation not permitted|permission denied)/,
  },
  {
    name: 'mount-proc in a rootfs without /proc',
    flags: ['--rootfs', '/proc/self/fdinfo'],
    status: 125,
    ffi: /^nsgen: mount proc on \/proc of the rootfs: mkdirat "proc": ENOENT .*: the rootfs needs a directory \/proc, or use --no-proc/,
    script: /mount proc on \/proc of the rootfs: failed/,
  },
  {
    name: 'mask-paths on a way that is a loop',
    flags: ['--mask', `${loop}/x`],
    status: 125,
    ffi: /^nsgen: mask ".*\/loop\/x": openat2 ".*\/loop\/x": ELOOP \(/,
    script: /^box\.sh: mask .*: failed$/m,
  },
  {
    name: 'read-only-paths on a way that is a loop',
    flags: ['--read-only-path', `${loop}/x`],
    status: 125,
    ffi: /^nsgen: make ".*\/loop\/x" read-only: openat2 ".*\/loop\/x": ELOOP \(/,
    script: /^box\.sh: make .* read-only: failed$/m,
  },
  {
    name: 'make-dev in a rootfs where nothing can be made',
    flags: ['--rootfs', '/proc/self/fdinfo', '--no-proc'],
    status: 125,
    ffi: /^nsgen: mount a \/dev with .*: mkdirat "dev": ENOENT \(/,
    script: /mount a \/dev with .*: failed/,
  },
  {
    name: 'offset-clocks that would make the clock negative',
    flags: ['--unshare', 'time', '--boottime=-9000000000'],
    status: 125,
    ffi: /^nsgen: new time namespace, monotonic clock \+0 s, boot time -9000000000 s: write .*: ERANGE \(/,
    script: /time/,
  },
  {
    name: 'open-rootfs that does not exist',
    flags: ['--rootfs', '/nonexistent'],
    status: 2,
    ffi: /^nsgen: rootfs: there is no directory "\/nonexistent"\n$/,
    script: /^nsgen: rootfs: there is no directory "\/nonexistent"\n$/,
  },
  {
    name: 'open-rootfs that is a file',
    flags: ['--rootfs', '/etc/passwd'],
    status: 2,
    ffi: /^nsgen: rootfs: there is no directory "\/etc\/passwd"\n$/,
    script: /^nsgen: rootfs: there is no directory "\/etc\/passwd"\n$/,
  },
  {
    name: 'copy-programs of which one is not there',
    flags: ['--with', 'ls', '--with', 'ls,nsgen-nonexistent'],
    status: 2,
    ffi: /^nsgen: rootfs\.from\[2\]: "nsgen-nonexistent": no such program in \S+\n$/,
    script: /^nsgen: rootfs\.from\[2\]: "nsgen-nonexistent": no such program in \S+\n$/,
  },
  {
    name: 'mount-overlay with a work directory that is used already',
    flags: ['--rootfs', '/usr', '--overlay-upper', '/proc/self/task', '--overlay-work', '/proc/self/ns'],
    status: 2,
    ffi: /^nsgen: overlay\.work: "\/proc\/self\/ns" is not empty \(it has "cgroup"\)/,
    script: /^nsgen: overlay\.work: "\/proc\/self\/ns" is not empty \(it has "cgroup"\)/,
  },
  {
    name: 'mount-overlay where nothing may be made',
    flags: ['--rootfs', '/usr', '--overlay-upper', '/proc/sys/nsgen-upper'],
    status: 125,
    ffi: /^nsgen: mount an overlay of "\/usr", changes kept in "\/proc\/sys\/nsgen-upper": mkdirat "\/proc\/sys\/nsgen-upper": ENOENT /,
    script: /cannot create directory '\/proc\/sys\/nsgen-upper'[\s\S]*mount an overlay of "\/usr".*: failed/,
  },
  {
    name: 'mount-proc after mount-overlay, where it may not be',
    flags: ['--rootfs', '/usr', '--overlay', '--unshare', 'user', '--share', 'pid'],
    status: 125,
    ffi: /^nsgen: mount proc on \/proc of the rootfs: .*EPERM/,
    script: /mount proc on \/proc of the rootfs: failed/,
  },
  {
    name: 'change-root to a file',
    flags: ['--rootfs', '/etc/passwd', '--chroot', '--no-proc'],
    status: 2,
    ffi: /^nsgen: rootfs: there is no directory "\/etc\/passwd"\n$/,
    script: /^nsgen: rootfs: there is no directory "\/etc\/passwd"\n$/,
  },
  {
    name: 'change-root without the right to',
    flags: ['--rootfs', '/usr', '--chroot', '--no-proc', '--share', 'user'],
    under: without('sys_chroot'),
    // unshare(1), by then the last program before the command, has no other status for its own failures.
    status: { ffi: 125, script: 1 },
    ffi: /^nsgen: chroot to "\/usr": chroot "\.": EPERM \(Operation not permitted\)/,
    script: /\/usr.*Operation not permitted/,
  },
  {
    name: 'pivot-root to a file',
    flags: ['--rootfs', '/etc/passwd', '--no-proc'],
    status: 2,
    ffi: /^nsgen: rootfs: there is no directory "\/etc\/passwd"\n$/,
    script: /^nsgen: rootfs: there is no directory "\/etc\/passwd"\n$/,
  },
  {
    name: 'mount-bind of what does not exist',
    flags: ['--bind', '/nonexistent:/mnt'],
    status: 125,
    ffi: /^nsgen: bind "\/nonexistent" on "\/mnt": open_tree "\/nonexistent": ENOENT .*: the source and the mount point must exist/,
    script: /\/nonexistent does not exist[\s\S]*bind "\/nonexistent" on "\/mnt": failed/,
  },
  {
    name: 'mount-bind where nothing exists',
    flags: ['--bind', '/etc:/nonexistent'],
    status: 125,
    ffi: /^nsgen: bind "\/etc" on "\/nonexistent": openat "\/nonexistent": ENOENT /,
    script: /\/nonexistent: mount point does not exist[\s\S]*bind "\/etc" on "\/nonexistent": failed/,
  },
  {
    name: 'mount-bind of a file on a directory',
    flags: ['--bind', '/etc/passwd:/mnt'],
    status: 125,
    ffi: /^nsgen: bind "\/etc\/passwd" on "\/mnt": move_mount: EINVAL \(Invalid argument\): a directory goes on a directory, a file on a file/,
    script: /Not a directory[\s\S]*bind "\/etc\/passwd" on "\/mnt": failed/,
  },
  {
    name: 'mount-bind of a directory on a file',
    flags: ['--bind', '/etc:/etc/passwd'],
    status: 125,
    ffi: /^nsgen: bind "\/etc" on "\/etc\/passwd": move_mount: EINVAL \(Invalid argument\): a directory goes on/,
    script: /not a directory[\s\S]*bind "\/etc" on "\/etc\/passwd": failed/,
  },
  {
    name: 'mount-tmpfs on a file',
    flags: ['--tmpfs', '/etc/passwd'],
    status: 125,
    ffi: /^nsgen: mount a tmpfs on "\/etc\/passwd", mode 1777: move_mount: EINVAL \(Invalid argument\): a tmpfs goes on a directory/,
    script: /not a directory[\s\S]*mount a tmpfs on "\/etc\/passwd", mode 1777: failed/,
  },
  {
    name: 'mount-tmpfs where nothing exists',
    flags: ['--tmpfs', '/nonexistent'],
    status: 125,
    ffi: /^nsgen: mount a tmpfs on "\/nonexistent", mode 1777: openat "\/nonexistent": ENOENT .*: the mount point must exist/,
    script: /does not exist[\s\S]*mount a tmpfs on "\/nonexistent", mode 1777: failed/,
  },
  {
    name: 'mount-tmpfs below a file',
    flags: ['--tmpfs', '/etc/passwd/below'],
    status: 125,
    ffi: /^nsgen: mount a tmpfs on "\/etc\/passwd\/below", mode 1777: openat "\/etc\/passwd\/below": ENOTDIR /,
    script: /mount a tmpfs on "\/etc\/passwd\/below", mode 1777: failed/,
  },
  ...[
    ['mount-sysfs', 'sysfs', 'mount sysfs on "%s"', 'sysfs goes on a directory'],
    ['mount-mqueue', 'mqueue', 'mount mqueue on "%s"', 'mqueue goes on a directory'],
    ['mount-devpts', 'devpts', 'mount devpts on "%s"', 'devpts goes on a directory'],
    ['mount-proc elsewhere', 'proc', 'mount proc on "%s"', 'proc goes on a directory, and the rootfs must be one'],
    ['mount-cgroup', 'cgroup', 'mount the cgroup hierarchies on "%s"', 'the cgroup hierarchies go on a directory'],
  ].flatMap(([kind = '', type = '', step = '', hint = '']): readonly Case[] => [
    {
      name: `${kind} on a file`,
      flags: ['--mount', `type=${type},dst=/etc/passwd`],
      status: 125,
      ffi: new RegExp(`^nsgen: ${step.replace('%s', '/etc/passwd')}.*: move_mount: (EINVAL|ENOTDIR) .*: ${hint}`),
      script: new RegExp(`${step.replace('%s', '/etc/passwd')}.*: failed`),
    },
    {
      name: `${kind} where nothing exists`,
      flags: ['--mount', `type=${type},dst=/nonexistent`],
      status: 125,
      ffi: new RegExp(`^nsgen: ${step.replace('%s', '/nonexistent')}.*: openat "/nonexistent": ENOENT `),
      script: new RegExp(`${step.replace('%s', '/nonexistent')}.*: failed`),
    },
  ]),
  {
    name: 'mount-sysfs in a user namespace that shares the network',
    flags: ['--unshare', 'user', '--share', 'net', '--mount', 'type=sysfs,dst=/mnt'],
    status: 125,
    ffi: /^nsgen: mount sysfs on "\/mnt", .*: EPERM .*: a user namespace may mount sysfs only with a net namespace of its own/,
    script: /mount sysfs on "\/mnt".*: failed/,
  },
  {
    name: 'mount-cgroup in a user namespace that shares the cgroup namespace',
    flags: ['--unshare', 'user', '--share', 'cgroup', '--mount', 'type=cgroup,dst=/mnt'],
    status: 125,
    ffi: /^nsgen: mount the cgroup hierarchies on "\/mnt", .*: EPERM .*: a user namespace may mount cgroups only with/,
    script: /mount the cgroup hierarchies on "\/mnt".*: failed/,
  },
  {
    name: 'mount-devpts with a gid that means nothing in the user namespace',
    flags: ['--unshare', 'user', '--mount', 'type=devpts,dst=/mnt,gid=5'],
    status: 125,
    ffi: /^nsgen: mount devpts on "\/mnt": fsconfig "gid" "5": EINVAL .*: the gid must have a meaning in the user namespace/,
    script: /mount devpts on "\/mnt": failed/,
  },
  {
    name: 'make-file where a directory is',
    flags: ['--rootfs', ground, '--add-file', `${notExecutable}:/directory`],
    status: 125,
    ffi: /^nsgen: write 10 bytes to "\/directory" of the rootfs, mode 644: unlinkat "directory": EISDIR .*: a directory of the rootfs has this name, and is not removed/,
    script: /Is a directory[\s\S]*write 10 bytes to "\/directory" of the rootfs, mode 644: failed/,
  },
  {
    name: 'make-file where files are no text, without telling what it holds',
    flags: ['--rootfs', ground, '--mount', 'type=mqueue,dst=/directory', '--add-file', `${large}:/directory/x`],
    status: 125,
    ffi: /^nsgen: write 60000 bytes to "\/directory\/x" of the rootfs, mode 644: write: E[A-Z]+ \([^x]*\)\n$/,
    script: /write 60000 bytes to "\/directory\/x" of the rootfs, mode 644: failed/,
  },
  {
    name: 'make-symlink below a file',
    flags: ['--rootfs', ground, '--symlink', 'x:/file/below'],
    status: 125,
    ffi: /^nsgen: make "\/file\/below" of the rootfs a symlink to "x": unlinkat "below": ENOTDIR .*: what leads there must be directories/,
    script: /Not a directory[\s\S]*make "\/file\/below" of the rootfs a symlink to "x": failed/i,
  },
  {
    name: 'make-file on a file system that is too small',
    flags: ['--rootfs', ground, '--tmpfs', '/directory:size=4k', '--add-file', `${large}:/directory/x`],
    status: 125,
    ffi: /^nsgen: write 60000 bytes to "\/directory\/x" of the rootfs, mode 644: lseek: EINVAL .*: it was not written whole: the file system is full/,
    script: /No space left on device[\s\S]*write 60000 bytes to .*: failed/,
  },
  {
    name: 'working-directory that does not exist',
    flags: ['-w', '/nonexistent'],
    status: 125,
    ffi: /^nsgen: change to the directory "\/nonexistent": chdir "\/nonexistent": ENOENT \(No such file or directory\)/,
    script: /No such file or directory[\s\S]*change to the directory "\/nonexistent": failed/,
  },
  {
    name: 'working-directory that is a file',
    flags: ['-w', '/etc/passwd'],
    status: 125,
    ffi: /^nsgen: change to the directory "\/etc\/passwd": chdir "\/etc\/passwd": ENOTDIR \(Not a directory\)/,
    script: /Not a directory[\s\S]*change to the directory "\/etc\/passwd": failed/,
  },
  {
    name: 'execute a name that is nowhere in PATH',
    flags: [],
    command: ['nsgen-nonexistent'],
    status: 127,
    ffi: /^nsgen: execute "nsgen-nonexistent": ENOENT \(No such file or directory\): no such program in the PATH of the box/,
    script: /nsgen-nonexistent.*: No such file or directory/,
  },
  {
    name: 'execute a path that does not exist',
    flags: [],
    command: ['/nonexistent'],
    status: 127,
    ffi: /^nsgen: execute "\/nonexistent": ENOENT .*: no such program in the box, or its interpreter is missing/,
    script: /\/nonexistent.*: No such file or directory/,
  },
  {
    name: 'execute a script whose interpreter is missing',
    flags: [],
    command: [noInterpreter],
    status: 127,
    ffi: /^nsgen: execute ".*no-interpreter": ENOENT .*: no such program in the box, or its interpreter is missing/,
    script: /no-interpreter.*: No such file or directory/,
  },
  {
    name: 'execute a file without permission',
    flags: [],
    command: [notExecutable],
    status: 126,
    ffi: /^nsgen: execute ".*not-executable": EACCES \(Permission denied\): /,
    script: /not-executable.*: Permission denied/,
  },
  {
    name: 'execute a directory',
    flags: [],
    command: ['/etc'],
    status: 126,
    ffi: /^nsgen: execute "\/etc": EACCES \(Permission denied\): /,
    script: /\/etc.*: Permission denied/,
  },
  {
    name: 'execute below a file',
    flags: [],
    command: ['/etc/passwd/below'],
    status: 126,
    ffi: /^nsgen: execute "\/etc\/passwd\/below": ENOTDIR \(Not a directory\)/,
    script: /\/etc\/passwd\/below.*: Not a directory/,
  },
  {
    name: 'execute a loop of symbolic links',
    flags: [],
    command: [loop],
    status: 126,
    ffi: /^nsgen: execute ".*loop": ELOOP \(/,
    script: /loop.*: Too many levels of symbolic links/,
  },
  {
    name: 'execute with an argument that is too long (the script fails at its own first step)',
    flags: ['-f', file('big.json', JSON.stringify({ command: ['true', 'x'.repeat(200_000)] }))],
    command: [],
    status: { ffi: 126, script: 125 },
    ffi: /^nsgen: execute "true": E2BIG \(/,
    script: /Argument list too long/,
  },
];

/** One line, ended by a newline, and nothing of a terminal's in it. */
const ONE_LINE = /^[^\p{Cc}]+\n$/u;

for (const backend of BACKEND_NAMES) {
  describe(`what cannot be started, ${backend}`, () => {
    let before: readonly string[] = [];
    beforeEach(() => {
      before = hostState();
    });
    afterEach(() => {
      assert.deepEqual(hostState(), before);
      assert.deepEqual(descendants(), []);
    });

    for (const item of CASES) {
      test(item.name, async () => {
        const finished = await runCase(item, backend);
        assert.match(finished.stderr, item[backend]);
        if (backend === 'ffi') assert.match(finished.stderr, ONE_LINE);
        const status = typeof item.status === 'number' ? item.status : item.status[backend];
        assert.deepEqual({ status: finished.status, stdout: finished.stdout }, { status, stdout: '' });
      });
    }

    test('a hundred failures leave no descriptor and no process', async () => {
      const rounds = backend === 'ffi' ? 100 : 20;
      const boxes: readonly BoxInput[] = [
        { command: ['/nonexistent'] },
        { command: ['true'], cwd: '/nonexistent' },
        { command: ['true'], rootfs: '/nonexistent' },
        { command: ['true'], namespaces: { net: '/proc/4194305/ns/net' } },
      ];
      await failOnce(boxes[0] ?? { command: [] }, backend);
      const open = readdirSync('/proc/self/fd').length;
      for (let round = 0; round < rounds; round++) {
        const exitStatus = await failOnce(boxes[round % boxes.length] ?? { command: [] }, backend);
        assert.ok([2, 125, 127].includes(exitStatus), String(exitStatus));
        assert.deepEqual(descendants(), []);
      }
      assert.equal(readdirSync('/proc/self/fd').length, open);
    });
  });
}

function runCase({ flags, command = ['true'], under = [] }: Case, backend: BackendName): Promise<Finished> {
  const [program = '', ...args] = [
    ...under,
    ...[process.execPath, nsgenPath, 'run', '--backend', backend, ...flags],
    ...(command.length === 0 ? [] : ['--', ...command]),
  ];
  return execute(program, args);
}

/** The ffi backend rejects; a script is under way by the time anything fails, and its box ends with the same status. */
async function failOnce(box: BoxInput, backend: BackendName): Promise<number> {
  try {
    const running = await start(box, { backend, stdin: 'pipe', stdout: 'pipe', stderr: 'pipe' });
    running.stdin?.on('error', () => {}).end();
    running.stdout?.resume();
    running.stderr?.resume();
    const { exitStatus } = await running.ended;
    await new Promise(resolve => setImmediate(resolve));
    return exitStatus;
  } catch (error) {
    if (error instanceof BoxError) return 2;
    if (error instanceof StartError) return error.exitStatus;
    throw error;
  }
}
