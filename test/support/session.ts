import { type ChildProcess, spawn } from 'node:child_process';
import { patience } from '../guest/patience.js';

/** A program under way, in a session of its own, whose output can be waited for. */
export class Session {
  readonly child: ChildProcess;
  readonly ended: Promise<{ readonly status: number | null; readonly signal: NodeJS.Signals | null }>;
  output = '';
  #look = () => {};

  constructor(program: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env) {
    this.child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], detached: true, env });
    const collect = (chunk: Buffer) => {
      this.output += chunk.toString('utf8');
      this.#look();
    };
    this.child.stdout?.on('data', collect);
    this.child.stderr?.on('data', collect);
    this.child.stdin?.on('error', () => {});
    this.ended = new Promise((resolve, reject) => {
      this.child.on('error', reject);
      this.child.on('close', (status, signal) => resolve({ status, signal }));
    });
  }

  get pid(): number {
    const { pid } = this.child;
    if (pid === undefined) throw new Error('the program was not started');
    return pid;
  }

  type(text: string): void {
    this.child.stdin?.write(text);
  }

  /** Waits until what was written so far, from `from` on, matches. @throws Error after a minute (two in a guest), or at the end. */
  until(pattern: RegExp, from = 0): Promise<void> {
    return new Promise((resolve, reject) => {
      const fail = (why: string) => {
        this.#look = () => {};
        reject(new Error(`${why} instead of ${pattern}; so far: ${JSON.stringify(this.output)}`));
      };
      const timer = setTimeout(() => fail('nothing'), 60_000 * Math.min(patience, 2));
      const look = () => {
        if (!pattern.test(this.output.slice(from))) return;
        clearTimeout(timer);
        this.#look = () => {};
        resolve();
      };
      this.#look = look;
      this.ended.then(() => {
        look();
        clearTimeout(timer);
        fail('the end');
      }, reject);
      look();
    });
  }
}

export const delay = (milliseconds: number): Promise<void> =>
  new Promise(resolve => {
    setTimeout(resolve, milliseconds);
  });
