import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';

/**
 * A directory that only this test file has, as its TMPDIR: what appears there is of its making, whatever runs beside
 * it. It is removed at the end.
 */
export function ownDirectory(name: string): string {
  const directory = mkdtempSync(join(tmpdir(), `nsgen-test-${name}-`));
  process.env.TMPDIR = directory;
  after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
