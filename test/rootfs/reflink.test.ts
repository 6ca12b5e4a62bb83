import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { execute, nsgenPath } from '../support/cli.js';
import { ownDirectory } from '../support/own-directory.js';

/** `--link` on a file system that has reflinks: btrfs in a file, mounted in a mount namespace of its own. */

const directory = ownDirectory('rootfs-reflink');

/** $1 is the file, $2 where it is mounted; the rest makes a rootfs. The device goes with the mount, and that with the namespace. */
const ON_BTRFS = `
set -e
place=$2
truncate -s 128M "$1"
mkfs.btrfs -q "$1" >/dev/null
mount -o loop "$1" "$place"
head -c 1000000 /dev/urandom >"$place/data"
shift 2
"$@"
dd if="$place/data" of="$place/other" bs=1M status=none
sync -f "$place"
cmp "$place/data" "$place/root$place/data"
cd "$place"
stat -c %i data "root$place/data" | uniq | wc -l
for file in data "root$place/data" other; do
  if filefrag -v "$file" | grep -q shared; then echo shared; else echo own; fi
done`;

test('a file is another than that of the host, and shares its blocks with it', async () => {
  const place = join(directory, 'mounted');
  mkdirSync(place);
  const words = [process.execPath, nsgenPath, 'rootfs', `${place}/root`, '--link', '--with', `${place}/data`];
  const inside = ['--mount', 'sh', '-c', ON_BTRFS, 'sh', join(directory, 'image'), place, ...words];
  const { status, stdout, stderr } = await execute('unshare', inside);
  assert.deepEqual([status, stderr], [0, '']);
  const [summary = '', ...rest] = stdout.split('\n');
  assert.match(summary, /^\/\S+: \d+ files, \d+ bytes \(1 as reflinks\)$/);
  assert.deepEqual(rest, ['2', 'shared', 'shared', 'own', '']);
});
