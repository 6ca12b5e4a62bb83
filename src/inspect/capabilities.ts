import { CAPABILITIES } from '../linux/capabilities.js';

/**
 * The capabilities of a set, in the order of their numbers; one that has no name yet as its number.
 *
 * @param mask in hexadecimal, as /proc/PID/status has it.
 */
export function capabilitiesIn(mask: string): readonly (string | number)[] {
  const bits = BigInt(`0x${mask}`);
  const numbers = Array.from({ length: mask.length * 4 }, (_, number) => number);
  return numbers.flatMap(number => ((bits >> BigInt(number)) & 1n ? [CAPABILITIES[number] ?? number] : []));
}
