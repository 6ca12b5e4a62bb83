import { readdirSync } from 'node:fs';
import { hasOwnProc, INITIAL_PID_NAMESPACE, ownPidNamespaceInode, pidNamespaceInode } from '../pid-namespace.js';
import { hasEnded, isAlive, numbersOf, statOf } from '../process.js';
import type { Maker } from './name.js';

/**
 * Which makers of cgroups have ended, as far as that is to be known from here. The number of a process means nothing in
 * another pid namespace. Of one that is gone, everybody has ended; but only in that of the whole machine, which shows all
 * processes, is that to be seen. Its inode comes again with the next: then everybody in there has started later.
 *
 * @returns a function for one look: it asks for each thing once, when it first needs it.
 */
export function endedMakers(): (maker: Maker) => boolean {
  const own = ownPidNamespaceInode();
  let sees: boolean | undefined;
  let namespaces: Namespaces | undefined;
  return maker => {
    sees ??= hasOwnProc();
    if (!sees) return false;
    if (maker.namespace === own) return !isAlive(maker);
    if (own !== INITIAL_PID_NAMESPACE) return false;
    namespaces ??= inhabited();
    return (
      namespaces !== 'unknown' && (namespaces.get(maker.namespace) ?? Number.POSITIVE_INFINITY) > Number(maker.start)
    );
  };
}

/** Of each pid namespace that somebody is in, when the first of them has started. Not all processes may be looked at. */
type Namespaces = ReadonlyMap<string, number> | 'unknown';

function inhabited(): Namespaces {
  const pids = readdirSync('/proc').filter(name => /^\d+$/.test(name));
  // Whom hidepid hides is not even listed: proc(5).
  if (!pids.includes('1')) return 'unknown';
  const first = new Map<string, number>();
  for (const pid of pids.map(Number)) {
    const namespace = namespaceOf(pid);
    if (namespace === 'unknown') return 'unknown';
    const stat = statOf(pid);
    if (namespace === undefined || stat === undefined || hasEnded(stat)) continue;
    const start = Number(stat.start);
    first.set(namespace, Math.min(start, first.get(namespace) ?? start));
  }
  return first;
}

/** Undefined when it has ended. */
function namespaceOf(pid: number): string | undefined {
  try {
    return pidNamespaceInode(pid);
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH'))
      return undefined;
    // It need not be one that may be traced: who has one number only is in that of the whole machine.
    return numbersOf(pid).length === 1 ? INITIAL_PID_NAMESPACE : 'unknown';
  }
}
