import type { RunningBox } from '../backends/backend.js';
import { pause } from '../host/clock.js';
import { forgetToStop, prepareToStop, stopUnlessContinued } from '../host/own-stop.js';
import { report, write } from './output.js';

/** Milliseconds for a command that restores the terminal before it stops. */
const TIME_TO_STOP = 50;

interface Attempt {
  /** SIGCONT has come since. */
  continued: boolean;
  /** The box is being stopped: it can only go on once it has. */
  stopping: boolean;
}

/** SIGTSTP stops the box and then this process, and SIGCONT lets both go on: also one that comes on the way. */
export class Suspension {
  readonly #running: Pick<RunningBox, 'kill' | 'suspend' | 'resume'>;
  #attempt: Attempt | undefined;
  #last = Promise.resolve();

  constructor(running: Pick<RunningBox, 'kill' | 'suspend' | 'resume'>) {
    this.#running = running;
  }

  /** After SIGTSTP for the box. */
  begin(): void {
    if (this.#attempt?.continued === false) return;
    const attempt = { continued: false, stopping: false };
    this.#attempt = attempt;
    prepareToStop();
    this.#last = this.#last.then(() => this.#suspend(attempt)).catch(error => this.#giveUp(attempt, error));
  }

  /** SIGCONT has come. */
  end(): void {
    const attempt = this.#attempt;
    if (attempt !== undefined) attempt.continued = true;
    if (!attempt?.stopping) this.#tryToResume();
  }

  /** The shell gets its terminal back, and nothing of the box may still be reading from it. */
  async #suspend(attempt: Attempt): Promise<void> {
    await pause(TIME_TO_STOP);
    if (attempt.continued) return forgetToStop();
    attempt.stopping = true;
    const going = await this.#running.suspend();
    attempt.stopping = false;
    if (going > 0) write(2, `nsgen: processes of the box that go on, because others let them: ${going}\n`);
    if (attempt.continued) {
      forgetToStop();
      this.#resume();
      return;
    }
    stopUnlessContinued();
  }

  /** Neither stops, then: what has stopped of the box goes on. */
  #giveUp(attempt: Attempt, error: unknown): void {
    attempt.continued = true;
    attempt.stopping = false;
    forgetToStop();
    report(error, 'the box cannot be stopped, and goes on');
    this.#tryToResume();
  }

  #tryToResume(): void {
    try {
      this.#resume();
    } catch (error) {
      report(error, 'the box cannot be told to go on (SIGCONT to its processes does it)');
    }
  }

  #resume(): void {
    this.#running.resume();
    this.#running.kill('SIGCONT');
  }
}
