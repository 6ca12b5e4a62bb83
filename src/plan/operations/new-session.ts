import type { OperationKind } from '../operation.js';

/**
 * The process of the box leads a session and a process group of its own, with no terminal: it cannot push characters into
 * that of the caller (TIOCSTI), nor take part in its job control, and what the keys send reaches it only if it is passed on.
 */
export interface NewSession {
  readonly kind: 'new-session';
}

export const newSession: OperationKind<NewSession> = {
  describe: () => 'lead a new session, without a terminal',
  systemCalls: () => [{ name: 'setsid', arguments: [] }],
};
