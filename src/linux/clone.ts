import { CLONE } from './constants.js';
import { bytes, flags, integer, type SystemCall, words } from './system-call.js';

type CloneFlag = keyof typeof CLONE;

/**
 * clone3(2). A child that shares memory shares the stack too (`stack: 0`), which is safe only because neither the
 * syscall program nor its child touches it, and because CLONE_VFORK keeps the maker waiting.
 */
export function cloneCall(set: readonly CloneFlag[], exitSignal: number): SystemCall {
  const argument = flags(CLONE, ...set);
  const value = argument.kind === 'symbol' ? argument.value : 0;
  const text = argument.kind === 'symbol' ? argument.text : '0';
  // struct clone_args, first version: flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls.
  const layout = words(value, 0, 0, 0, exitSignal, 0, 0, 0);
  const signal = exitSignal === 0 ? '0' : 'SIGCHLD';
  const shown = `{flags=${text}, exit_signal=${signal}, stack=NULL, stack_size=0}`;
  return { name: 'clone3', arguments: [bytes(layout, shown), integer(layout.length)] };
}
