import { PR_SET_PDEATHSIG, SIGNALS } from './constants.js';
import { type SystemCall, symbol } from './system-call.js';

/**
 * SIGKILL when the parent ends. Another user, group or capabilities that it lacked, and so a user namespace, take it away again
 * (commit_creds in kernel/cred.c): it comes after the last of these. A parent that has ended by then sends nothing.
 */
export const deathSignal = (): SystemCall => ({
  name: 'prctl',
  arguments: [symbol('PR_SET_PDEATHSIG', PR_SET_PDEATHSIG), symbol('SIGKILL', SIGNALS.SIGKILL)],
});
