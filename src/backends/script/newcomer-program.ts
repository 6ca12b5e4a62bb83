import type { Newcomer } from '../../exec/plan.js';
import { CLONE, O, SIG_SETMASK, SIGNAL_SET_SIZE, TTY } from '../../linux/constants.js';
import { deathSignal } from '../../linux/death-signal.js';
import { architecture } from '../../linux/libc.js';
import { makeNewcomerProgram, REPORT_DESCRIPTOR } from '../../linux/newcomer-program.js';
import { notDumpable } from '../../linux/not-dumpable.js';
import { openOwnDirectory } from '../../linux/open-path.js';
import { pollIn } from '../../linux/poll.js';
import {
  bytes,
  flags,
  formatSystemCall,
  integer,
  NULL,
  type Result,
  resultOf,
  type SystemCall,
  symbol,
} from '../../linux/system-call.js';
import { capabilityCalls } from '../../plan/operations/set-capabilities.js';
import type { Plan } from '../../plan/plan.js';

/** What nsenter(1) executes last, as the script has it. */
export interface EmbeddedNewcomer {
  readonly size: number;
  /** Lines of base64, as base64(1) breaks them. */
  readonly lines: readonly string[];
  readonly before: readonly string[];
  readonly inside: readonly string[];
  /** Before the name of the command, where that has no `/`: the directories of PATH. */
  readonly prefixes: readonly string[];
}

/** What the script leaves open for the program: the working directory and, if it is entered last, the user namespace. */
export const DIRECTORY_DESCRIPTOR = 4;
export const USER_DESCRIPTOR = 5;
/** A descriptor of the program itself, for its child to ask whether it lives. */
const LIFE_DESCRIPTOR = REPORT_DESCRIPTOR + 1;

/** @param userLast whether the program enters the user namespace, with the rights of the host until then. */
export function embeddedNewcomer(newcomer: Newcomer, plan: Plan, userLast: boolean): EmbeddedNewcomer {
  const path = newcomer.env.PATH ?? '';
  const prefixes = path.split(':').map(directory => (directory === '' ? '' : `${directory}/`));
  const { elf, before, inside } = makeNewcomerProgram(architecture(), {
    before: callsBefore(newcomer, plan, userLast),
    inside: callsInside(newcomer),
    paths: prefixes.length,
  });
  return {
    size: elf.length,
    lines: elf.toString('base64').match(/.{1,76}/g) ?? [],
    before: before.map(formatSystemCall),
    inside: inside.map(formatSystemCall),
    prefixes,
  };
}

/** Nobody in the box can see who makes these: a pid namespace that is joined holds only children. */
function callsBefore({ cwd, terminal }: Newcomer, plan: Plan, userLast: boolean): readonly SystemCall[] {
  const last = symbol('~0U', 0xffff_ffff);
  return [
    notDumpable(),
    ...goTo(cwd),
    ...(userLast ? [setUser] : []),
    ...plan.flatMap(operation => (operation.kind === 'set-capabilities' ? capabilityCalls(operation) : [])),
    // Another user or other capabilities set it to what fs.suid_dumpable says: proc_sys_fs(5).
    notDumpable(),
    // script(1) has made it that of a session which has no number in the box. If script has ended before it would be told, the
    // terminal has been hung up, and cannot be given up any more (EIO).
    ...(terminal ? [blockHangup, deathSignal(), giveUpTerminal] : []),
    { name: 'close_range', arguments: [integer(REPORT_DESCRIPTOR + 1), last, integer(0)] },
    ...ownPidfd(),
  ];
}

function callsInside({ terminal }: Newcomer): readonly SystemCall[] {
  return [
    { name: 'setsid', arguments: [] },
    ...(terminal ? [{ name: 'ioctl', arguments: [integer(0), flags(TTY, 'TIOCSCTTY'), integer(0)] } as const] : []),
    deathSignal(),
    { ...pollIn(LIFE_DESCRIPTOR, 'this program'), zeroOrExit: true },
    ...(terminal ? [mask('[]', 0)] : []),
  ];
}

function goTo(cwd: Newcomer['cwd']): readonly SystemCall[] {
  if (cwd === undefined) return [{ name: 'fchdir', arguments: [integer(DIRECTORY_DESCRIPTOR)] }];
  const directory: Result = { of: `open ${cwd}` };
  return [openOwnDirectory(cwd, directory), { name: 'fchdir', arguments: [resultOf(directory)] }];
}

const setUser: SystemCall = { name: 'setns', arguments: [integer(USER_DESCRIPTOR), flags(CLONE, 'CLONE_NEWUSER')] };

function mask(text: string, signals: number): SystemCall {
  const set = new Uint8Array(SIGNAL_SET_SIZE);
  set[0] = signals;
  return {
    name: 'rt_sigprocmask',
    arguments: [symbol('SIG_SETMASK', SIG_SETMASK), bytes(set, text), NULL, integer(SIGNAL_SET_SIZE)],
  };
}

/** Who gives a terminal up gets it: ioctl_tty(2). */
const blockHangup = mask('[HUP]', 1);
const giveUpTerminal: SystemCall = {
  name: 'ioctl',
  arguments: [integer(0), flags(TTY, 'TIOCNOTTY'), integer(0)],
};

function ownPidfd(): readonly SystemCall[] {
  const own: Result = { of: 'getpid' };
  const opened: Result = { of: 'pidfd_open' };
  return [
    { name: 'getpid', arguments: [], result: own },
    { name: 'pidfd_open', arguments: [resultOf(own), integer(0)], result: opened },
    {
      name: 'dup3',
      arguments: [resultOf(opened), integer(LIFE_DESCRIPTOR), flags(O, 'O_CLOEXEC')],
      // It is that already.
      tolerate: ['EINVAL'],
    },
  ];
}
