import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import type { Backend, End, RunningBox } from '../backend.js';
import { EXIT_STATUS, StartError } from '../failure.js';
import { renderScript } from './render.js';

/** Carries a plan out by having bash run the rendered script. */
export const scriptBackend: Backend = {
  name: 'script',
  async start(box, { stdin, stdout, stderr }): Promise<RunningBox> {
    const script = openWithoutName(renderScript(box));
    try {
      // setpriv, so that bash too, which watches over the box, dies with this process.
      const subprocess = execa('setpriv', ['--pdeathsig', 'KILL', '--', 'bash', `/proc/${process.pid}/fd/${script}`], {
        stdio: [stdin, stdout, stderr],
        buffer: false,
        encoding: 'buffer',
        reject: false,
        cleanup: false,
      });
      const { pid } = subprocess;
      if (pid === undefined)
        throw new StartError('cannot start bash: setpriv (util-linux) or bash is missing', EXIT_STATUS.failed);
      const ended = subprocess.then((result): End => {
        closeSync(script);
        return { exitStatus: result.exitCode ?? 128 + signalNumber(result.signal), signal: result.signal };
      });
      return {
        pid,
        stdin: subprocess.stdin ?? undefined,
        stdout: subprocess.stdout ?? undefined,
        stderr: subprocess.stderr ?? undefined,
        kill: signal => subprocess.kill(signal),
        // The script does when it gets SIGTSTP.
        suspend: () => {},
        ended,
      };
    } catch (error) {
      closeSync(script);
      throw error;
    }
  },
};

const signalNumber = (name: NodeJS.Signals | undefined) => (name === undefined ? 0 : constants.signals[name]);

/**
 * A file that is gone from its directory before bash reads it: nothing is left behind however this process ends. A
 * pipe bash would read byte by byte, and an argument is limited to 128 KiB.
 */
function openWithoutName(text: string): number {
  const directory = mkdtempSync(join(tmpdir(), 'nsgen-'));
  try {
    const file = join(directory, 'box.sh');
    writeFileSync(file, text, { mode: 0o600 });
    return openSync(file, 'r');
  } finally {
    rmSync(directory, { recursive: true });
  }
}
