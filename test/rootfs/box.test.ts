import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { BACKEND_NAMES, makeRootfs, parseBox, run, script } from '../../src/index.js';
import { execute } from '../support/cli.js';
import { dynamicElf } from '../support/dynamic-elf.js';
import { descendants, hostState } from '../support/leftovers.js';
import { ownDirectory } from '../support/own-directory.js';

/** A root of the host's programs is one and the same, however it is made: in a directory, by system calls, by bash. */

const directory = ownDirectory('rootfs-box');
after(() => rmSync(directory, { recursive: true, force: true }));

/** What the tree is looked at with. */
const TOOLS = ['bash', 'find', 'sort', 'xargs', 'sha256sum'];

/**
 * Type, mode, owner, size, time and target of all that is there, and sums of the contents. Directories have the time
 * and size of their making, and so have the files that are written new.
 */
const LOOK = `cd /
find . -path './proc' -prune -o -path './dev/*' -prune -o -type d -printf '%y %m %U:%G %p\\0' -o \\
  -type f -printf '%y %m %U:%G %s %Ts %p\\0' -o -printf '%y %m %U:%G %Ts %p %l\\0' | sort -z
find . -path './proc' -prune -o -path './dev' -prune -o -type f -print0 | sort -z | xargs -0 sha256sum -z`;

const NEW = new Set(['group', 'hosts', 'nsswitch.conf', 'passwd', 'resolv.conf'].map(name => `./etc/${name}`));

const listOf = (output: string): readonly string[] =>
  output.split('\0').map(line => {
    const [kind = '', mode = '', owner = '', size = '', time = '', ...rest] = line.split(' ');
    const path = rest.join(' ');
    return kind === 'f' && NEW.has(path)
      ? [kind, mode, owner, size, path].join(' ')
      : [kind, mode, owner, size, time, path].join(' ');
  });

async function trees(programs: readonly string[]): Promise<Readonly<Record<string, readonly string[]>>> {
  const rootfs = join(directory, 'made');
  const from = [...TOOLS, ...programs];
  await makeRootfs(rootfs, from);
  const command = ['bash', '-c', LOOK];
  const results: Record<string, readonly string[]> = {};
  const add = (name: string, { stdout, stderr }: { readonly stdout: string; readonly stderr: string }) => {
    assert.equal(stderr, '', name);
    results[name] = listOf(stdout);
  };
  for (const backend of BACKEND_NAMES) {
    add(`made, ${backend}`, await run({ command, rootfs }, { backend }));
    add(`copied, ${backend}`, await run({ command, rootfs: { from } }, { backend }));
    const user = { user: 'new' } as const;
    add(`user, ${backend}`, await run({ command, rootfs: { from }, namespaces: user }, { backend }));
  }
  writeFileSync(join(directory, 'box.sh'), await script({ command, rootfs: { from } }));
  add(
    'box.sh, odd caller',
    await execute('bash', ['-c', `umask 077; LD_LIBRARY_PATH=${directory} bash ${directory}/box.sh`]),
  );
  rmSync(rootfs, { recursive: true });
  return results;
}

async function assertOneTree(programs: readonly string[]): Promise<readonly string[]> {
  const [[, first = []] = [], ...others] = Object.entries(await trees(programs));
  assert.ok(first.length > 150, String(first.length));
  for (const [name, list] of others) assert.deepEqual(list, first, name);
  return first;
}

describe('one tree', () => {
  test('of ps, bash, ls, kill and ip', async () => {
    const list = await assertOneTree(['ps', 'ls', 'kill', 'ip']);
    assert.ok(
      list.some(line => line.startsWith('f 755 0:0 ') && line.endsWith(' ./usr/bin/kill')),
      'kill',
    );
  });

  test('of scripts, alternatives, setuid programs, and what is asked for by its path', async () => {
    const place = join(directory, 'a place');
    mkdirSync(join(place, 'lib/empty'), { recursive: true });
    const write = (name: string, text: string | Buffer, mode = 0o755) =>
      writeFileSync(join(place, name), text, { mode });
    write('script', '#!/usr/bin/env -S A=b perl -w\n');
    write('other', '#! /bin/sh\n');
    write('no\ttext', '\0#!/bin/ls\n', 0o600);
    write('lib/plugin.so', dynamicElf({ needed: ['libtinfo.so.6', 'libnowhere.so.1'] }));
    write('lib/broken.so', '\x7fELF');
    write('lib/lost', '#!/nowhere\n');
    write('lib/$(id)', '');
    symlinkSync('../script', join(place, 'lib/up'));
    symlinkSync('/usr/share/perl', join(place, 'lib/away'));
    symlinkSync('nowhere', join(place, 'lib/dangling'));
    symlinkSync('/proc/self/exe', join(place, 'lib/exe'));
    utimesSync(join(place, 'no\ttext'), 1, 2.5);
    const list = await assertOneTree([
      ...['awk', 'su', 'sh', 'tput', 'ldd', '/etc/hosts', '/bin/../sbin/ip'],
      ...[`${place}/script`, `${place}/other`, `${place}/no\ttext`, `${place}/lib`],
    ]);
    const has = (text: string) =>
      assert.ok(
        list.some(line => line.includes(text)),
        text,
      );
    has(' ./usr/bin/perl');
    has(' ./usr/share/perl');
    has(' 11 2 .');
    has('xterm-256color');
    assert.ok(!list.some(line => /^f [4-7]\d{3} /.test(line)), 'setuid');
  });
});

test('names of users and hosts, the locale and terminals, by both backends', async () => {
  const from = ['id', 'getent', 'locale', 'tput', 'bash'];
  const command = [
    'bash',
    '-c',
    'id; getent passwd root; getent hosts localhost; LC_ALL=C.UTF-8 locale charmap; tput -T xterm colors',
  ];
  const [ffi, scripted] = await Promise.all(
    BACKEND_NAMES.map(backend => run({ command, rootfs: { from } }, { backend })),
  );
  assert.match(ffi?.stdout ?? '', /^uid=0\(root\) gid=0\(root\)[^\n]*\nroot:x:0:0:.*\n\S+ +localhost.*\nUTF-8\n8\n$/);
  assert.deepEqual(scripted, ffi);
});

test('it is looked at anew when a program has changed, and only then', async () => {
  const program = join(directory, 'program');
  const box = parseBox({ command: [program], rootfs: { from: [program, 'sh'] } });
  for (const word of ['one', 'two']) {
    writeFileSync(program, `#!/bin/sh\necho ${word}\n`, { mode: 0o755 });
    for (const backend of BACKEND_NAMES) assert.equal((await run(box, { backend })).stdout, `${word}\n`);
  }
  rmSync(program);
  await assert.rejects(run(box), {
    name: 'BoxError',
    message: /^rootfs\.from\[0\]: "\S+program": there is no such file$/,
  });
});

test('what a box writes there is gone with it, and the next one has a new one', async () => {
  const before = hostState();
  const command = ['bash', '-c', '[[ ! -e /usr/bin/new ]] && echo >/usr/bin/new && echo >/usr/bin/bash; echo $?'];
  const source = readFileSync('/usr/bin/bash').length;
  for (const backend of [...BACKEND_NAMES, ...BACKEND_NAMES])
    assert.match((await run({ command, rootfs: { from: ['bash'] } }, { backend })).stdout, /^[01]\n$/);
  assert.equal(readFileSync('/usr/bin/bash').length, source);
  assert.deepEqual(
    hostState().filter(line => !line.startsWith('cgroup')),
    before.filter(line => !line.startsWith('cgroup')),
  );
  assert.deepEqual(descendants(), []);
});

test('the script refuses what is not there, by itself', async () => {
  for (const [program, message] of [
    ['nsgen-nonexistent', /^box\.sh: rootfs: nsgen-nonexistent: there is no such program in the PATH of the box\n$/],
    ['/nonexistent', /^box\.sh: rootfs: \/nonexistent: there is no such file or directory\n$/],
    ['/proc/version', /^box\.sh: rootfs: \/proc\/version: nothing is copied from \/proc\n$/],
    ['/', /^box\.sh: rootfs: \/: the root of the host is not copied\n$/],
  ] as const) {
    const { status, stdout, stderr } = await execute('bash', [
      '-c',
      await script({ command: ['ls'], rootfs: { from: ['ls', program] } }),
      'box.sh',
    ]);
    assert.match(stderr, message);
    assert.deepEqual({ status, stdout }, { status: 2, stdout: '' });
  }
});
