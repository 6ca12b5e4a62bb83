import { isUtf8 } from 'node:buffer';

/** Text of others: what a box or a process has chosen, names, command lines, paths. */

/**
 * Bytes as text. One that is not part of UTF-8 becomes U+DC80 to U+DCFF, which no text has: so none is lost, and Python
 * (surrogateescape, PEP 383) writes them the same way.
 */
export function textOf(bytes: Uint8Array): string {
  if (isUtf8(bytes)) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  const parts: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = [1, 2, 3, 4].find(length => at + length <= bytes.length && isUtf8(bytes.subarray(at, at + length)));
    parts.push(
      length === undefined
        ? String.fromCharCode(LONE + (bytes[at] ?? 0))
        : Buffer.from(bytes.subarray(at, at + length)).toString('utf8'),
    );
    at += length ?? 1;
  }
  return parts.join('');
}

const LONE = 0xdc00;

/**
 * One line that is safe to show. What would move the cursor, colour what follows, or turn the direction of writing is
 * shown by its number instead, and so is what takes no room or an unknown one.
 */
export function visible(text: string): string {
  return text.replace(/[\p{C}\p{M}\p{Zl}\p{Zp}]/gu, character => {
    const code = character.codePointAt(0) ?? 0;
    const byte = code >= LONE + 0x80 && code <= LONE + 0xff ? code - LONE : code;
    return byte < 0x100 ? `\\x${byte.toString(16).padStart(2, '0')}` : `\\u{${byte.toString(16)}}`;
  });
}

/** JSON that is safe to show: it escapes by itself only what is below a space, and CSI is U+009B, too. */
export function visibleJson(json: string): string {
  return json.replace(/[\p{Zl}\p{Zp}]|[^\P{C}\n]/gu, character =>
    character.replace(/[\s\S]/g, unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`),
  );
}
