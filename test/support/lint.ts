import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execute } from './cli.js';

/** Holds scripts to what the script backend promises: bash can parse them, shellcheck and shfmt find nothing. */
export async function assertClean(scripts: readonly string[]): Promise<void> {
  assert.notEqual(scripts.length, 0);
  const directory = mkdtempSync(join(tmpdir(), 'nsgen-test-lint-'));
  try {
    const files = scripts.map((script, index) => {
      assert.doesNotMatch(script, /^\s*#\s*shellcheck\b/m, 'a directive to shellcheck');
      // Not ASCII: an auditor could be shown something else than bash gets.
      assert.match(script, /^[\n\x20-\x7e]*$/);
      writeFileSync(join(directory, `${index}.sh`), script);
      return `${index}.sh`;
    });
    const checks: readonly [string, ...string[]][] = [
      ['bash', '-c', 'for file; do bash -n "$file" || exit; done', 'bash'],
      ['shellcheck', '--norc', '--shell=bash', '--severity=style', '--format=gcc'],
      ['shfmt', '-i', '2', '-ci', '-d'],
    ];
    for (const [program, ...args] of checks) {
      const { status, stdout, stderr } = await execute(program, [...args, ...files], { cwd: directory });
      assert.equal(`${stderr}${stdout}`.slice(0, 4000), '', program);
      assert.equal(status, 0, program);
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
}
