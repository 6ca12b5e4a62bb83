import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { lstatSync } from 'node:fs';

const RENAMEAT2 = process.arch === 'x64' ? 316 : 276;
/** renameat2(2) with RENAME_EXCHANGE has no program of its own. At no moment is either name missing. */
const EXCHANGE = `syscall(${RENAMEAT2}, -100, $one, -100, $two, 2) == 0 or die $!`;

/**
 * Swaps two names, up to some hundred thousand times a second, as long as something is done; afterwards each is what it was.
 *
 * @param pause with pauses of up to so many seconds in between: some boxes see a change, some do not.
 */
export async function whileSwapping(one: string, two: string, pause: number, body: () => Promise<void>): Promise<void> {
  const inode = lstatSync(one).ino;
  const wait = pause > 0 ? `select undef, undef, undef, rand ${pause}` : '';
  const loop = `my ($one, $two) = @ARGV; while (1) { ${EXCHANGE}; ${wait} }`;
  const swapper = spawn('perl', ['-e', loop, one, two], { stdio: ['ignore', 'ignore', 'inherit'] });
  const gone = new Promise(resolve => swapper.on('close', resolve));
  try {
    await body();
    assert.equal(swapper.exitCode, null, 'the swapper swaps until the end');
  } finally {
    swapper.kill('SIGKILL');
    await gone;
    if (lstatSync(one).ino !== inode) execFileSync('perl', ['-e', `my ($one, $two) = @ARGV; ${EXCHANGE}`, one, two]);
  }
}
