import { CLONE } from './constants.js';
import { bytes, flags, integer, type Result, type SystemCall, words } from './system-call.js';

type CloneFlag = keyof typeof CLONE;

/**
 * clone3(2). A child that shares memory shares the stack too (`stack: 0`), which is safe only because neither the
 * syscall program nor its child touches it, and because CLONE_VFORK keeps the maker waiting.
 *
 * @param cgroup of version 2, that the child begins in.
 */
export function cloneCall(set: readonly CloneFlag[], exitSignal: number, cgroup?: Result): SystemCall {
  const argument = flags(CLONE, ...set, ...(cgroup === undefined ? [] : (['CLONE_INTO_CGROUP'] as const)));
  const value = argument.kind === 'symbol' ? argument.value : 0;
  const text = argument.kind === 'symbol' ? argument.text : '0';
  // struct clone_args: flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, and since Linux 5.7
  // set_tid, set_tid_size, cgroup.
  const layout = words(value, 0, 0, 0, exitSignal, 0, 0, 0, ...(cgroup === undefined ? [] : [0, 0, 0]));
  const signal = exitSignal === 0 ? '0' : 'SIGCHLD';
  const shown = `{flags=${text}, exit_signal=${signal}, stack=NULL, stack_size=0${cgroup === undefined ? '' : `, cgroup=<${cgroup.of}>`}}`;
  const fields = cgroup === undefined ? [] : [{ offset: layout.length - 8, result: cgroup }];
  return { name: 'clone3', arguments: [bytes(layout, shown, fields), integer(layout.length)] };
}
