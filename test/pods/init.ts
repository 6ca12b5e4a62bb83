import assert from 'node:assert/strict';
import { readlinkSync } from 'node:fs';

/** The init of a pod, as a box in it sees it: it can do nothing, and has nothing. */

/** Those of which it has its own, whatever the boxes share; the boxes are in that of the users, if there is one. */
const NAMESPACES = ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'uts'] as const;

/** For sh(1) in a box. */
export const LOOK_AT_INIT = [
  'grep -E "^(Cap|NoNewPrivs|Uid|Gid|Groups)" /proc/1/status',
  'cat /proc/1/comm; tr "\\0" "\\n" </proc/1/cmdline; wc -c </proc/1/environ',
  'readlink /proc/1/exe /proc/1/root /proc/1/cwd',
  'ls -A /proc/1/root/ /proc/1/cwd/ /proc/1/fd',
  'sed "s/^[0-9]* [0-9]* [0-9:]* //" /proc/1/mountinfo',
  'touch /proc/1/root/new 2>&1',
  `for type in ${NAMESPACES.join(' ')}; do readlink /proc/1/ns/$type; done`,
].join('; ');

/**
 * Asserts that it has no rights, files, descriptors or environment, and shares no namespace with the host.
 *
 * @param seen what LOOK_AT_INIT has printed.
 * @returns the same without the numbers of namespaces, which no two pods have in common.
 */
export function requireBareInit(seen: string): string {
  for (const type of NAMESPACES) {
    const own = new RegExp(`^${type}:\\[\\d+\\]$`, 'm').exec(seen)?.[0] ?? assert.fail(`${type}: ${seen}`);
    assert.notEqual(own, readlinkSync(`/proc/self/ns/${type}`));
  }
  assert.match(seen, /^CapPrm:\t0+\nCapEff:\t0+\nCapBnd:\t0+\nCapAmb:\t0+\nNoNewPrivs:\t1$/m);
  assert.match(seen, /^CapInh:\t0+$/m);
  assert.match(
    seen,
    /^nsgen-init\nnsgen-init pause\n0\n\/memfd:nsgen-init \(deleted\)\n\/\n\/\n\/proc\/1\/cwd\/:\n\n\/proc\/1\/fd:\n\n\/proc\/1\/root\/:\n/m,
  );
  assert.match(seen, /^\/ \/ ro,nosuid,nodev,noexec,relatime - tmpfs tmpfs ro,.*\ntouch: .*Read-only file system$/m);
  return seen.replace(/\[\d+\]/g, '[N]');
}
