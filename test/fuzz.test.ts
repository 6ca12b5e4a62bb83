import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, describe, test } from 'node:test';
import fc from 'fast-check';
import { renderScript } from '../src/backends/script/render.js';
import { type Box, parseBox } from '../src/box/box.js';
import { type BoxInput, start } from '../src/index.js';
import { execute } from './support/cli.js';
import { assertClean } from './support/lint.js';
import { anyText, CANARY, fileName, howToRepeat, samples, seed, utsName, variables } from './support/random.js';
import { makeRootfs, removeRootfs } from './support/rootfs.js';

/** A hostile string in every field of a box that takes one. */
const strings = fc.record({
  shape: fc.constantFrom('no shell', 'host', 'chroot', 'chroot and mounts', 'pivot_root'),
  words: fc.array(anyText, { maxLength: 4 }),
  env: variables,
  hostname: utsName,
  domainname: utsName,
  program: fileName,
  absolute: fc.boolean(),
  cwd: path(),
  rootfs: path(),
  source: path(),
  destination: path(),
  tmpfs: path(),
  size: fc.option(fc.stringMatching(/^[1-9][0-9]{0,2}[kKmM]$/), { nil: undefined }),
  mode: fc.option(fc.stringMatching(/^[0-7]{3,4}$/), { nil: undefined }),
  readOnly: fc.boolean(),
  namespace: fileName,
});
type Strings = typeof strings extends fc.Arbitrary<infer Value> ? Value : never;

/** Short of PATH_MAX, with room for the directory of the test before it. */
function path(): fc.Arbitrary<string> {
  const names = fc.array(fileName, { minLength: 1, maxLength: 2 });
  const deep = fileName.map(name =>
    Array.from({ length: Math.floor(3500 / (Buffer.byteLength(name) + 1)) }, () => name),
  );
  return fc
    .oneof({ weight: 9, arbitrary: names }, { weight: 1, arbitrary: deep })
    .map(list => list.slice(0, 30).join('/'));
}

/** Prints, of the process itself, what the kernel says of it: bytes, as they arrived. */
const REPORT = `
/bin/cat /proc/$$/cmdline; echo
/bin/cat /proc/$$/environ; echo
/bin/readlink -n /proc/$$/cwd; echo
/bin/cat /proc/sys/kernel/hostname /proc/sys/kernel/domainname
test -n "$1" || exit 0
/bin/cat "$1/token"
/bin/stat -c %a "$2"; /bin/stat -f -c '%T %b' "$2"
: >"$1/new"`;

const ROOTFS_PROGRAMS = ['sh', 'cat', 'readlink', 'stat'];

describe(`random strings in every field (${howToRepeat})`, () => {
  const base = mkdtempSync(join(tmpdir(), 'nsgen-test-fuzz-'));
  const rootfs = makeRootfs(ROOTFS_PROGRAMS, ['proc', 'cwd', 'mnt', 'bin-of-test']);
  const work = join(base, 'work');
  mkdirSync(work);
  const scripts: string[] = [];
  after(() => {
    removeRootfs(rootfs);
    rmSync(base, { recursive: true });
  });

  test('they arrive byte for byte, by both backends, and nothing in them is run', async () => {
    let done = 0;
    for (const given of fc.sample(strings, { seed, numRuns: samples })) {
      const shown = `sample ${done} of ${howToRepeat}: ${JSON.stringify(given).slice(0, 3000)}`;
      const place = join(base, 'sample');
      const own = setUp(given, place, rootfs);
      try {
        const box = parseBox(own.box);
        const script = renderScript(box);
        scripts.push(script);
        const direct = await runDirectly(own.box);
        const expected = expectedReport(given, own, box);
        assertSame(direct.stdout.slice(0, expected.length), expected, `inside, by ffi: ${shown}`);
        writeFileSync(join(base, 'box.sh'), script);
        const scripted = await execute('bash', [join(base, 'box.sh')], { cwd: work });
        assertSame(scripted.stderr + scripted.stdout, direct.stderr + direct.stdout, `script and ffi: ${shown}`);
        assert.equal(scripted.status, direct.exitStatus, shown);
        assert.deepEqual(readdirSync(work), [], `the script ran something: ${shown}`);
        assert.equal(existsSync(CANARY), false, shown);
        done++;
      } finally {
        own.putBack();
        rmSync(place, { recursive: true });
      }
    }
    assert.equal(done, samples);
  });

  test('the scripts parse, and shellcheck and shfmt find nothing in them', async () => {
    assert.equal(scripts.length, samples);
    await assertClean(scripts);
  });
});

interface SetUp {
  readonly box: BoxInput;
  readonly destination: string;
  readonly tmpfs: string;
  readonly cwd: string;
  putBack(): void;
}

/** Makes the directories that the box names. What is inside the rootfs is named as it is seen there. */
function setUp(given: Strings, place: string, rootfs: string): SetUp {
  const isolated = given.shape === 'chroot' || given.shape === 'chroot and mounts' || given.shape === 'pivot_root';
  const mounts = given.shape !== 'no shell' && given.shape !== 'chroot';
  const inside = isolated ? '' : place;
  const outside = isolated ? join(place, 'root', given.rootfs) : place;
  const directory = (parent: string, name: string) => {
    mkdirSync(`${outside}${parent}/${name}`, { recursive: true });
    return `${inside}${parent}/${name}`;
  };
  mkdirSync(isolated ? dirname(outside) : outside, { recursive: true });
  if (isolated) renameSync(rootfs, outside);
  const cwd = directory('/cwd', given.cwd);
  const destination = directory('/mnt', `d/${given.destination}`);
  const tmpfs = directory('/mnt', `t/${given.tmpfs}`);
  const programs = directory('', 'bin-of-test');
  symlinkSync('/bin/sh', `${outside}/bin-of-test/${given.program}`);
  const source = join(place, 'source', given.source);
  mkdirSync(source, { recursive: true });
  writeFileSync(join(source, 'token'), 'token\n');
  const namespace = join(place, given.namespace);
  if (!existsSync(namespace)) symlinkSync(`/proc/${process.pid}/ns/net`, namespace);
  const program = given.absolute ? `${programs}/${given.program}` : given.program;
  return {
    destination,
    tmpfs,
    cwd,
    box: {
      command: [program, '-c', REPORT, 'sh', mounts ? destination : '', mounts ? tmpfs : '', ...given.words],
      env: { ...given.env, ...(given.absolute ? {} : { PATH: programs }) },
      cwd,
      loopback: false,
      ...(mounts
        ? {
            hostname: given.hostname,
            domainname: given.domainname,
            namespaces: { net: namespace },
            mounts: [
              { type: 'bind', source, destination, readOnly: given.readOnly },
              { type: 'tmpfs', destination: tmpfs, mode: given.mode, size: given.size },
            ],
          }
        : { namespaces: { uts: 'shared', net: 'shared' } }),
      ...(isolated
        ? { rootfs: { path: outside, change: given.shape === 'pivot_root' ? 'pivot_root' : 'chroot' } }
        : {}),
    },
    putBack() {
      if (!isolated) return;
      renameSync(outside, rootfs);
      for (const used of ['cwd', 'mnt', 'bin-of-test']) {
        rmSync(join(rootfs, used), { recursive: true });
        mkdirSync(join(rootfs, used));
      }
    },
  };
}

async function runDirectly(box: BoxInput) {
  const running = await start(box, { stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' });
  const [stdout, stderr, { exitStatus }] = await Promise.all([
    textOf(running.stdout),
    textOf(running.stderr),
    running.ended,
  ]);
  return { stdout, stderr, exitStatus };
}

async function textOf(stream: NodeJS.ReadableStream | undefined): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream ?? []) chunks.push(Buffer.from(chunk));
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.concat(chunks));
}

function expectedReport(given: Strings, { cwd, box: { command, mounts } }: SetUp, box: Box): string {
  const ended = (list: readonly string[]) => list.map(text => `${text}\0`).join('');
  const environment = Object.entries(box.env).map(([name, value]) => `${name}=${value}`);
  const ownNames = box.namespaces.uts.kind === 'new';
  const names = ownNames ? [given.hostname, given.domainname] : hostNames();
  const lines = [ended(command), ended(environment), cwd, ...names];
  if (mounts === undefined) return `${lines.join('\n')}\n`;
  const mode = Number.parseInt(given.mode ?? '1777', 8).toString(8);
  return `${[...lines, 'token', mode, `tmpfs ${blocksOf(given.size)}`].join('\n')}`;
}

/** Without a limit, tmpfs takes half of the memory: the same for both, whatever it is. */
function blocksOf(size: string | undefined): string {
  if (size === undefined) return '';
  const unit = /k$/i.test(size) ? 1024 : 1024 ** 2;
  return `${Math.ceil((Number.parseInt(size, 10) * unit) / 4096)}\n`;
}

/** As assert.equal, for texts that may be long: what it says is about the first difference. */
function assertSame(actual: string, expected: string, message: string): void {
  if (actual === expected) return;
  let start = 0;
  while (actual[start] === expected[start]) start++;
  const near = (text: string) => JSON.stringify(text.slice(Math.max(0, start - 100), start + 200));
  assert.fail(`at ${start}\n  is     ${near(actual)}\n  and not ${near(expected)}\n${message}`);
}

/** uname(2) of the caller, as a box that shares its uts namespace sees it. */
const hostNames = (): readonly string[] =>
  ['hostname', 'domainname'].map(name => readFileSync(`/proc/sys/kernel/${name}`, 'utf8').trimEnd());
