import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What `npm test` does: sees to the host's tools, then runs every test file. */

/** Programs that the tests call, each with the Debian and Ubuntu package it comes in. */
const TOOLS: Readonly<Record<string, string>> = {
  'aarch64-linux-gnu-objdump': 'binutils-aarch64-linux-gnu',
  bwrap: 'bubblewrap',
  capsh: 'libcap2-bin',
  catatonit: 'catatonit',
  cc: 'gcc libc6-dev',
  'dumb-init': 'dumb-init',
  filefrag: 'e2fsprogs',
  hostname: 'hostname',
  ip: 'iproute2',
  'mkfs.btrfs': 'btrfs-progs',
  objdump: 'binutils',
  perl: 'perl-base',
  ps: 'procps',
  pstree: 'psmisc',
  python3: 'python3-minimal',
  'qemu-aarch64-static': 'qemu-user-static',
  'qemu-system-aarch64': 'qemu-system-arm',
  'qemu-system-x86_64': 'qemu-system-x86',
  runc: 'runc',
  script: 'bsdutils',
  setpriv: 'util-linux',
  shellcheck: 'shellcheck',
  shfmt: 'shfmt',
  strace: 'strace',
  'tini-static': 'tini',
  xz: 'xz-utils',
};

/** The system's own come first, not wrappers of the same name; some live where only root's PATH looks. */
process.env.PATH = `/usr/sbin:/usr/bin:/sbin:/bin:${process.env.PATH}`;
/** script(1) has it run its command, and shells differ in how they end: without it, it is sh everywhere. */
delete process.env.SHELL;

const isMissing = (tool: string) => spawnSync('/bin/sh', ['-c', 'command -v -- "$1"', 'sh', tool]).status !== 0;

function provideTools(): boolean {
  const missing = Object.keys(TOOLS).filter(isMissing);
  if (missing.length === 0) return true;
  const packages = [...new Set(missing.flatMap(tool => TOOLS[tool]?.split(' ') ?? []))].join(' ');
  const install = `apt-get update && apt-get install -y --no-install-recommends ${packages}`;
  if (process.getuid?.() !== 0 || isMissing('apt-get')) {
    console.error(
      `The tests need these programs: ${missing.join(', ')}. On Debian and Ubuntu:\n\n    sudo sh -c '${install}'\n`,
    );
    return false;
  }
  console.log(`Installing what the tests need: ${packages}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const { status } = spawnSync('/bin/sh', ['-c', install], { env, stdio: ['ignore', 'ignore', 'inherit'] });
  const still = missing.filter(isMissing);
  if (status !== 0 || still.length > 0) console.error(`Could not install ${still.join(', ')}: ${install}`);
  return still.length === 0;
}

/** Test files in here run in a guest: test/guest/ starts it. */
const IN_GUESTS = ['inside', 'arm64'];

function testFiles(directory: string): readonly string[] {
  return readdirSync(directory, { withFileTypes: true })
    .flatMap(entry => {
      const path = join(directory, entry.name);
      if (entry.isDirectory()) return IN_GUESTS.includes(entry.name) ? [] : testFiles(path);
      return entry.name.endsWith('.test.js') ? [path] : [];
    })
    .sort();
}

/** Names on the command line choose: `npm test -- fuzz quote` runs the files whose path has one of them in it. */
function chosen(files: readonly string[], names: readonly string[]): readonly string[] {
  return names.length === 0 ? files : files.filter(file => names.some(name => file.includes(name)));
}

async function main(): Promise<number> {
  if (!provideTools()) return 1;
  if (process.getuid?.() !== 0) {
    console.error(
      'The tests start boxes of every kind, as root and as an ordinary user: run them as root, sudo npm test',
    );
    return 1;
  }
  const files = chosen(testFiles(dirname(fileURLToPath(import.meta.url))), process.argv.slice(2));
  if (files.length === 0) {
    console.error(`No test file has ${process.argv.slice(2).join(' or ')} in its path`);
    return 1;
  }
  const guests = files.filter(file => STARTS_GUEST.some(name => file.endsWith(name)));
  const hosts = files.filter(file => !guests.includes(file));
  // A guest is another machine, and keeps one CPU busy for minutes: the rest goes on meanwhile.
  const [ofHost, ofGuests] = await Promise.all([runHosts(hosts), run(guests, hosts.length === 0 ? 'inherit' : 'pipe')]);
  process.stdout.write(ofGuests.output);
  return ofHost || ofGuests.status;
}

/** Those that start several boxes at a time come last: the guests have ended by then, and there is a CPU for each. */
async function runHosts(files: readonly string[]): Promise<number> {
  const first = await run(
    files.filter(file => !isConcurrent(file)),
    'inherit',
  );
  const last = await run(files.filter(isConcurrent), 'inherit');
  return first.status || last.status;
}

const isConcurrent = (file: string): boolean => basename(dirname(file)) === 'differential';

const STARTS_GUEST = ['guest/cgroup2.test.js', 'guest/arm64.test.js'];

/** One file at a time: several of them look at what boxes leave behind on the whole host. */
async function run(files: readonly string[], output: 'inherit' | 'pipe') {
  if (files.length === 0) return { status: 0, output: '' };
  // Boxes with names are kept there: those of whoever runs the tests are none of theirs.
  const boxes = mkdtempSync(join(tmpdir(), 'boxes-of-nsgen-tests-'));
  const env = { ...process.env, NSGEN_STATE_DIRECTORY: boxes };
  const args = ['--test', '--test-concurrency=1', '--test-timeout=1500000', '--test-reporter=spec', ...files];
  // What goes on without nsgen is left to whoever reaps orphans, and a pid namespace ends only when all in it have been: on
  // this host that may be somebody who is slow, or nobody.
  const child = spawn('tini-static', ['-s', '--', process.execPath, ...args], {
    stdio: ['inherit', output, output],
    env,
  });
  const chunks: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', chunk => chunks.push(chunk));
  const [status] = await once(child, 'close');
  rmSync(boxes, { recursive: true });
  return { status: typeof status === 'number' ? status : 1, output: Buffer.concat(chunks).toString() };
}

process.exitCode = await main();
