import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, realpathSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { statOf } from '../../src/host/process.js';
import { BACKEND_NAMES, inspect } from '../../src/index.js';
import { ownPidNamespace } from '../../src/state/pid-namespace.js';
import { recordText } from '../../src/state/record.js';
import { execute, nsgen, nsgenPath } from '../support/cli.js';
import { descendants } from '../support/leftovers.js';
import { ownDirectory } from '../support/own-directory.js';
import { delay, Session } from '../support/session.js';
import { assertShape } from './shape.js';
import { all, parseXml } from './xml.js';

/** nsgen inspect, and processes that are no boxes of nsgen's, or that do not want to be looked at. */

const directory = realpathSync(ownDirectory('inspect'));
process.env.NSGEN_STATE_DIRECTORY = join(directory, 'boxes');
mkdirSync(join(directory, 'boxes'), { mode: 0o700 });

const children: ChildProcess[] = [];
after(async () => {
  for (const child of children) {
    const closed = new Promise(resolve => child.on('close', resolve));
    if (child.exitCode === null && child.signalCode === null && child.kill('SIGKILL')) await closed;
  }
});

/** A program that has said that it is ready. */
async function program(name: string, ...args: readonly string[]): Promise<number> {
  const child = spawn(name, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  await new Promise((resolve, reject) => {
    child.stdout.once('data', resolve);
    child.once('close', () => reject(new Error(`${name} has ended`)));
  });
  if (child.pid === undefined) throw new Error('it was not started');
  return child.pid;
}

const perl = (line: string, ...args: readonly string[]) =>
  program('perl', '-e', `$| = 1; ${line}; print "ready\\n"; sleep 1000`, ...args);

/** What a look finds, once it finds something. */
async function until<T>(look: () => T | undefined): Promise<T> {
  for (let tries = 0; tries < 1000; tries += 1) {
    const found = look();
    if (found !== undefined) return found;
    await delay(20);
  }
  throw new Error('it has not come');
}

/** One that does not come and go: kthreadd, or the first that there is in this /proc. */
const kernelThread = (): number | undefined =>
  readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .map(Number)
    .find(pid => pid < 100 && statOf(pid)?.kernelThread);

/** Nothing of what is printed moves a cursor. */
const assertPlain = (text: string) => assert.doesNotMatch(text, /[^\P{C}\n]/u);

const json = async (...args: readonly string[]) => {
  const { status, stdout, stderr } = await nsgen(['inspect', '--json', ...args]);
  assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
  assertPlain(stdout);
  const value = JSON.parse(stdout);
  assertShape(value);
  return value;
};

describe('any process', () => {
  test('a plain one has nothing of its own', async () => {
    const pid = await perl('');
    const found = await json(String(pid));
    assert.deepEqual([found.process.pid, found.process.name, found.process.parent], [pid, 'perl', process.pid]);
    assert.ok(found.namespaces.every(({ nsgen, host }: Record<string, unknown>) => nsgen === true && host === true));
    assert.deepEqual(
      found.tree
        .filter((row: { pid: number }) => [pid, process.pid].includes(row.pid))
        .map((row: { name: string }) => row.name),
      [found.tree.find((row: { pid: number }) => row.pid === process.pid).name, 'perl'],
    );
    assert.equal(found.box, null);
    assert.equal(found.others > 0, true);
    const everybody = await json('--all', String(pid));
    assert.equal(everybody.others, 0);
    assert.ok(everybody.tree.length > found.tree.length);
  });

  test('a zombie has left what it had', async () => {
    const parent = await perl('fork or exit');
    const child = await until(() => {
      const [pid] = readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8')
        .split(' ')
        .filter(Boolean)
        .map(Number);
      return pid !== undefined && /^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, 'utf8')) ? pid : undefined;
    });
    const found = await inspect(child);
    assertShape(found);
    assert.equal(found.process.state, 'Z');
    assert.deepEqual(
      [found.process.executable, found.process.command, found.mounts, found.root],
      [null, null, null, null],
    );
    assert.deepEqual(found.namespaces.map(({ inode }) => inode === null).slice(0, 4), [false, true, false, true]);
    assert.deepEqual(found.unreadable, {});
    const { stdout } = await nsgen(['inspect', String(child)]);
    assert.match(stdout, /^state +Z ended, its parent has not asked for its status \(zombie\)$/m);
    assert.match(stdout, /^mnt +left: it has ended$/m);
    assert.match(stdout, new RegExp(`^> +${child} .*perl \\(ended\\)$`, 'm'));
  });

  test('a thread of the kernel has no program', async t => {
    const found = kernelThread();
    if (found === undefined) return t.skip('this /proc shows none');
    const inspection = await json(String(found));
    assert.equal(inspection.process.kernelThread, true);
    assert.deepEqual(
      [inspection.process.command, inspection.process.parent === 0 || inspection.process.parent === 2],
      [null, true],
    );
    const { stdout } = await nsgen(['inspect', String(found)]);
    assert.match(stdout, new RegExp(`^process +${found} .*, a thread of the kernel$`, 'm'));
  });

  test('one in a terminal has it by name', async () => {
    const session = new Session('script', ['-qefc', 'echo "pid $$ on $(tty)."; exec sleep 1000', '/dev/null']);
    children.push(session.child);
    await session.until(/pid \d+ on \/dev\/pts\/\d+\./);
    const [, pid, terminal] = /pid (\d+) on \/dev\/(pts\/\d+)\./.exec(session.output) ?? [];
    const { process: found } = await inspect(Number(pid));
    assert.equal(found.terminal?.name, terminal);
    assert.equal(found.session, Number(pid));
  });

  test('one that is gone, or never was, is refused', async () => {
    for (const pid of ['4194305', '0', '9999999999']) {
      const { status, stdout, stderr } = await nsgen(['inspect', pid]);
      assert.deepEqual([status, stdout], [125, '']);
      assert.equal(
        stderr,
        `nsgen: inspect process ${pid}: ESRCH (No such process): it has ended, or /proc hides it; nsgen ps lists the boxes\n`,
      );
    }
    await assert.rejects(inspect(4194305), { exitStatus: 125 });
    const { status, stderr } = await nsgen(['inspect', 'nobody']);
    assert.equal(status, 125);
    assert.match(stderr, /^nsgen: there is no box "nobody"/);
  });

  test('no more and no less than one is asked for', async () => {
    for (const args of [
      [],
      ['1', '2'],
      ['--svg=', '1'],
      ['--json', '--svg=-', '1'],
      ['--json', '1', '--json'],
      ['--nope', '1'],
    ]) {
      const { status, stdout } = await nsgen(['inspect', ...args]);
      assert.deepEqual([status, stdout], [2, ''], args.join(' '));
    }
  });

  test('what may not be read is said to be unreadable, field by field', async () => {
    const pid = await perl('');
    const words = ['--reuid=65534', '--regid=65534', '--clear-groups', process.execPath, nsgenPath, 'inspect'];
    const env = { ...process.env };
    delete env.NSGEN_STATE_DIRECTORY;
    delete env.XDG_RUNTIME_DIR;
    const run = await execute('setpriv', [...words, '--json', String(pid)], { env });
    assert.deepEqual([run.status, run.stderr], [0, '']);
    const found = JSON.parse(run.stdout);
    assertShape(found);
    const { boxes, ...unreadable } = found.unreadable;
    assert.match(boxes, /^XDG_RUNTIME_DIR is not set/);
    const types = ['user', 'mnt', 'pid', 'net', 'uts', 'ipc', 'cgroup', 'time'];
    const fields = [
      'process.executable',
      'process.workingDirectory',
      'root',
      ...types.map(type => `namespaces.${type}`),
    ];
    assert.deepEqual(Object.keys(unreadable).sort(), fields.sort());
    assert.ok(Object.values(unreadable).every(code => code === 'EACCES' || code === 'EPERM'));
    assert.deepEqual([found.root, found.process.executable], [null, null]);
    for (const { inode, host, nsgen, initial } of found.namespaces)
      assert.deepEqual([inode, host, nsgen, initial], [null, null, null, null]);
    assert.equal(found.process.command[0], 'perl');
    assert.ok(found.viewpoint.unreadable > 0);
    const { stdout } = await execute('setpriv', [...words, String(pid)], { env });
    assert.match(stdout, /^root +not readable \(EACCES\)$/m);
    assert.match(stdout, /^net +not readable \(EACCES\)$/m);
    assert.match(stdout, /^boxes +not known: XDG_RUNTIME_DIR is not set/m);
  });
});

describe('among processes that come and go', () => {
  test('whoever ends meanwhile is left out', async () => {
    // Each of a number of shells starts and reaps one process after another.
    const line = 'echo ready; while :; do /bin/true; done';
    const busy = await Promise.all([1, 2].map(() => program('bash', '-c', line)));
    for (let looks = 0; looks < 5; looks += 1) {
      const found = await json('--all', String(busy[0]));
      assert.deepEqual([found.process.pid, found.changing], [busy[0], false]);
      const known = found.tree.map((row: { pid: number }) => row.pid);
      assert.equal(new Set(known).size, known.length);
      for (const { name, pids } of found.tree) assert.ok(name !== '' && pids?.length > 0);
    }
  });

  test('one that changes all the time is read all the same, and said to', async () => {
    const pid = await program('perl', '-e', '$| = 1; $0 = "name0"; print "ready\\n"; $0 = "name" . $i++ while 1');
    const found = await inspect(pid);
    assert.match(found.process.name, /^name\d+$/);
    assertShape(found);
  });

  test('a figure that cannot be written is an error', async () => {
    const { status, stdout, stderr } = await nsgen(['inspect', '--svg', `${directory}/none/x.svg`, '1']);
    assert.deepEqual([status, stdout], [125, '']);
    assert.equal(stderr, `nsgen: write ${directory}/none/x.svg: ENOENT (No such file or directory)\n`);
  });
});

describe('a box with a name', () => {
  /** Process 1 of a box, holding its file as an init does: src/state/life.ts. */
  const INIT = `exec 3>>"$1" && flock 3 && read -r stat </proc/self/stat && printf '%s\\nstarted\\n' "$stat" >&3
    sleep 1000 3>&- & echo ready; wait`;

  async function named(name: string): Promise<ChildProcess> {
    const own = join(directory, 'boxes', name);
    mkdirSync(own, { mode: 0o700 });
    const maker = { pid: process.pid, start: statOf('self')?.start ?? '' };
    const record = {
      name,
      created: '2026-11-22T10:00:00.000Z',
      pod: undefined,
      maker,
      pidNamespace: ownPidNamespace(),
    } as const;
    const command = ['sleep', '1000'];
    writeFileSync(
      join(own, 'box.json'),
      recordText({ ...record, backend: 'ffi', foreground: false, command, box: { command } }),
    );
    await program('unshare', '--fork', '--pid', '--kill-child', 'bash', '-c', INIT, 'init', join(own, 'life'));
    const holder = children.at(-1);
    if (holder === undefined) throw new Error('it was not started');
    return holder;
  }

  for (const backend of BACKEND_NAMES)
    test(`as nsgen run -d starts it, by ${backend}`, async () => {
      const name = `real-${backend}`;
      const started = await nsgen(['run', '-d', '--backend', backend, '--name', name, '--', 'sleep', '1000']);
      assert.equal(started.status, 0, started.stderr);
      try {
        const found = await json(name);
        assert.deepEqual([found.process.name, found.process.pids.at(-1), found.box.name], ['nsgen-init', 1, name]);
        const { boxes } = found.namespaces.find(({ type }: { type: string }) => type === 'mnt');
        assert.deepEqual(boxes, [name]);
      } finally {
        await nsgen(['kill', name]);
        await nsgen(['wait', name]);
        assert.equal((await nsgen(['rm', name])).status, 0);
      }
    });

  test('is found by it, and so are its processes', async () => {
    const web = await named('web');
    const [first = 0, sleep = 0] = descendants(web.pid ?? 0);
    const found = await json('web');
    assert.deepEqual([found.process.pid, found.box], [first, { name: 'web', pod: null }]);
    assert.deepEqual(
      found.tree.flatMap((row: { pid: number; box: string | null }) => (row.box === null ? [] : [[row.pid, row.box]])),
      [
        [first, 'web'],
        [sleep, 'web'],
      ],
    );
    const { stdout } = await nsgen(['inspect', String(sleep)]);
    assert.match(stdout, /^box +web$/m);
    assert.match(stdout, /^pid +\d+ +own +process \d+ +web$/m);
    assert.match(stdout, / (?:┌─|\+-) pid:\[\d+\] web (?:─+┐|-+\+)$/m);
    web.kill('SIGKILL');
    await once(web, 'close');
    // The lock goes with the last of it.
    let end = await nsgen(['inspect', 'web']);
    for (let tries = 0; !end.stderr.includes('it has ended') && tries < 100; tries += 1) {
      await delay(100);
      end = await nsgen(['inspect', 'web']);
    }
    assert.deepEqual([end.status, end.stderr], [125, 'nsgen: inspect box "web": it has ended, with status 137\n']);
  });
});

describe('a process with hostile names', () => {
  const HOSTILE = Buffer.from('\x1b[2J<&"\n\xff', 'latin1');
  const SHOWN = '\\x1b[2J<&"\\x0a\\xff';

  test('is shown, and moves nothing', async () => {
    // Its name, its arguments, its cgroup and what it has mounted.
    const point = Buffer.concat([Buffer.from(`${directory}/`), HOSTILE, Buffer.from(' \\')]);
    mkdirSync(point);
    const pid = await program(
      'unshare',
      '--mount',
      'perl',
      '-e',
      `$| = 1; my $evil = pack 'H*', shift; my $point = pack 'H*', shift;
       system('mount', '-t', 'tmpfs', $evil =~ s/\\n//r, $point) == 0 or die;
       chdir $point; $0 = $evil; print "ready\\n"; sleep 1000`,
      HOSTILE.toString('hex'),
      point.toString('hex'),
    );
    const found = await json(String(pid));
    assert.equal(found.process.name, '\x1b[2J<&"\n\udcff');
    assert.equal(found.process.command[0], '\x1b[2J<&"\n\udcff');
    const mount = found.mounts.find((one: { point: string }) => one.point.startsWith(directory));
    assert.deepEqual([mount.point, mount.source], [`${directory}/\x1b[2J<&"\n\udcff \\`, '\x1b[2J<&"\udcff']);
    assert.equal(found.process.workingDirectory, mount.point);

    const { stdout } = await nsgen(['inspect', String(pid)]);
    assertPlain(stdout);
    assert.ok(stdout.includes(`process       ${pid} ${SHOWN}`), stdout);
    assert.match(stdout, /^.*\\x1b\[2J<&"\\x0a\\xff \\ +\\x1b\[2J<&"\\xff +tmpfs /m);

    const figure = await nsgen(['inspect', '--svg', '-', String(pid)]);
    assertPlain(figure.stdout);
    const texts = all(parseXml(figure.stdout)).map(({ text }) => text);
    assert.ok(texts.includes(`${pid}  ${SHOWN}`), figure.stdout);
  });

  test('of a cgroup too', async t => {
    const top = '/sys/fs/cgroup/pids';
    const own = /^\d+:pids:(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1];
    if (own === undefined) return t.skip('no pids hierarchy of version 1');
    const name = Buffer.from('nsgen-inspect-\x1b[2J<:&\xff', 'latin1');
    const cgroup = Buffer.concat([Buffer.from(`${top}${own}/`), name]);
    mkdirSync(cgroup);
    const pid = await perl('');
    try {
      writeFileSync(Buffer.concat([cgroup, Buffer.from('/cgroup.procs')]), String(pid));
      const found = await json(String(pid));
      const { path } = found.cgroups.find(({ controllers }: { controllers: string[] }) => controllers.includes('pids'));
      assert.ok(path.endsWith('/nsgen-inspect-\x1b[2J<:&\udcff'), path);
      const { stdout } = await nsgen(['inspect', String(pid)]);
      assert.ok(stdout.includes('/nsgen-inspect-\\x1b[2J<:&\\xff\n'));
    } finally {
      writeFileSync(`${top}${own}/cgroup.procs`, String(pid));
      rmdirSync(cgroup);
    }
  });
});
