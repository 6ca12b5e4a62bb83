import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { type GivenFlags, parseArguments } from '../src/cli/arguments.js';
import { BOX_FLAGS, HELP_FLAG } from '../src/cli/flags.js';
import { execute, nsgen, nsgenPath } from './support/cli.js';
import { ownDirectory } from './support/own-directory.js';
import { assertLines, type Lines } from './support/refusal.js';

const directory = ownDirectory('arguments');
const file = (name: string, content: string | Uint8Array): string => {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
};
const yaml = file('box.yaml', 'command: [echo, from the file]\nenv: {A: file, B: file}\nhostname: file\n');

/** A command line that is refused: each line on stderr after `nsgen: `, whole. */
interface Refused {
  readonly args: readonly string[];
  readonly lines: Lines;
}

const DEFAULT_ENVIRONMENT = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\nHOME=/root\n';
const NO_TMPFS_OPTION = 'is no option of a tmpfs (size=N, mode=M, nr_inodes=N, ro, noexec)';
const NO_TYPE = 'is no namespace type (cgroup, ipc, mount, net, pid, time, user, uts)';
const looksLikeFlag = (flag: string, value: string) =>
  `--${flag}: needs a value; ${JSON.stringify(value)} looks like a flag (if it is meant, write --${flag}=${value})`;

const REFUSED: readonly Refused[] = [
  { args: [], lines: ['command: is missing'] },
  { args: ['--'], lines: ['command: is missing'] },
  { args: [''], lines: ['command: the program (the first word) must not be empty'] },
  { args: ['--bogus', 'true'], lines: ['--bogus: there is no such flag (see --help)'] },
  { args: ['-x', 'true'], lines: ['-x: there is no such flag (see --help)'] },
  { args: ['--toString', 'true'], lines: ['--toString: there is no such flag (see --help)'] },
  { args: ['--__proto__=x', 'true'], lines: ['--__proto__: there is no such flag (see --help)'] },
  {
    args: ['-xy', 'true'],
    lines: ['-x: there is no such flag (see --help)', '-y: there is no such flag (see --help)'],
  },
  { args: ['-e'], lines: ['--env: needs a value'] },
  { args: ['--rootfs'], lines: ['--rootfs: needs a value'] },
  { args: ['-e', '--', 'ls'], lines: [looksLikeFlag('env', '--')] },
  { args: ['--hostname', '--proc', 'true'], lines: [looksLikeFlag('hostname', '--proc')] },
  { args: ['--proc=yes', 'true'], lines: ['--proc: takes no value'] },
  { args: ['--proc', '--proc', 'true'], lines: ['--proc: is given more than once'] },
  { args: ['--hostname', 'a', '--hostname=b', 'true'], lines: ['--hostname: is given more than once'] },
  { args: ['-w', '/', '--workdir', '/', 'true'], lines: ['--workdir: is given more than once'] },
  { args: ['--hostname=', 'true'], lines: ['hostname: must not be empty'] },
  { args: ['--hostname', 'a\nb', 'true'], lines: ['hostname: must not contain control characters'] },
  { args: ['--hostname', 'é'.repeat(33), 'true'], lines: ['hostname: must be at most 64 bytes long'] },
  { args: ['--workdir', 'tmp', 'true'], lines: ['cwd: must be an absolute path (it does not start with "/")'] },
  { args: ['--workdir', '', 'true'], lines: ['cwd: must be an absolute path (it does not start with "/")'] },
  { args: ['--rootfs', '', 'true'], lines: ['--rootfs: must not be empty'] },
  {
    args: ['--rootfs=/', 'true'],
    lines: ['rootfs: must not be "/": without a rootfs, the root of the host is the root'],
  },
  {
    args: ['--overlay-upper', '', '--overlay-lower=', '--overlay-work=', '--rootfs', '/r', 'true'],
    lines: ['upper', 'work', 'lower'].map(name => `--overlay-${name}: must not be empty`),
  },
  { args: ['--overlay', 'true'], lines: ['overlay: needs a rootfs, or lower directories'] },
  { args: ['--chroot', 'true'], lines: ['--chroot: needs --rootfs'] },
  { args: ['--read-only', 'true'], lines: ['--read-only: needs --rootfs'] },
  { args: ['--dev', 'true'], lines: ['dev: needs a rootfs: without one, /dev is that of the host'] },
  { args: ['--dev', '--no-dev', '--rootfs', 'x', 'true'], lines: ['--no-dev: contradicts --dev'] },
  { args: ['--mask', 'x', 'true'], lines: ['--mask: "x" must be an absolute path (it does not start with "/")'] },
  {
    args: ['--read-only-path', '/', 'true'],
    lines: ['readonlyPaths[0]: must not be "/": the root itself is the field rootfs'],
  },
  { args: ['--unshare', 'pid,', 'true'], lines: [`--unshare: "" ${NO_TYPE}`] },
  { args: ['--unshare', 'toString', 'true'], lines: [`--unshare: "toString" ${NO_TYPE}`] },
  {
    args: ['--unshare', 'mnt', '--share', 'x', 'true'],
    lines: [`--unshare: "mnt" ${NO_TYPE}`, `--share: "x" ${NO_TYPE}`],
  },
  {
    args: ['--unshare', 'pid', '--share', 'pid', 'true'],
    lines: ['--share: the pid namespace is asked for in two ways'],
  },
  {
    args: ['--unshare', 'net', '--join', 'net:/proc/1/ns/net', 'true'],
    lines: ['--join: the net namespace is asked for in two ways'],
  },
  {
    args: ['--join', 'net:/proc/1/ns/net', '--join', 'net:/proc/2/ns/net', 'true'],
    lines: ['--join: the net namespace is asked for in two ways'],
  },
  { args: ['--join', 'net', 'true'], lines: ['--join: "net" is not TYPE:PATH'] },
  { args: ['--join', 'net:', 'true'], lines: ['--join: "net:" is not TYPE:PATH'] },
  { args: ['--join', '/proc/1/ns/net', 'true'], lines: ['--join: "/proc/1/ns/net" is not TYPE:PATH'] },
  {
    args: ['--proc', '--no-proc', '--loopback', '--no-loopback', 'true'],
    lines: ['--no-proc: contradicts --proc', '--no-loopback: contradicts --loopback'],
  },
  { args: ['--monotonic', '1.5', 'true'], lines: ['--monotonic: must be a whole number of seconds'] },
  { args: ['--boottime', '0x10', 'true'], lines: ['--boottime: must be a whole number of seconds'] },
  {
    args: ['--unshare', 'time', '--monotonic', '9999999999', 'true'],
    lines: ['timeOffsets.monotonic: must be at most 9000000000'],
  },
  { args: ['-e', '', 'true'], lines: ['--env: must be NAME or NAME=VALUE, not empty'] },
  { args: ['-e', '=x', 'true'], lines: ['env[""]: the name of a variable must not be empty'] },
  ...['NSGEN_UNSET', 'toString', '__proto__', 'constructor'].map(name => ({
    args: ['-e', name, 'true'],
    lines: [`--env: "${name}" is not set here: give it a value, ${name}=...`],
  })),
  ...['/a', '/a:', ':/b', '/a:/b:ro:'].map(value => ({
    args: ['--bind', value, 'true'],
    lines: [`--bind: ${JSON.stringify(value)} is not SRC:DST[:ro] (a path with ":" in it goes into a file, -f)`],
  })),
  ...['rx', '', 'toString', 'rw=1', 'recursive'].map(option => ({
    args: ['--bind', `/a:/b:${option}`, 'true'],
    lines: [`--bind: ${JSON.stringify(option)} is no option of a bind (ro, nosuid, nodev, noexec, bind, rslave, ...)`],
  })),
  ...[
    ['ro,rw', 'rw'],
    ['private,rslave', 'rslave'],
    ['nosuid,suid', 'suid'],
  ].map(([options, second]) => ({
    args: ['--bind', `/a:/b:${options}`, 'true'],
    lines: [`--bind: ${JSON.stringify(second)} is given more than once`],
  })),
  ...['', 'type', 'type=', 'src'].map(word => ({
    args: ['--mount', `type=proc,dst=/x,${word}`, 'true'],
    lines: [`--mount: ${JSON.stringify(word)} is not KEY=VALUE (type=bind,source=/a,destination=/b,readonly)`],
  })),
  ...['volume-opt', 'toString', '__proto__'].map(key => ({
    args: ['--mount', `type=proc,dst=/x,${key}=y`, 'true'],
    lines: [
      `--mount: ${JSON.stringify(key)} is no key of a mount (type, source, destination, readonly, tmpfs-size, ...)`,
    ],
  })),
  {
    args: ['--mount', 'type=proc,dst=/x,target=/y,ro=yes', 'true'],
    lines: ['--mount: "target=/y" is given more than once', '--mount: "ro=yes": must be true or false'],
  },
  {
    args: ['--mount', 'type=bind,"src=/a', 'true'],
    lines: ['--mount: "type=bind,\\"src=/a" has a quotation mark that is not closed'],
  },
  {
    args: ['--mount', 'type=proc,dst=/x,tmpfs-size=1m', '--mount', 'dst=/y', '--mount', 'type=volume,dst=/y', 'true'],
    lines: [
      'mounts[0].size: is not a field of a box',
      'mounts[1].type: is missing',
      /^mounts\[2\]\.type: must be "bind" or "tmpfs" or .* or "cgroup"; it is "volume"$/,
    ],
  },
  {
    args: ['--symlink', 'a', '--symlink', ':/x', '--symlink', 'a:/b:c', '--add-file', '/etc/passwd', 'true'],
    lines: [
      ...['a', ':/x', 'a:/b:c'].map(
        value => `--symlink: "${value}" is not TARGET:DST (a path with ":" in it goes into a file, -f)`,
      ),
      '--add-file: "/etc/passwd" is not SRC:DST[:MODE] (a path with ":" in it goes into a file, -f)',
    ],
  },
  {
    args: ['--symlink', 'a:/b', '--add-file', '/nonexistent:/x', 'true'],
    lines: [
      /^--add-file: cannot read "\/nonexistent": ENOENT/,
      'symlinks: needs a rootfs; without one, it would be written into the tree of the host',
    ],
  },
  {
    args: ['--add-file', `${file('latin1', new Uint8Array([0xff]))}:/x`, 'true'],
    lines: [/^--add-file: cannot read ".*\/latin1": The encoded data was not valid/],
  },
  {
    args: ['--bind', 'a:b', 'true'],
    lines: ['mounts[0].destination: must be an absolute path (it does not start with "/")'],
  },
  {
    args: ['--tmpfs', '', 'true'],
    lines: ['mounts[0].destination: must be an absolute path (it does not start with "/")'],
  },
  {
    args: ['--tmpfs', '/', 'true'],
    lines: ['mounts[0].destination: must not be "/": the root itself is the field rootfs'],
  },
  ...['size', 'size=', '', 'uid=0', 'toString=1'].map(option => ({
    args: ['--tmpfs', `/x:${option}`, 'true'],
    lines: [`--tmpfs: ${JSON.stringify(option)} ${NO_TMPFS_OPTION}`],
  })),
  { args: ['--tmpfs', '/x:size=1m,size=2m', 'true'], lines: ['--tmpfs: "size=2m" is given more than once'] },
  {
    args: ['--tmpfs', '/x:size=1=2', 'true'],
    lines: ['mounts[0].size: must be a size as tmpfs(5) takes it: "16m", "1g", "50%"'],
  },
  { args: ['--backend', 'docker', 'true'], lines: ['--backend: must be one of ffi, script'] },
  {
    args: ['--bogus', '--hostname', '--proc', '-e'],
    lines: ['--bogus: there is no such flag (see --help)', looksLikeFlag('hostname', '--proc'), '--env: needs a value'],
  },
  {
    args: ['--unshare', 'x', '--hostname', '', '--share', 'mount', '--tmpfs', 'a:b', '--propagation', 'none'],
    lines: [
      `--unshare: "x" ${NO_TYPE}`,
      `--tmpfs: "b" ${NO_TMPFS_OPTION}`,
      'command: is missing',
      'hostname: must not be empty',
      'propagation: must be "private" or "slave" or "shared" or "unchanged"; it is "none"',
      'mounts[0].destination: must be an absolute path (it does not start with "/")',
    ],
  },
  { args: ['-f', '/nonexistent', 'true'], lines: [/^cannot read the box from \/nonexistent: ENOENT/] },
  { args: ['-f', directory, 'true'], lines: [/^cannot read the box from .*: EISDIR/] },
  { args: ['-f', '', 'true'], lines: [/^cannot read the box from : ENOENT/] },
];

describe('command lines that are refused, each problem by its field', () => {
  for (const { args, lines } of REFUSED) {
    test(JSON.stringify(args), async () => {
      const { status, stdout, stderr } = await nsgen(['run', ...args]);
      assertLines(stderr, lines);
      assert.deepEqual({ status, stdout }, { status: 2, stdout: '' });
    });
  }

  test('by every subcommand', async () => {
    for (const subcommand of ['run', 'script', 'plan', 'compare']) {
      const { status, stdout, stderr } = await nsgen([subcommand, '--hostname=', '--share', 'uts']);
      assert.deepEqual(
        { status, stdout, stderr },
        { status: 2, stdout: '', stderr: 'nsgen: command: is missing\nnsgen: hostname: must not be empty\n' },
        subcommand,
      );
    }
  });

  for (const name of ['start', 'toString', '__proto__', '', '-x']) {
    test(`there is no subcommand ${JSON.stringify(name)}`, async () => {
      const { status, stdout, stderr } = await nsgen([name, 'true']);
      assert.equal(
        stderr,
        `nsgen: there is no command ${JSON.stringify(name)} (run, script, plan, compare, rootfs, init, exec, top, ps, stop, kill, wait, logs, rm, inspect, prune; see nsgen --help)\n`,
      );
      assert.deepEqual({ status, stdout }, { status: 2, stdout: '' });
    });
  }

  // A shell, because Node can pass on no bytes that are not UTF-8.
  const bytes = (script: string) => execute('sh', ['-c', script, process.execPath, nsgenPath]);
  const INVALID = 'an argument is not valid UTF-8, and would not reach the command unchanged';
  const CASES: readonly (readonly [script: string, line: string])[] = [
    [`exec "$0" "$1" run echo "$(printf '\\377')"`, INVALID],
    [`exec "$0" "$1" run -e "A=$(printf '\\303')" true`, INVALID],
    [`exec "$0" "$1" run -e "$(printf 'A\\300\\200')" true`, INVALID],
    [`exec "$0" "$1" "$(printf 'r\\355\\240\\200n')"`, INVALID],
    [
      `A=$(printf 'x\\377'); export A; exec "$0" "$1" run -e A true`,
      '--env: the value of "A" is not valid UTF-8, and would not arrive unchanged',
    ],
  ];
  for (const [script, line] of CASES) {
    test(`bytes that are not UTF-8: ${script}`, async () => {
      const { status, stdout, stderr } = await bytes(script);
      assert.deepEqual({ status, stdout, stderr }, { status: 2, stdout: '', stderr: `nsgen: ${line}\n` });
    });
  }

  test('U+FFFD itself is a character like any other', async () => {
    const env = { ...process.env, A: '\ufffd', B: '\ufffd' };
    const inside = ['sh', '-c', 'printf "%s|" "$A" "$1"', 'sh', '\ufffd'];
    const script = `B=$(printf '\\377'); export B; exec "$0" "$@"`;
    const args = ['-c', script, process.execPath, nsgenPath, 'run', '-e', 'A', ...inside];
    const { status, stdout, stderr } = await execute('sh', args, { env });
    assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: '\ufffd|\ufffd|', stderr: '' });
  });
});

describe('command lines that are taken', () => {
  const parse = (...args: string[]) => parseArguments(args, { ...BOX_FLAGS, ...HELP_FLAG });
  const valuesOf = (flags: GivenFlags) => ({
    help: flags.has('help'),
    env: flags.all('env'),
    hostname: flags.one('hostname'),
  });

  const TAKEN: readonly (readonly [args: readonly string[], command: readonly string[], flags: object])[] = [
    [['ls', '-h'], ['ls', '-h'], {}],
    [['--', 'ls', '-h'], ['ls', '-h'], {}],
    [['--', '--help'], ['--help'], {}],
    [['--', '--', '--help'], ['--', '--help'], {}],
    [['ls', '--', '-h'], ['ls', '--', '-h'], {}],
    [['-h', 'ls'], ['ls'], { help: true }],
    [['--hostname', 'a', 'ls', '--hostname', 'b'], ['ls', '--hostname', 'b'], { hostname: 'a' }],
    [['--hostname=--proc', 'ls'], ['ls'], { hostname: '--proc' }],
    [['--hostname=a=b', 'ls'], ['ls'], { hostname: 'a=b' }],
    [['--hostname', '-', 'ls'], ['ls'], { hostname: '-' }],
    [['-e', 'A=1', '-eB=2', '--env', 'C', '--env=D=', 'ls'], ['ls'], { env: ['A=1', 'B=2', 'C', 'D='] }],
    [['-e', 'A=-h', '-h', '-'], ['-'], { env: ['A=-h'], help: true }],
    [['', '-h'], ['', '-h'], {}],
  ];
  for (const [args, command, flags] of TAKEN) {
    test(JSON.stringify(args), () => {
      const parsed = parse(...args);
      assert.deepEqual(parsed.command, command);
      assert.deepEqual(valuesOf(parsed.flags), { help: false, env: [], hostname: undefined, ...flags });
    });
  }

  test('help is for nsgen before the command, and for the command after it', async () => {
    for (const args of [['run', '--help'], ['run', '-h', 'ls'], ['script', '--help'], ['--help']]) {
      const { status, stdout, stderr } = await nsgen(args);
      assert.match(stdout, /USAGE/);
      assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
    }
    const touch = await nsgen(['run', 'touch', '--help']);
    assert.match(touch.stdout, /^Usage: touch /);
    const missing = await nsgen(['run', '--', '--help']);
    assert.equal(missing.status, 127);
  });

  const FLAGS: readonly (readonly [args: readonly string[], command: readonly string[], stdout: string])[] = [
    [['-f', yaml], [], 'from the file\n'],
    [['-f', yaml], ['sh', '-c', 'echo "$A $B $(hostname)"'], 'file file file\n'],
    [['-f', yaml, '-e', 'A=flag', '--hostname', 'flag'], ['sh', '-c', 'echo "$A $B $(hostname)"'], 'flag file flag\n'],
    [['-e', 'A=1', '-e', 'A=2=3'], ['sh', '-c', 'echo "$A"'], '2=3\n'],
    [['-e', '__proto__=x', '-e', 'toString=y'], ['env'], `${DEFAULT_ENVIRONMENT}__proto__=x\ntoString=y\n`],
    [['--env=-x=1', '--env=a b=2'], ['env'], `${DEFAULT_ENVIRONMENT}-x=1\na b=2\n`],
    [
      [],
      ['printf', '%s|', '-n', '$(id)', '`id`', "it's", 'a\nb', '', '--', '日本', 'x'.repeat(4096)],
      `-n|$(id)|\`id\`|it's|a\nb||--|日本|${'x'.repeat(4096)}|`,
    ],
  ];
  for (const [args, command, stdout] of FLAGS) {
    for (const backend of ['ffi', 'script']) {
      test(`${JSON.stringify([...args, ...command]).slice(0, 200)}, ${backend}`, async () => {
        const finished = await nsgen(['run', '--backend', backend, ...args, '--', ...command]);
        assert.deepEqual(finished, { status: 0, signal: null, stdout, stderr: '' });
      });
    }
  }
});
