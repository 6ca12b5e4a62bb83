import { closeSync, openSync, writeSync } from 'node:fs';
import type { Caller } from '../../plan/operation.js';
import { type Claim, claimName } from '../../state/claim.js';
import type { WantedName } from '../backend.js';
import { EXIT_STATUS } from '../failure.js';

/** Loaded only for a box that is to have a name: see build-command.mjs. */

/** A name that a box has as long as this process waits for its end, and afterwards. */
export interface TakenName {
  readonly life: NonNullable<Caller['life']>;
  /** The box runs. */
  started(): void;
  /** It does not. One whose command could not be executed (126, 127) has ended; any other has never been. */
  failed(exitStatus: number | undefined): void;
  /** Writes down how it has ended. */
  ended(exitStatus: number): void;
  /** And nothing is left of it but that. */
  close(): void;
}

/** @throws StateError when the name is in use. */
export function takeName({ name, input }: WantedName, command: readonly string[]): TakenName {
  const claim = claimName({ name, command, pod: undefined, backend: 'ffi', foreground: true, box: input });
  let proc = -1;
  const closeProc = () => {
    if (proc >= 0) closeSync(proc);
    proc = -1;
  };
  const ended = (exitStatus: number) => {
    writeSync(claim.life, Uint8Array.of(exitStatus));
  };
  try {
    proc = openSync('/proc', 'r');
  } catch (error) {
    claim.remove();
    throw error;
  }
  return {
    life: { descriptor: claim.life, proc },
    started: closeProc,
    failed(exitStatus) {
      closeProc();
      if (exitStatus !== EXIT_STATUS.notFound && exitStatus !== EXIT_STATUS.notExecutable) return remove(claim);
      ended(exitStatus);
      claim.close();
    },
    ended,
    close: claim.close,
  };
}

/** What is wrong is why the box has not started. */
function remove(claim: Claim): void {
  try {
    claim.remove();
  } catch {
    claim.close();
  }
}
