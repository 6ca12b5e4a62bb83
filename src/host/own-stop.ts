import { SIG_BLOCK, SIG_UNBLOCK, SIGNAL_SET_SIZE, SIGNALS } from '../linux/constants.js';
import { libc } from '../linux/libc.js';
import { runCalls } from '../linux/program.js';
import { bytes, integer, NULL, type SystemCall, symbol, words } from '../linux/system-call.js';
import { statOf } from './process.js';

/**
 * Stopping this process, unless SIGCONT has come in the time that it took to get there. Whatever sends that, and at whatever
 * moment, the kernel takes every stop signal away that is pending: signal(7). So one is made pending, and blocked; once
 * it is not blocked any more, the process stops, or it is gone. Of the thread, as Node's others block nothing.
 *
 * Not SIGTSTP, for which there is a handler; and SIGSTOP cannot be blocked.
 */

const SIGTTOU = symbol('SIGTTOU', SIGNALS.SIGTTOU);
const ONLY_SIGTTOU = bytes(words(2 ** (SIGNALS.SIGTTOU - 1)), '[SIGTTOU]');

const mask = (name: string, how: number): SystemCall => ({
  name: 'rt_sigprocmask',
  arguments: [symbol(name, how), ONLY_SIGTTOU, NULL, integer(SIGNAL_SET_SIZE)],
});
const unblock = mask('SIG_UNBLOCK', SIG_UNBLOCK);

/** Before there is a box: once it runs, nothing is loaded any more (build-command.mjs). */
export function loadToStop(): void {
  try {
    libc();
  } catch {
    // The backend that cannot do without says so.
  }
}

/** From now on SIGCONT counts. */
export function prepareToStop(): void {
  const raise: SystemCall = { name: 'tgkill', arguments: [integer(process.pid), integer(process.pid), SIGTTOU] };
  make([mask('SIG_BLOCK', SIG_BLOCK), raise]);
}

/** Stops, and returns when this process goes on; or at once, after SIGCONT. */
export function stopUnlessContinued(): void {
  if (!groupIsOrphaned() && make([unblock])) return;
  forgetToStop();
  process.kill(process.pid, 'SIGSTOP');
}

/** Then no shell sees it stop, and of all signals only SIGSTOP does it: setpgid(2). Asked of the ancestors in the group. */
function groupIsOrphaned(): boolean {
  const own = statOf('self');
  for (
    let parent = own && statOf(own.parent);
    parent?.session === own?.session;
    parent = parent && statOf(parent.parent)
  )
    if (parent === undefined || parent.group !== own?.group) return parent === undefined;
  return true;
}

/** There is no reason to stop any more. */
export function forgetToStop(): void {
  const take: SystemCall = {
    name: 'rt_sigtimedwait',
    arguments: [ONLY_SIGTTOU, NULL, bytes(words(0, 0), '{tv_sec=0, tv_nsec=0}'), integer(SIGNAL_SET_SIZE)],
    tolerate: ['EAGAIN', 'EINTR'],
  };
  make([take, unblock]);
}

/** The script backend does without ffi-rs where there is none. Then SIGCONT must not come in the very last moment. */
function make(calls: readonly SystemCall[]): boolean {
  try {
    return runCalls(calls).failure === undefined;
  } catch {
    return false;
  }
}
