import { readFileSync, readlinkSync } from 'node:fs';
import type { Target } from './target.js';

/**
 * Where the process sees a procfs in which the caller is seen: one of a pid namespace outside of its own. Undefined: nowhere. In
 * each, `self` is the number of who reads it, and there is none for somebody whom that pid namespace does not have: proc(5).
 */
export function outerProc({ directory }: Target): string | undefined {
  const own = `/proc/self/fd/${directory}`;
  return procMounts(readFileSync(`${own}/mountinfo`, 'latin1')).find(point =>
    leadsToCaller(Buffer.from(`${own}/root${point}/self`, 'latin1')),
  );
}

/** Their mount points, a character for each byte. What is bound from within one, such as its `sys`, shows no process. */
function procMounts(mountinfo: string): readonly string[] {
  return mountinfo.split('\n').flatMap(line => {
    const [before = '', after = ''] = line.split(' - ');
    const [, , , root, point = ''] = before.split(' ');
    return root === '/' && after.startsWith('proc ') ? [point.replace(/\\([0-3][0-7]{2})/g, ofOctal)] : [];
  });
}

const ofOctal = (_: string, digits: string) => String.fromCharCode(Number.parseInt(digits, 8));

/** What cannot be looked at may be one. */
function leadsToCaller(self: Buffer): boolean {
  try {
    readlinkSync(self);
    return true;
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ENOENT');
  }
}
