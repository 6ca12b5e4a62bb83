import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nsgenPath } from '../support/cli.js';
import { makeRootfs, removeRootfs } from '../support/rootfs.js';

/** The copied-binaries box twice: as the generated script, and as a person would write it. */
export interface ScriptPair {
  readonly generated: string;
  readonly byHand: string;
}

export interface CopiedBinaries {
  scripts(command: readonly string[]): ScriptPair;
  remove(): void;
}

export function copiedBinaries(): CopiedBinaries {
  const rootfs = makeRootfs(['bash', 'ps', 'ls', 'kill', 'ip', 'true']);
  let count = 0;
  return {
    scripts(command) {
      const name = join(rootfs, `pair-${++count}`);
      const box = ['--rootfs', rootfs, '--chroot', '--share', 'uts,ipc,cgroup', '--no-loopback'];
      const pair = { generated: `${name}-generated.sh`, byHand: `${name}-by-hand.sh` };
      writeFileSync(pair.generated, execFileSync(process.execPath, [nsgenPath, 'script', ...box, '--', ...command]));
      const words = [rootfs, ...command].map(word => `'${word}'`).join(' ');
      writeFileSync(
        pair.byHand,
        `#!/usr/bin/env bash\nunshare -p -n -f --mount-proc='${rootfs}/proc' chroot ${words}\n`,
      );
      return pair;
    },
    remove: () => removeRootfs(rootfs),
  };
}

/** The script of the default box, and that of the same with limits. */
export function limitedScripts() {
  const directory = mkdtempSync(join(tmpdir(), 'nsgen-bench-limits-'));
  const write = (name: string, ...flags: readonly string[]) => {
    const file = join(directory, name);
    writeFileSync(file, execFileSync(process.execPath, [nsgenPath, 'script', ...flags, '--', '/bin/true']));
    return file;
  };
  const limits = ['--memory', '256M', '--cpus', '1.5', '--pids-limit', '100'];
  return {
    scripts: { free: write('free.sh'), limited: write('limited.sh', ...limits) },
    remove: () => rmSync(directory, { recursive: true }),
  };
}
