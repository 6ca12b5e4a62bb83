import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { SECTIONS } from '../../src/compare/probe.js';
import { nsgen } from '../support/cli.js';
import { makeRootfs, removeRootfs } from '../support/rootfs.js';
import { startHolder } from './holder.js';

const UNIQUE = ['sh', '-c', 'echo same; cat /proc/sys/kernel/random/uuid; echo same'];

describe('nsgen compare', () => {
  it('ends with 0 and a line for each section when both are the same', async () => {
    const { status, stdout, stderr } = await nsgen(['compare', '--hostname', 'twin', '--', 'ps', '-ef']);
    assert.equal(stderr, '');
    assert.equal(status, 0);
    const lines = stdout.split('\n');
    assert.equal(lines[0], 'the command');
    assert.equal(lines[1], '  same       exit status: 0');
    for (const section of SECTIONS) assert.ok(lines.includes(`  same       ${section}`), section);
    assert.equal(lines.at(-2), `the same: ${SECTIONS.length + 3} of ${SECTIONS.length + 3}`);
  });

  it('ends with 1 and shows both sides when something differs', async () => {
    const { status, stdout } = await nsgen(['compare', '--', ...UNIQUE], { env: { ...process.env, COLUMNS: '100' } });
    assert.equal(status, 1);
    assert.match(stdout, /^ {2}DIFFERENT {2}stdout$/m);
    assert.match(stdout, /^ {2}same {46}same$/m);
    assert.match(stdout, /^ {2}[0-9a-f-]{36} {12}\| [0-9a-f-]{36}$/m);
    assert.match(stdout, /^different: 1 of 23$/m);
    for (const line of stdout.split('\n')) assert.ok(line.length <= 100, line);
  });

  it('compares exit statuses', async () => {
    // Under the script the command has grandparents; only in a pid namespace that is shared can it ask.
    const words = ['sh', '-c', 'read -r name </proc/$PPID/comm; test "$name" = unshare'];
    const { status, stdout } = await nsgen(['compare', '--share', 'pid', '--', ...words]);
    assert.equal(status, 1);
    assert.match(stdout, /DIFFERENT {2}exit status\n.*\n {2}1 +\| 0$/m);
  });

  it('prints JSON', async () => {
    const { status, stdout } = await nsgen(['compare', '--json', '--', 'sh', '-c', 'printf ü; exit 3']);
    assert.equal(status, 0);
    const comparison = JSON.parse(stdout);
    assert.equal(comparison.same, true);
    assert.deepEqual(comparison.command, [
      { name: 'exit status', same: true, ffi: '3\n', script: '3\n' },
      { name: 'stdout', same: true, ffi: 'ü', script: 'ü' },
      { name: 'stderr', same: true, ffi: '', script: '' },
    ]);
    assert.deepEqual(
      comparison.world.map((section: { readonly name: string }) => section.name),
      [...SECTIONS],
    );
  });

  it('says that a command is found under neither', async () => {
    const { status, stdout } = await nsgen(['compare', '--', 'no-such-program']);
    assert.equal(status, 0);
    assert.match(stdout, /^ {2}same {7}exit status: 127$/m);
  });

  it('ends with 2 for a box that is refused', async () => {
    const { status, stdout, stderr } = await nsgen(['compare', '--hostname', 'x', '--share', 'uts', '--', 'true']);
    assert.equal(status, 2);
    assert.equal(stdout, '');
    assert.match(stderr, /^nsgen: hostname: /);
  });

  it('ends with 2 for a box that one backend refuses', async () => {
    const holder = await startHolder(['--mount']);
    try {
      const join = `mount:/proc/${holder.pid}/ns/mnt`;
      const { status, stderr } = await nsgen(['compare', '--join', join, '--workdir', '/', '--', 'true']);
      assert.equal(status, 2);
      assert.match(stderr, /^nsgen: cwd: the script cannot do this/);
    } finally {
      await holder.end();
    }
  });

  describe('in a rootfs', () => {
    let rootfs: string;
    let bare: string;
    before(() => {
      rootfs = makeRootfs(['sh', 'cat'], ['proc']);
      bare = makeRootfs(['cat'], ['proc']);
    });
    after(() => {
      removeRootfs(rootfs);
      removeRootfs(bare);
    });

    it('without tools says what cannot be seen, and compares the rest', async () => {
      const { status, stdout } = await nsgen([
        'compare',
        '--rootfs',
        rootfs,
        '--json',
        '--',
        '/bin/cat',
        '/proc/sys/kernel/random/uuid',
      ]);
      assert.equal(status, 1, 'the output of the command is never the same');
      const { world, command } = JSON.parse(stdout);
      assert.deepEqual(
        world.filter((section: { readonly same: boolean }) => !section.same),
        [],
      );
      assert.deepEqual(
        command.map((part: { readonly same: boolean }) => part.same),
        [true, false, true],
      );
    });

    it('without /bin/sh says in one line that the world cannot be looked at', async () => {
      const { status, stdout } = await nsgen([
        'compare',
        '--rootfs',
        bare,
        '--',
        '/bin/cat',
        '/proc/sys/kernel/ostype',
      ]);
      assert.equal(status, 0);
      assert.match(stdout, /^the world cannot be looked at from inside: the box has no \/bin\/sh that runs$/m);
      assert.match(stdout, /^the same: 3 of 3$/m);
    });
  });
});
