import type { Box } from '../box/box.js';
import { BoxError } from '../box/problem.js';
import { memoryLimitOf } from '../box/resources.js';
import { Freezer } from '../host/cgroup/freezer.js';
import { type BoxCgroup, type Readings, readCgroups } from '../host/cgroup/readings.js';
import { killedForMemory, parseStats } from '../host/cgroup/stats.js';
import type { End, RunningBox } from './backend.js';
import { samples } from './samples.js';

/** What a box with cgroups of its own can be asked, and told, while it runs; and what its end has to say about them. */
export interface Accounts extends Pick<RunningBox, 'stats' | 'freeze' | 'thaw'> {
  /** Undefined unless the box has one. */
  readonly freezer: Freezer | undefined;
  /** @param read is asked for what the cgroups say, where that is of interest. */
  endWith(how: Pick<End, 'exitStatus' | 'signal'>, read: () => Readings | undefined): End;
}

/** 128 + SIGKILL: also of a shell whose child was killed. */
const KILLED = 137;

/**
 * @param cgroups may be still to come.
 * @param ended of the box; it may use what is returned here.
 */
export function accountsOf(box: Box, cgroups: readonly BoxCgroup[], ended: () => Promise<End>): Accounts {
  const began = performance.now();
  const wallTime = () => Math.round((performance.now() - began) * 1000);
  const freezer = box.freezer ? freezerOf(cgroups) : undefined;
  const requireFreezer = () => freezer ?? missing('freezer', 'must be true for a box that is to be frozen');
  return {
    freezer,

    stats({ interval = SECOND } = {}) {
      if (!box.accounting) missing('accounting', 'must be true for a box whose statistics are to be read');
      const sample = () => {
        const readings = readCgroups(cgroups);
        return readings && parseStats(readings, wallTime());
      };
      return samples(sample, ended(), interval);
    },

    async freeze() {
      let over = false;
      const noteEnd = () => {
        over = true;
      };
      ended().then(noteEnd, noteEnd);
      await requireFreezer().freeze(() => over);
    },

    thaw: async () => requireFreezer().thaw(),

    endWith({ exitStatus, signal }, read) {
      const time = wallTime();
      const killed = exitStatus === KILLED && memoryLimitOf(box.resources) !== undefined;
      const readings = killed || box.accounting ? read() : undefined;
      return {
        exitStatus,
        signal,
        outOfMemory: killed && readings !== undefined && killedForMemory(readings),
        stats: box.accounting && readings !== undefined ? parseStats(readings, time) : undefined,
      };
    },
  };
}

const SECOND = 1000;

function missing(field: string, message: string): never {
  throw new BoxError([{ field, message }]);
}

function freezerOf(cgroups: readonly BoxCgroup[]): Freezer | undefined {
  const own = cgroups.find(({ controllers }) => controllers.includes('freezer'));
  return own && new Freezer(own);
}
