/** An archive in the format 'newc' of cpio(5), which is what Linux unpacks as its first root. */

export type Entry =
  | { readonly type: 'directory'; readonly path: string }
  | { readonly type: 'file'; readonly path: string; readonly mode: number; readonly content: Uint8Array };

export function cpio(entries: readonly Entry[]): Buffer {
  const parts = entries.flatMap((entry, index) => record(entry, index + 1));
  return Buffer.concat([...parts, ...record({ type: 'file', path: 'TRAILER!!!', mode: 0, content: Buffer.of() }, 0)]);
}

function record(entry: Entry, inode: number): readonly Uint8Array[] {
  const name = Buffer.from(`${entry.path}\0`);
  const content = entry.type === 'file' ? entry.content : Buffer.of();
  const mode = entry.type === 'file' ? 0o100000 | entry.mode : 0o40755;
  const links = entry.type === 'file' ? 1 : 2;
  // inode, mode, uid, gid, links, mtime, size, device (2), device that it is (2), length of the name, checksum
  const fields = [inode, mode, 0, 0, links, 0, content.length, 0, 0, 0, 0, name.length, 0];
  const header = Buffer.from(`070701${fields.map(field => field.toString(16).padStart(8, '0')).join('')}`);
  return [header, name, padding(header.length + name.length), content, padding(content.length)];
}

const padding = (length: number): Buffer => Buffer.alloc(-length & 3);
