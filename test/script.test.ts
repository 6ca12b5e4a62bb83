import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { BACKEND_NAMES, type BoxInput, script } from '../src/index.js';
import { type Finished, nsgen, nsgenPath, execute as run } from './support/cli.js';
import { assertClean } from './support/lint.js';
import { ownDirectory } from './support/own-directory.js';
import { makeRootfs, removeRootfs } from './support/rootfs.js';

const directory = ownDirectory('script');
const DEFAULT = await script({ command: ['echo', 'from the box'] });
const defaultFile = join(directory, 'box.sh');
writeFileSync(defaultFile, DEFAULT, { mode: 0o755 });

const outcome = ({ status, stdout, stderr }: Finished) => ({ status, stdout, stderr });
const said = (stdout: string) => ({ status: 0, stdout, stderr: '' });

describe('a script as people start it', () => {
  test('as a file, by bash or by itself', async () => {
    assert.deepEqual(outcome(await run('bash', [defaultFile])), said('from the box\n'));
    assert.deepEqual(outcome(await run(defaultFile, [])), said('from the box\n'));
  });

  test('with another command', async () => {
    assert.deepEqual(outcome(await run(defaultFile, ['echo', '-n', 'other'])), said('other'));
    assert.deepEqual(outcome(await run(defaultFile, ['--', 'printf', '%s', '--help'])), said('--help'));
    assert.deepEqual(outcome(await run(defaultFile, ['sh', '-c', 'echo $$; exit 3'])), { ...said('1\n'), status: 3 });
    const awkward = ['$(id)', '`id`', "'", '"', '\\', 'a\nb', '', '日本', '--', '-n'];
    const printed = await run(defaultFile, ['printf', '%s|', ...awkward]);
    assert.deepEqual(outcome(printed), said(awkward.map(word => `${word}|`).join('')));
  });

  test('from a pipe', async () => {
    assert.deepEqual(outcome(await run('bash', [], { input: DEFAULT })), said('from the box\n'));
    assert.deepEqual(outcome(await run('bash', ['-s', '--', 'echo', 'other'], { input: DEFAULT })), said('other\n'));
    assert.deepEqual(outcome(await run('bash', ['-s', '--', 'false'], { input: DEFAULT })), { ...said(''), status: 1 });
  });

  test('what follows it in the pipe is for the command, and is never run', async () => {
    const input = `${DEFAULT}echo one\necho two\n`;
    assert.deepEqual(outcome(await run('bash', ['-s', '--', 'cat'], { input })), said('echo one\necho two\n'));
    const half = await run('bash', ['-s', '--', 'sh', '-c', 'read line && echo "$line"'], { input });
    assert.deepEqual(outcome(half), said('echo one\n'));
    assert.deepEqual(outcome(await run('bash', ['-s'], { input })), said('from the box\n'));
  });

  test('--help says how, and what the command is', async () => {
    const { status, stdout, stderr } = await run(defaultFile, ['--help']);
    assert.match(stdout, /^usage: box\.sh \[--dry-run\] \[--help\] \[--\] \[COMMAND \[ARGUMENT\.\.\.\]\]\n/);
    assert.match(stdout, /echo 'from the box'/);
    assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
  });

  test('--dry-run prints the commands, all of them, and runs none', async () => {
    const marker = join(directory, 'made');
    const text = await script({
      command: ['touch', marker],
      rootfs: '/usr',
      mounts: [{ type: 'bind', source: '/etc', destination: '/share', readOnly: true }],
    });
    const { status, stdout, stderr } = await run('bash', ['-s', '--', '--dry-run'], { input: text });
    assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
    for (const part of [/^enter \(\)/m, /^find_in_root \(\)/m, /^add_mount_flags \(\)/m, /unshare .*--fork .*touch /]) {
      assert.match(stdout, part);
    }
    assert.equal((await run('test', ['-e', marker])).status, 1);
    const other = await run(defaultFile, ['--dry-run', 'ps', '-e f']);
    assert.match(other.stdout, /ps -e\\ f \n$/);
  });

  test('an unknown option is refused, with the way to give it to the command', async () => {
    const { status, stdout, stderr } = await run(defaultFile, ['-x']);
    assert.equal(stderr, 'box.sh: unknown option -x (a command that starts with "-" goes after "--")\n');
    assert.deepEqual({ status, stdout }, { status: 2, stdout: '' });
  });

  test('another shell says so', async () => {
    const { status, stdout, stderr } = await run('dash', [defaultFile]);
    assert.deepEqual(
      { status, stdout, stderr },
      { status: 125, stdout: '', stderr: 'box.sh: needs bash: run it as "bash box.sh"\n' },
    );
  });
});

describe('what the caller has set changes nothing', () => {
  test('functions that are exported', async () => {
    const names = ['ip', 'unshare', 'setpriv', 'env', 'mount', 'unset', 'builtin', 'read', 'declare', 'printf', 'exec'];
    names.push(
      'hash',
      'set',
      'local',
      'trap',
      'ulimit',
      'umask',
      'exit',
      'export',
      'kill',
      'wait',
      'echo',
      'shift',
      'die',
    );
    const functions = Object.fromEntries(
      names.map(name => [`BASH_FUNC_${name}%%`, '() { /bin/echo "$FUNCNAME" ran; }']),
    );
    const finished = await run('bash', [defaultFile], { env: { ...process.env, ...functions } });
    assert.deepEqual(outcome(finished), said('from the box\n'));
  });

  test('variables that bash obeys', async () => {
    const startup = join(directory, 'startup');
    writeFileSync(startup, 'echo startup ran\n');
    const env = { PATH: '/nonexistent', IFS: 'o', BASH_ENV: startup, ENV: startup, CDPATH: '/', POSIXLY_CORRECT: '1' };
    const finished = await run('/bin/bash', [defaultFile], {
      env: { ...env, GLOBIGNORE: '*', LC_ALL: 'C.UTF-8', HOME: directory },
    });
    assert.deepEqual(outcome(finished), said('from the box\n'));
  });
});

describe('what a script needs is checked before it changes anything', () => {
  const hidden = async (tool: string, text: string) => {
    const hide =
      'for file in $(type -ap "$0"); do mount --bind /dev/null "$(realpath "$file")"; done 2>/dev/null; exec bash -s';
    return run('unshare', ['--mount', '--propagation', 'private', 'bash', '-c', hide, tool], { input: text });
  };

  test('a host without a tool', async () => {
    assert.deepEqual(outcome(await hidden('ip', DEFAULT)), {
      status: 125,
      stdout: '',
      stderr: 'box.sh: these programs are missing: ip (packages: coreutils, iproute2, util-linux)\n',
    });
    const named = await script({ command: ['true'], hostname: 'x' });
    for (const tool of ['hostname', 'unshare', 'env']) {
      const { status, stdout, stderr } = await hidden(tool, named);
      assert.match(stderr, new RegExp(`^box\\.sh: these programs are missing: ${tool} \\(packages: .*\\)\\n$`));
      assert.deepEqual({ status, stdout }, { status: 125, stdout: '' });
    }
  });

  test('a kernel without a namespace type', async () => {
    assert.match(DEFAULT, /^ {2}check_kernel cgroup ipc mnt net pid uts$/m);
    const { status, stdout, stderr } = await run('bash', [], {
      input: DEFAULT.replace(/^ {2}check_kernel .*$/m, '  check_kernel pid future uts'),
    });
    assert.deepEqual({ status, stdout }, { status: 125, stdout: '' });
    assert.equal(stderr, 'box.sh: this kernel has no future namespaces (there is no /proc/self/ns/future)\n');
  });

  test('an ordinary user, where user namespaces are used up or switched off', async () => {
    // The user is ordinary, and the limit its own, inside a user namespace of the test's.
    const ordinary = (limit: number, program: readonly string[], input: string) => {
      const prepare = `echo ${limit} >/proc/sys/user/max_user_namespaces && exec setpriv --inh-caps=-all --ambient-caps=-all "$@"`;
      const options = ['--user', '--map-user=1000', '--map-group=1000', '--keep-caps'];
      return run('unshare', [...options, 'sh', '-c', prepare, 'sh', ...program], { input });
    };
    const works = await ordinary(10, ['bash'], DEFAULT);
    assert.deepEqual(outcome(works), said('from the box\n'));
    const { status, stdout, stderr } = await ordinary(0, ['bash'], DEFAULT);
    assert.deepEqual({ status, stdout }, { status: 125, stdout: '' });
    assert.equal(
      stderr,
      'box.sh: user namespaces are switched off: /proc/sys/user/max_user_namespaces is 0. Run this as root, or let an administrator set it\n',
    );
    const direct = await ordinary(0, [process.execPath, nsgenPath, 'run', 'true'], '');
    assert.match(direct.stderr, /^nsgen: [^\n]*ENOSPC[^\n]*\/proc\/sys\/user\/max_[^\n]*\n$/);
    assert.deepEqual({ status: direct.status, stdout: direct.stdout }, { status: 125, stdout: '' });
  });

  test('root in a container without CAP_SYS_ADMIN', async () => {
    const finished = await run('setpriv', ['--bounding-set', '-sys_admin', 'bash'], { input: DEFAULT });
    assert.deepEqual(outcome(finished), {
      status: 125,
      stdout: '',
      stderr:
        'box.sh: not permitted (EPERM): namespaces need root with CAP_SYS_ADMIN, or a box with a user namespace\n',
    });
  });
});

describe('found by reading and by random strings; each by both backends', () => {
  const rootfs = makeRootfs(['sh', 'true', 'echo'], ['proc', 'place', 'dev']);
  after(() => removeRootfs(rootfs));
  const source = join(directory, 'source');
  mkdirSync(source);
  const link = join(directory, 'link');
  symlinkSync(rootfs, link);
  const places = ['plain', 'a 7', 'a\t7', 'a\n7', 'a\\7', 'a\\040', 'tail ', '*', '[a]', '?', '日本 1'].map(name => {
    const place = join(directory, 'places', name);
    mkdirSync(place, { recursive: true });
    return place;
  });

  const start = (box: BoxInput, backend: string) =>
    nsgen(['run', '--backend', backend, '-f', '-'], { input: JSON.stringify(box) });

  for (const backend of BACKEND_NAMES) {
    test(`read-only is read-only, whatever the place is called, ${backend}`, async () => {
      const write = (place: string, root: string | undefined): BoxInput => ({
        command: ['sh', '-c', ': >"$1/written" || exit 7', 'sh', place],
        mounts: [{ type: 'bind', source, destination: place, readOnly: true }],
        ...(root === undefined ? {} : { rootfs: root }),
      });
      const spellings = [rootfs, `${rootfs}/`, `${rootfs}/.`, `${rootfs}/proc/..`, `/${rootfs}`, link];
      const boxes = [...places.map(place => write(place, undefined)), ...spellings.map(root => write('/place', root))];
      for (const box of boxes) {
        const { status, stderr } = await start(box, backend);
        assert.match(stderr, /Read-only file system/, JSON.stringify(box));
        assert.notEqual(status, 0);
      }
      assert.equal((await run('test', ['-e', join(source, 'written')])).status, 1);
    });

    test(`a fresh /proc and mounts in a rootfs entered by chroot, ${backend}`, async () => {
      const box: BoxInput = {
        command: ['sh', '-c', 'read pid rest </proc/self/stat; echo "$pid $(echo /place/*)"'],
        rootfs: { path: rootfs, change: 'chroot' },
        mounts: [{ type: 'bind', source: '/etc', destination: '/place' }],
      };
      const { status, stdout, stderr } = await start(box, backend);
      assert.match(stdout, /^1 .*\/place\/passwd/);
      assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
    });

    test(`LD_PRELOAD is for the command, not for what starts it, ${backend}`, async () => {
      for (const namespaces of [{}, { uts: 'shared', net: 'shared' }] as const) {
        const box: BoxInput = {
          command: ['true'],
          env: { LD_PRELOAD: '/nonexistent.so' },
          namespaces,
          loopback: false,
        };
        const { status, stderr } = await start(box, backend);
        assert.equal(stderr.match(/\/nonexistent\.so/g)?.length, 1, stderr);
        assert.equal(status, 0);
      }
    });
  }

  test('a command that begins with a dash is no option of what starts it', async () => {
    const programs = join(rootfs, 'programs');
    mkdirSync(programs);
    for (const name of ['--help', '-x', '--', 'a=b', '-']) symlinkSync('/bin/echo', join(programs, name));
    const own = { uts: 'shared', net: 'shared' } as const;
    const worlds: Partial<BoxInput>[] = [
      ...[{}, { namespaces: own }, { namespaces: { mount: `/proc/${process.pid}/ns/mnt` } }].map(world => ({
        ...world,
        env: { PATH: programs },
      })),
      ...[{}, { namespaces: own }].flatMap(world =>
        (['chroot', 'pivot_root'] as const).map(change => ({
          ...world,
          rootfs: { path: rootfs, change },
          env: { PATH: '/programs' },
        })),
      ),
    ];
    for (const backend of BACKEND_NAMES) {
      for (const world of worlds) {
        for (const name of ['--help', '-x', '--', 'a=b', '-']) {
          const box: BoxInput = { loopback: false, ...world, command: [name, 'x', name] };
          const finished = await start(box, backend);
          assert.deepEqual(outcome(finished), said(`x ${name}\n`), `${backend} ${JSON.stringify(box)}`);
        }
      }
    }
  });

  test('with another root, the script refuses what would act outside it, by name', async () => {
    const followed = { LD_PRELOAD: '/x.so', GLIBC_TUNABLES: 'x=y', GCONV_PATH: '/x', LOCPATH: '/x', LANGUAGE: '../x' };
    const box: BoxInput = { command: ['true'], rootfs, env: { ...followed, LDX: '', LC_ALL: 'C.UTF-8' } };
    assert.equal((await start(box, 'ffi')).status, 0);
    const { status, stdout, stderr } = await start(box, 'script');
    const named = stderr.match(/(?<=^nsgen: env\.)\w+(?=: the script cannot )/gm);
    assert.deepEqual({ status, stdout, named }, { status: 2, stdout: '', named: Object.keys(followed) });
  });

  test('a missing rootfs is refused as a field of the box', async () => {
    const missing = join(directory, 'no "such"\nplace');
    const line = `rootfs: there is no directory ${JSON.stringify(missing)}`;
    for (const backend of BACKEND_NAMES) {
      const finished = await start({ command: ['true'], rootfs: missing }, backend);
      assert.deepEqual(outcome(finished), { status: 2, stdout: '', stderr: `nsgen: ${line}\n` });
    }
    const finished = await run('bash', [], { input: await script({ command: ['true'], rootfs: missing }) });
    assert.deepEqual(outcome(finished), { status: 2, stdout: '', stderr: `box.sh: ${line}\n` });
  });

  test('commands and variables that are one plain word, or none, leave shellcheck nothing to say', async () => {
    const commands = [['ls'], ['a=b'], ['-x'], ['if', 'then'], ['time'], ['{'], ['!'], ['ls', '']];
    const boxes = commands.flatMap((command): BoxInput[] => [
      { command, env: { PATH: '', '-x': '1', 'a b': '' } },
      { command, rootfs: '/srv/box', cwd: '/~', namespaces: { uts: 'shared', net: 'shared' } },
      { command, rootfs: { path: '/srv/box ', change: 'chroot' }, namespaces: { net: '/proc/1/ns/net ' } },
    ]);
    await assertClean(await Promise.all(boxes.map(script)));
  });
});
