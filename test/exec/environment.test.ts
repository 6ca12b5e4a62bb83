import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { BACKEND_NAMES, type BackendName } from '../../src/index.js';
import { execute, nsgen, nsgenPath } from '../support/cli.js';
import { ownDirectory } from '../support/own-directory.js';
import { until } from '../support/until.js';

/** The environment of a box is the doing of who is in it: no program of the host may load code or open files by it. */

const directory = ownDirectory('exec-environment');

const FOLLOWED: Readonly<Record<string, string>> = {
  GCONV_PATH: '/x',
  GETCONF_DIR: '/x',
  GLIBC_TUNABLES: 'x=y',
  HOSTALIASES: '/x',
  LANGUAGE: 'de:../../x',
  LC_TIME: '../x',
  LD_AUDIT: '',
  LOCPATH: '/x',
  MALLOC_TRACE: '/x',
  MUSL_LOCPATH: '/x',
  NLSPATH: '/x',
  RESOLV_HOST_CONF: '/x',
  TZDIR: '/x',
};
/** What images set. */
const USUAL: Readonly<Record<string, string>> = {
  LANG: 'C.UTF-8',
  LANGUAGE_PACK: '/x',
  LC_ALL: 'C.UTF-8',
  LANGUAGE: 'de:en',
  TMPDIR: '/x',
  TZ: 'Europe/Berlin',
};

const words = (env: Readonly<Record<string, string>>) => Object.entries(env).map(([name, value]) => `${name}=${value}`);

/** A process in a network namespace of its own, with this environment and without a capability. */
async function withTarget(env: Readonly<Record<string, string>>, act: (pid: string) => Promise<void>): Promise<void> {
  const command = ['/usr/bin/env', '-i', ...words(env), '/bin/sleep', 'infinity'];
  const child = spawn('unshare', ['--net', '--', 'setpriv', '--bounding-set=-sys_resource', '--', ...command]);
  const ended = once(child, 'exit');
  try {
    await until(() => readFileSync(`/proc/${child.pid}/cmdline`, 'latin1').startsWith('/bin/sleep\0'), 'sleep');
    await act(String(child.pid));
  } finally {
    child.kill('SIGKILL');
    await ended;
  }
}

const exec = (backend: BackendName, pid: string) =>
  nsgen(['exec', '--backend', backend, pid, '--', '/bin/sh', '-c', 'echo "$LANGUAGE"']);

test('what a program of the host would follow is refused by name by a script, and ffi gives it to the command', () =>
  withTarget(FOLLOWED, async pid => {
    const { status, stderr } = await exec('script', pid);
    const named = stderr.match(/(?<=^nsgen: env\.)\w+(?=: the script cannot set this)/gm);
    assert.deepEqual([status, named], [2, Object.keys(FOLLOWED)], stderr);
    const direct = await exec('ffi', pid);
    assert.deepEqual([direct.status, direct.stdout], [0, 'de:../../x\n'], direct.stderr);
  }));

test('what images set is nothing of the kind', () =>
  withTarget(USUAL, async pid => {
    for (const backend of BACKEND_NAMES) {
      const { status, stdout, stderr } = await exec(backend, pid);
      assert.deepEqual([status, stdout], [0, 'de:en\n'], stderr);
    }
  }));

/** A catalog of messages, as gettext(3) reads it: magic, revision, count, and where lengths and offsets of both are. */
function catalog(messages: readonly (readonly [string, string])[]): Buffer {
  const tables = 28 + messages.length * 16;
  const head = Buffer.alloc(tables);
  [0x950412de, 0, messages.length, 28, 28 + messages.length * 8, 0, tables].forEach((word, index) => {
    head.writeUInt32LE(word, 4 * index);
  });
  const texts: string[] = [];
  let offset = tables;
  for (const side of [0, 1] as const)
    messages.forEach((message, index) => {
      const place = 28 + (side * messages.length + index) * 8;
      head.writeUInt32LE(message[side].length, place);
      head.writeUInt32LE(offset, place + 4);
      texts.push(`${message[side]}\0`);
      offset += message[side].length + 1;
    });
  return Buffer.concat([head, Buffer.from(texts.join(''))]);
}

test('a shared object that a process in the box names is not loaded by a program of the host', async () => {
  const marker = join(directory, 'loaded');
  const source = join(directory, 'evil.c');
  writeFileSync(
    source,
    `#include <fcntl.h>\nint gconv_init(void *step) { open("${marker}", O_CREAT, 0600); return 1; }\nint gconv(void) { return 1; }\n`,
  );
  execFileSync('cc', ['-shared', '-fPIC', '-o', join(directory, 'EVIL.so'), source]);
  writeFileSync(join(directory, 'gconv-modules'), `module INTERNAL EVIL// ${directory}/EVIL 1\n`);
  mkdirSync(join(directory, 'LC_MESSAGES'));
  const header = ['', 'Content-Type: text/plain; charset=UTF-8\n'] as const;
  const errors = ['No such file or directory', 'Operation not permitted'].map(text => [text, 'x'] as const);
  writeFileSync(join(directory, 'LC_MESSAGES', 'libc.mo'), catalog([header, ...errors]));
  const hostile = {
    LC_ALL: 'C.UTF-8',
    LANGUAGE: `../../../..${directory}`,
    OUTPUT_CHARSET: 'EVIL',
    GCONV_PATH: directory,
  };

  // What the attack is worth: any error will do.
  await execute('/usr/bin/env', ['-i', ...words(hostile), '/usr/bin/nsenter', '--net=/nonexistent', '--', 'true']);
  assert.ok(existsSync(marker), 'the C library of this host has not loaded it');
  rmSync(marker);

  await withTarget(hostile, async pid => {
    // Below the limits of the box, which prlimit(1) may not raise again, and says so.
    const lower = ['--nofile=1000:1000', '--', 'setpriv', '--bounding-set=-sys_resource', '--', process.execPath];
    const command = [nsgenPath, 'exec', '--backend', 'script', pid, '--', '/bin/true'];
    const { status, stderr } = await execute('prlimit', [...lower, ...command]);
    assert.ok(!existsSync(marker), stderr);
    assert.match(stderr, /^nsgen: env\.LANGUAGE: .*\nnsgen: env\.GCONV_PATH: /);
    assert.equal(status, 2);
  });
});

for (const backend of BACKEND_NAMES) {
  test(`a PATH of many directories is looked into to its end, ${backend}`, () =>
    withTarget({ PATH: `${'/nonexistent:'.repeat(511)}/bin` }, async pid => {
      const { status, stdout, stderr } = await nsgen(['exec', '--backend', backend, pid, '--', 'echo', 'found']);
      assert.deepEqual([status, stdout, stderr], [0, 'found\n', '']);
    }));

  for (const count of [513, 3000, 20_000])
    test(`a PATH of ${count} directories is refused by name, ${backend}`, () =>
      withTarget({ PATH: `${':'.repeat(count - 1)}/bin` }, async pid => {
        const { status, stderr } = await nsgen(['exec', '--backend', backend, pid, '--', 'true']);
        assert.equal(status, 2, stderr);
        assert.match(stderr, new RegExp(`^nsgen: env\\.PATH: has ${count} directories, `));
        const shorter = await nsgen(['exec', '--backend', backend, '-e', 'PATH=/bin', pid, '--', 'true']);
        assert.deepEqual([shorter.status, shorter.stderr], [0, '']);
      }));
}
