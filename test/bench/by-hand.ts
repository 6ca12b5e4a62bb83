import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
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
