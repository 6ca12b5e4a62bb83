import { readFileSync, writeFileSync } from 'node:fs';
import { pause } from '../clock.js';
import { written } from './files.js';
import type { BoxCgroup } from './readings.js';

/** Stops all processes of a cgroup at once, wherever they are, and lets them go on: cgroups(7). */
export class Freezer {
  readonly #directory: string;
  readonly #version: 1 | 2;
  /** Whether it was last told to freeze. */
  #wanted = false;

  constructor({ directory, version }: BoxCgroup) {
    this.#directory = directory;
    this.#version = version;
  }

  /** Tells the kernel, which takes a moment: a process stops when it is about to return from it. */
  #begin(): void {
    this.#wanted = true;
    if (this.#version === 1) this.#write('freezer.state', 'FROZEN');
    else this.#write('cgroup.freeze', '1');
  }

  /**
   * Resolves when every process has stopped.
   *
   * @param hasEnded whether there is nobody any more to be frozen; as long as not, the cgroup may be still to come.
   */
  async freeze(hasEnded: () => boolean): Promise<void> {
    this.#wanted = true;
    for (let delay = 1; !this.#freezes(); delay = Math.min(2 * delay, 50)) {
      if (hasEnded()) throw new Error('nothing to freeze: the box has ended');
      await pause(delay);
      if (!this.#wanted) throw new Error('the box was thawed before all of it had stopped');
    }
  }

  /** Everybody is let go at once. */
  thaw(): void {
    this.#wanted = false;
    thawCgroup(this.#directory);
  }

  /** Whether all have stopped. In version 1, one that has been forked meanwhile is found by asking again. */
  #freezes(): boolean {
    try {
      this.#begin();
      if (this.#version === 1) return this.#read('freezer.state') === 'FROZEN\n';
      return /^frozen 1$/m.test(this.#read('cgroup.events'));
    } catch (error) {
      // Not there yet, or gone. Whether it is there now says nothing: it may have come since.
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      if (code === 'ENOENT' || code === 'ENODEV') return false;
      throw error;
    }
  }

  #read(file: string): string {
    return readFileSync(`${this.#directory}/${file}`, 'utf8');
  }

  #write(file: string, value: string): void {
    writeFileSync(`${this.#directory}/${file}`, value, { flag: 'r+' });
  }
}

/** What it has no file for, or what is gone, is not frozen. */
export function thawCgroup(directory: string): void {
  for (const [file, value] of THAWED) written(`${directory}/${file}`, value);
}

const THAWED = [
  ['cgroup.freeze', '0'],
  ['freezer.state', 'THAWED'],
] as const;
