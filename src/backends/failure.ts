/** Exit statuses of docker run, env(1) and chroot(1): what failed was nsgen, not the command. */
export const EXIT_STATUS = { ok: 0, different: 1, refused: 2, failed: 125, notExecutable: 126, notFound: 127 } as const;

/** A box that could not be started. Nothing of it is left. */
export class StartError extends Error {
  override readonly name = 'StartError';
  readonly exitStatus: number;

  constructor(message: string, exitStatus: number) {
    super(message);
    this.exitStatus = exitStatus;
  }
}

/** What an error says that nsgen is to end with. Not by its class: each bundle of the command has classes of its own. */
export function exitStatusIn(error: unknown): number | undefined {
  const status = error instanceof Error && 'exitStatus' in error ? error.exitStatus : undefined;
  return typeof status === 'number' ? status : undefined;
}
