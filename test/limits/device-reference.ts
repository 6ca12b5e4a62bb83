import type { randomNumbers } from '../support/random-numbers.js';

/** What rules about devices mean, as the OCI runtime specification says it: looked through in order, and nothing else. */

export interface Rule {
  readonly allow: boolean;
  readonly type?: 'a' | 'b' | 'c';
  readonly major?: number;
  readonly minor?: number;
  readonly access?: string;
}

export type Access = 'r' | 'w' | 'm' | 'rw' | 'rwm' | 'wm' | 'rm';

export interface Question {
  readonly type: 'b' | 'c';
  readonly major: number;
  readonly minor: number;
  readonly access: Access;
}

export function allowed(rules: readonly Rule[], question: Question): boolean {
  return [...question.access].every(letter => {
    let answer = true;
    for (const { allow, type = 'a', major = -1, minor = -1, access = 'rwm' } of rules) {
      if (type !== 'a' && type !== question.type) continue;
      if (major !== -1 && major !== question.major) continue;
      if (minor !== -1 && minor !== question.minor) continue;
      if (access.includes(letter)) answer = allow;
    }
    return answer;
  });
}

const ACCESSES = ['r', 'w', 'm', 'rw', 'rwm', 'wm', 'rm', undefined] as const;
const TYPES = ['a', 'b', 'c', 'c', 'c', undefined] as const;

/** Up to six rules about few devices, so that they meet. */
export function randomRules(random: ReturnType<typeof randomNumbers>, numbers: readonly number[]): readonly Rule[] {
  const one = <Value>(values: readonly Value[]): Value | undefined => values[Math.floor(random() * values.length)];
  const rule = (): Rule => {
    const [type, major, minor, access] = [one(TYPES), one([...numbers, -1]), one([...numbers, -1, -1]), one(ACCESSES)];
    return {
      allow: random() < 0.5,
      ...(type === undefined ? {} : { type }),
      ...(major === undefined ? {} : { major }),
      ...(minor === undefined ? {} : { minor }),
      ...(access === undefined ? {} : { access }),
    };
  };
  const rules = Array.from({ length: Math.floor(random() * 6) }, rule);
  return random() < 0.5 ? [{ allow: false }, ...rules] : rules;
}
