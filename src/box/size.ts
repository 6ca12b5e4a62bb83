/** Amounts as people write them. */

const UNITS: readonly string[] = ['', 'k', 'm', 'g', 't', 'p'];
const SIZE = /^(\d{1,16})(?:\.(\d{1,12}))?\s?(?:([kmgtp])(?:i?b)?|b)?$/i;

/**
 * Bytes of a size: a whole number, or one with a unit of 1024 (`100M`, `1.5GiB`, `512kb`), as docker takes it. What is
 * left of a fraction of a byte is dropped.
 *
 * @returns undefined for what is no size, or more than 2^53 bytes.
 */
export function parseSize(text: string): number | undefined {
  const match = SIZE.exec(text);
  if (match === null) return undefined;
  const [, whole = '', fraction = '', unit = ''] = match;
  const power = UNITS.indexOf(unit.toLowerCase());
  // Exactly: 0.1 has no binary form.
  const scaled = BigInt(whole + fraction) * 1024n ** BigInt(power);
  const bytes = Number(scaled / 10n ** BigInt(fraction.length));
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** A number of bytes in the largest unit that leaves nothing over: 104857600 is 100M. */
export function formatSize(bytes: number): string {
  let [value, power] = [bytes, 0];
  while (value > 0 && value % 1024 === 0 && power < UNITS.length - 1) [value, power] = [value / 1024, power + 1];
  return `${value}${(UNITS[power] ?? '').toUpperCase()}`;
}

/** Of a size as a box may have it: a number of bytes, or text. -1, in either form, is no limit. */
export function bytesOf(size: number | string): number | undefined {
  if (typeof size === 'number') return Number.isSafeInteger(size) ? size : undefined;
  return size === '-1' ? -1 : parseSize(size);
}
