/** One thing wrong with a box: which field, and what to do about it. */
export interface Problem {
  /** The field as the box spells it, `mounts[2].source`; empty for the box as a whole. */
  readonly field: string;
  readonly message: string;
}

/** A box (or a command line) that is refused, whole, before anything is touched. Exit status 2. */
export class BoxError extends Error {
  override readonly name = 'BoxError';
  readonly exitStatus = 2;
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(problems.map(({ field, message }) => (field === '' ? message : `${field}: ${message}`)).join('\n'));
    this.problems = problems;
  }
}

/** `['mounts', 2, 'source']` as `mounts[2].source`. A key that is no plain word is quoted, so that it cannot mislead. */
export function fieldName(path: readonly (string | number)[]): string {
  return path.reduce<string>((name, key) => {
    if (typeof key === 'number') return `${name}[${key}]`;
    if (!/^[A-Za-z_$][A-Za-z0-9_]*$/.test(key)) return `${name}[${JSON.stringify(key)}]`;
    return name === '' ? key : `${name}.${key}`;
  }, '');
}
