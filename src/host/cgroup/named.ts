import { readdirSync, statSync } from 'node:fs';
import { cgroupMounts, type Mount } from './mounts.js';
import { makerOf } from './name.js';

/** The cgroups with names of nsgen's, in every hierarchy that is mounted here, wherever they are below. */

export interface NamedCgroup {
  readonly name: string;
  readonly directory: string;
  readonly mount: Mount;
}

export function namedCgroups(mounts = cgroupMounts()): readonly NamedCgroup[] {
  const seen = new Set<string>();
  return mounts.flatMap(mount => {
    const identity = identityOf(mount.point);
    // Something else may have been mounted over it.
    if (identity?.device !== mount.device) return [];
    return below(mount.point).flatMap(({ name, directory }) => {
      // One cgroup can be below two mounts, one of a part of what the other shows.
      const own = identityOf(directory);
      const key = `${own?.device}:${own?.inode}`;
      if (own?.device !== mount.device || seen.has(key)) return [];
      seen.add(key);
      return [{ name, directory, mount }];
    });
  });
}

function identityOf(path: string) {
  try {
    const { dev, ino } = statSync(path);
    return { device: dev, inode: ino };
  } catch {
    return undefined;
  }
}

/** Those that a cgroup has made inside come after it. */
function below(directory: string): readonly { readonly name: string; readonly directory: string }[] {
  const found: { name: string; directory: string }[] = [];
  // Not by calls within calls: a box can make its cgroups as deep as it likes. What no path leads to is left out.
  const ahead = [directory];
  for (let here = ahead.pop(); here !== undefined; here = ahead.pop())
    for (const name of directoriesIn(here)) {
      const path = `${here}/${name}`;
      ahead.push(path);
      if (makerOf(name) !== undefined) found.push({ name, directory: path });
    }
  return found;
}

function directoriesIn(directory: string): readonly string[] {
  try {
    // A directory has a link for each directory in it, and two besides: fifty times faster than reading it.
    if (statSync(directory).nlink === 2) return [];
    const entries = readdirSync(directory, { withFileTypes: true });
    return entries.flatMap(entry => (entry.isDirectory() ? [entry.name] : []));
  } catch {
    return [];
  }
}
