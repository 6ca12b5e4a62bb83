import { closeSync, constants as fileConstants, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
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
 * A file without a name: nothing is left behind however this process ends. A pipe bash would read byte by byte, and an
 * argument is limited to 128 KiB.
 */
function openWithoutName(text: string): number {
  const file = openTemporary();
  writeFileSync(file, text);
  return file;
}

/** open(2). Node has no name for it; O_DIRECTORY, which it includes, differs between architectures. */
const O_TMPFILE = 0o20000000 | fileConstants.O_DIRECTORY;

function openTemporary(): number {
  try {
    return openSync(tmpdir(), O_TMPFILE | fileConstants.O_RDWR, 0o600);
  } catch {
    // Not every file system can: there, the name is gone before bash reads the file.
    const directory = mkdtempSync(join(tmpdir(), 'nsgen-'));
    try {
      return openSync(join(directory, 'box.sh'), 'wx+', 0o600);
    } finally {
      rmSync(directory, { recursive: true });
    }
  }
}
