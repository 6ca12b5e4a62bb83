import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, test } from 'node:test';
import { BACKEND_NAMES } from '../../src/backends/backend.js';
import { BoxError, makeRootfs } from '../../src/index.js';
import { execute, nsgen, nsgenPath } from '../support/cli.js';
import { dynamicElf } from '../support/dynamic-elf.js';
import { ownDirectory } from '../support/own-directory.js';
import { assertLines } from '../support/refusal.js';
import { Session } from '../support/session.js';

const directory = ownDirectory('rootfs-command');
const rootfs = join(directory, 'root');

const make = (...args: readonly string[]) => nsgen(['rootfs', rootfs, ...args]);
const script = (name: string, text: string | Buffer) => {
  writeFileSync(join(directory, name), text, { mode: 0o755 });
  return join(directory, name);
};

async function made(...args: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await make(...args);
  assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
  return stdout;
}

/** Both backends, by pivot_root; what they print must be one. */
async function inside(...command: readonly string[]): Promise<string> {
  const [ffi, scripted] = await Promise.all(
    BACKEND_NAMES.map(backend => nsgen(['run', '--backend', backend, '--rootfs', rootfs, '--', ...command])),
  );
  assert.deepEqual({ status: ffi?.status, stderr: ffi?.stderr }, { status: 0, stderr: '' }, command.join(' '));
  assert.deepEqual(scripted, ffi);
  return ffi?.stdout ?? '';
}

afterEach(() => {
  for (const name of readdirSync(directory)) rmSync(join(directory, name), { recursive: true });
});

describe('nsgen rootfs', () => {
  test('ps, bash, ls, kill and ip run in it, the same by both backends', async () => {
    assert.match(await made('--with', 'ps,bash,ls,kill,ip'), /^\/\S+: \d+ files, \d+ bytes\n$/);
    assert.match(await inside('ps', '-e', '-o', 'pid=,args='), /^ *1 ps -e -o pid=,args=\n$/);
    assert.match(await inside('ip', 'a'), /^1: lo: <LOOPBACK,UP,LOWER_UP>[\s\S]*inet 127\.0\.0\.1\/8/);
    assert.equal(await inside('bash', '-c', 'echo $((6 * 7)); type -P kill'), '42\n/usr/bin/kill\n');
    assert.match(await inside('kill', '-l'), /TERM/);
    const names = (await inside('ls', '/')).split('\n');
    for (const name of ['dev', 'etc', 'proc', 'root', 'run', 'sys', 'tmp', 'usr', 'var'])
      assert.ok(names.includes(name), name);
    const modes = ['/', '/tmp', '/var/tmp', '/root', '/usr/bin/bash', '/etc/passwd'].map(path =>
      (statSync(rootfs + path).mode & 0o7777).toString(8),
    );
    assert.deepEqual(modes, ['755', '1777', '1777', '700', '755', '644']);
    for (const name of ['bin', 'lib', 'sbin', 'lib64'].filter(name =>
      lstatSync(`/${name}`, { throwIfNoEntry: false })?.isSymbolicLink(),
    ))
      assert.equal(readlinkSync(`${rootfs}/${name}`), readlinkSync(`/${name}`));
  });

  test('every dynamic program in it finds its libraries there, by their links and by their names', async () => {
    await made('--with', 'ps,bash');
    const missing = await execute('chroot', [
      rootfs,
      '/usr/bin/bash',
      '-c',
      'exec 2>&1; LD_TRACE_LOADED_OBJECTS=1 ps; bash --version',
    ]);
    assert.doesNotMatch(missing.stdout, /not found|cannot open/);
    assert.match(missing.stdout, /libc\.so\.6 => [\s\S]*GNU bash/);
  });

  test('users, hosts, the C.UTF-8 locale and terminals are known', async () => {
    await made('--with', 'id,getent', '--with', 'locale,tput');
    assert.equal(await inside('id'), 'uid=0(root) gid=0(root) groups=0(root)\n');
    assert.match(await inside('getent', 'passwd', 'root', 'nobody'), /^root:x:0:0:.*\nnobody:x:65534:65534:.*\n$/);
    assert.match(await inside('getent', 'hosts', 'localhost'), /localhost/);
    assert.equal(await inside('tput', '-T', 'xterm', 'colors'), '8\n');
    assert.equal(await inside('tput', '-T', 'xterm-256color', 'colors'), '256\n');
    const utf8 = ['--rootfs', rootfs, '-e', 'LC_ALL=C.UTF-8', '--', 'locale', 'charmap'];
    for (const backend of BACKEND_NAMES) {
      const { stdout, stderr } = await nsgen(['run', '--backend', backend, ...utf8]);
      assert.deepEqual({ stdout, stderr }, { stdout: 'UTF-8\n', stderr: '' });
    }
  });

  test('terminfo only comes with a program that reads it', async () => {
    await made('--with', 'ls');
    assert.ok(!existsSync(`${rootfs}/usr/share/terminfo`) && !existsSync(`${rootfs}/usr/lib/terminfo`));
  });

  test('a script brings its interpreter, and what env looks up for it', async () => {
    const one = script('one', '#!/bin/bash\necho one $BASH_VERSION\n');
    const two = script('two', '#!/usr/bin/env -S bash -e\necho two\n');
    await made('--with', `${one},${two}`);
    assert.match(await inside(one), /^one 5|^one 4/);
    assert.equal(await inside(two), 'two\n');
  });

  test('alternatives keep working, and every link on the way is one', async () => {
    await made('--with', 'awk,sh');
    assert.equal(await inside('awk', 'BEGIN { print 6 * 7 }'), '42\n');
    assert.equal(readlinkSync(`${rootfs}/usr/bin/awk`), readlinkSync('/usr/bin/awk'));
    assert.equal(readlinkSync(`${rootfs}/etc/alternatives/awk`), readlinkSync('/etc/alternatives/awk'));
  });

  test('statically linked programs, setuid programs, files and directories', async () => {
    mkdirSync(join(directory, 'plugins/empty'), { recursive: true });
    writeFileSync(join(directory, 'plugins/plugin.so'), dynamicElf({ needed: ['libtinfo.so.6', 'libnowhere.so'] }));
    writeFileSync(join(directory, 'plugins/broken.so'), '\x7fELF');
    symlinkSync('nowhere', join(directory, 'plugins/dangling'));
    symlinkSync('/etc/hostname', join(directory, 'plugins/outside'));
    writeFileSync(join(directory, 'secret'), 'for the owner\n');
    chmodSync(join(directory, 'secret'), 0o660);
    await made('--with', `ldconfig,su,ls,${directory}/plugins,${directory}/secret`);
    const mode = (path: string) => (lstatSync(rootfs + path).mode & 0o7777).toString(8);
    assert.equal(mode('/usr/bin/su'), '755');
    assert.equal(mode(`${directory}/secret`), '640');
    assert.equal(await inside('ls', `${directory}/plugins`), 'broken.so\ndangling\nempty\noutside\nplugin.so\n');
    assert.equal(readFileSync(`${rootfs}/etc/hostname`, 'utf8'), readFileSync('/etc/hostname', 'utf8'));
    assert.ok(
      readdirSync(`${rootfs}/usr/lib/${process.arch === 'x64' ? 'x86_64' : 'aarch64'}-linux-gnu`).includes(
        'libtinfo.so.6',
      ),
    );
    const { mtimeMs } = lstatSync(`${rootfs}/usr/bin/su`);
    assert.equal(Math.floor(mtimeMs / 1000), Math.floor(lstatSync('/usr/bin/su').mtimeMs / 1000));
    // The real one, where Debian and Ubuntu have a wrapper around it.
    if (existsSync('/sbin/ldconfig.real')) return;
    assert.match(await inside('ldconfig', '--version'), /^ldconfig/);
  });

  test('the files of /etc are the least, unless they are asked for', async () => {
    await made('--with', 'ls,/etc/passwd');
    assert.equal(readFileSync(`${rootfs}/etc/passwd`, 'utf8'), readFileSync('/etc/passwd', 'utf8'));
    assert.equal(readFileSync(`${rootfs}/etc/group`, 'utf8'), 'root:x:0:\nnogroup:x:65534:\n');
    assert.deepEqual(readdirSync(`${rootfs}/etc`).sort(), [
      'group',
      'hosts',
      'ld.so.cache',
      'nsswitch.conf',
      'passwd',
      'resolv.conf',
    ]);
  });

  test('--link says what it did, and never links a setuid program', async () => {
    const stdout = await made('--link', '--with', 'ls,su');
    const source = lstatSync('/usr/bin/ls');
    const copy = lstatSync(`${rootfs}/usr/bin/ls`);
    // A hard link where both are on one file system; a reflink, or a copy, elsewhere.
    assert.equal(source.ino === copy.ino && source.dev === copy.dev, /as hard links/.test(stdout), stdout);
    if (source.dev !== statSync(directory).dev) assert.match(stdout, /bytes\n$/);
    else assert.match(stdout, /as (?:hard links|reflinks)/);
    assert.equal(lstatSync(`${rootfs}/usr/bin/su`).mode & 0o7777, 0o755);
    assert.equal(lstatSync('/usr/bin/su').mode & 0o4000, 0o4000);
  });
});

describe('nsgen rootfs refuses', () => {
  const refuses = async (args: readonly string[], ...lines: readonly (string | RegExp)[]) => {
    const { status, stdout, stderr } = await nsgen(['rootfs', ...args]);
    assertLines(stderr, lines);
    assert.deepEqual({ status, stdout }, { status: 2, stdout: '' });
  };

  test('programs that are not there, each by its name, and leaves nothing', async () => {
    const broken = script('broken', '#!/nonexistent/interpreter\n');
    const lost = script('lost', dynamicElf({ interpreter: '/lib64/ld-nowhere.so' }));
    const unreal = join(directory, 'unreal');
    writeFileSync(unreal, '\x7fELF\x07');
    await refuses(
      [rootfs, '--with', `ls,nsgen-nonexistent,/nonexistent/x,${broken},${lost},${unreal},/dev/null,/proc/version,/`],
      '--with: "nsgen-nonexistent": no such program in /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      '--with: "/nonexistent/x": there is no such file',
      /^--with: "\S+\/broken": its interpreter: "\/nonexistent\/interpreter": there is no such file$/,
      /^--with: "\S+\/lost": \/lib64\/ld-nowhere.so is not found, which "\S+\/lost" needs$/,
      /^--with: "\S+\/unreal": this ELF file is malformed: its class/,
      '--with: "/dev/null": nothing is copied from /dev',
      '--with: "/proc/version": nothing is copied from /proc',
      '--with: "/": the root of the host is not copied',
    );
    assert.ok(!existsSync(rootfs));
  });

  test('a loop of links, and a script that is its own interpreter', async () => {
    symlinkSync('loop', join(directory, 'loop'));
    const itself = script('itself', `#!${directory}/itself\n`);
    await refuses([rootfs, '--with', `${directory}/loop`], /loop": too many symbolic links$/);
    // The kernel says ELOOP when it is executed; there is nothing more to copy.
    assert.equal((await make('--with', itself)).status, 0);
  });

  test('a directory that is not empty, a file, a link, a parent that is missing', async () => {
    mkdirSync(rootfs, { mode: 0o711 });
    writeFileSync(join(rootfs, 'own'), '');
    await refuses([rootfs, '--with', 'ls'], `DIR: ${JSON.stringify(rootfs)} is not empty`);
    assert.equal(statSync(rootfs).mode & 0o777, 0o711);
    await refuses([join(rootfs, 'own'), '--with', 'ls'], /^DIR: "\S+own" is no directory \(ENOTDIR\)$/);
    symlinkSync('/tmp', join(directory, 'link'));
    await refuses([join(directory, 'link'), '--with', 'ls'], /^DIR: "\S+link" is no directory/);
    await refuses([join(directory, 'a/b'), '--with', 'ls'], /^DIR: cannot be made: mkdir "\S+\/a\/b": ENOENT$/);
  });

  test('command lines that are wrong', async () => {
    await refuses(['--with', 'ls'], 'which directory? nsgen rootfs DIR --with LIST');
    await refuses([rootfs], '--with: must name a program');
    await refuses([rootfs, '--with', 'ls', 'other'], 'there is one DIR only: "other"');
    await refuses([rootfs, '--with', 'ls', '--nonsense'], '--nonsense: there is no such flag (see --help)');
    await refuses(
      [rootfs, '--with', 'bin/ls,,.'],
      ...Array(3).fill('--with: must be the name of a program, or an absolute path'),
    );
    await refuses(['', '--with', 'ls'], 'DIR: must not be empty');
    assert.ok(!existsSync(rootfs));
  });

  test('the directory before the flags or behind them, and empty ones, are taken', async () => {
    mkdirSync(rootfs);
    assert.equal((await nsgen(['rootfs', '--with', 'ls', rootfs])).status, 0);
    assert.ok(existsSync(`${rootfs}/usr/bin/ls`));
  });
});

describe('half-way', () => {
  /** Many files, so that there is a half-way. */
  const large = () => {
    const source = join(directory, 'large');
    mkdirSync(source);
    for (let index = 0; index < 3000; index++) writeFileSync(join(source, `file-${index}`), 'x'.repeat(1000));
    return source;
  };

  for (const [signal, status] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    test(`${signal} leaves nothing`, async () => {
      const session = new Session(process.execPath, [nsgenPath, 'rootfs', rootfs, '--with', `ls,${large()}`]);
      while (!existsSync(`${rootfs}/usr`) && !existsSync(`${rootfs}/tmp`))
        await new Promise(resolve => setTimeout(resolve, 1));
      process.kill(session.pid, signal);
      assert.deepEqual(await session.ended, { status, signal: null });
      assert.equal(session.output, `nsgen: ${signal}: nothing is left of the rootfs\n`);
      assert.ok(!existsSync(rootfs));
    });
  }

  test('a file that goes away meanwhile leaves nothing, and says so', async () => {
    const source = large();
    const stop = new AbortController();
    const onProgress = () => rmSync(source, { recursive: true, force: true });
    await assert.rejects(makeRootfs(rootfs, ['ls', source], { onProgress, signal: stop.signal }), {
      name: 'RootfsError',
      message: /^rootfs "\S+": copyfile "\S+\/large\/file-\S+": ENOENT$/,
      exitStatus: 125,
    });
    assert.ok(!existsSync(rootfs));
  });

  test('an empty directory that was there is as it was', async () => {
    mkdirSync(rootfs, { mode: 0o750 });
    const stop = new AbortController();
    const onProgress = (done: number) => done === 20 && stop.abort(new Error('enough'));
    await assert.rejects(makeRootfs(rootfs, ['ls'], { onProgress, signal: stop.signal }), /^Error: enough$/);
    assert.deepEqual(readdirSync(rootfs), []);
    assert.equal(statSync(rootfs).mode & 0o777, 0o750);
  });

  test('while it is being made, nobody else can enter', async () => {
    const modes = new Set<number>();
    await makeRootfs(rootfs, ['ls'], { onProgress: () => modes.add(statSync(rootfs).mode & 0o777) });
    assert.deepEqual([...modes], [0o700]);
    assert.equal(statSync(rootfs).mode & 0o777, 0o755);
  });
});

test('makeRootfs names the program by its place in the list', async () => {
  await assert.rejects(makeRootfs(rootfs, ['ls', 'nsgen-nonexistent', 'a/b']), (error: unknown) => {
    assert.ok(error instanceof BoxError);
    assert.deepEqual(
      error.problems.map(({ field }) => field),
      ['programs[2]'],
    );
    return true;
  });
  await assert.rejects(makeRootfs(rootfs, ['ls', 'nsgen-nonexistent']), {
    message: /^programs\[1\]: "nsgen-nonexistent": no such program in /,
  });
});
