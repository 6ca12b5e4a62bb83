/**
 * The one way in which a value enters a script. EJS calls `quote` for every `<%= %>`; a template has no other way to
 * print a value, and a test holds the templates to it.
 */

/** A word as bash reads it back: exactly one argument, with nothing in it left to expand. */
export type ShellWord = string & { readonly brand: 'ShellWord' };

/** Words that need no quotes anywhere in a command's arguments or in an array. */
const PLAIN = /^[A-Za-z0-9_/.:@%+-]+$/;

/** Plain to the eye, but bash or shellcheck would take them for something else. */
const RESERVED = new Set(
  'if then else elif fi do done case esac while until for in function time select coproc'.split(' '),
);

/** Printable ASCII in which single quotes leave nothing open: not to bash, and not to shellcheck (SC2016, SC1003). */
const SINGLE_QUOTABLE = /^[ !"#%&()*+,\-./0-9:;<=>?@A-Z[\]^_a-z{|}~]*$/;

/** @throws TypeError for anything but a string without NUL or a whole number: no object prints itself into a script. */
export function quote(value: unknown): string {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value);
  if (typeof value !== 'string') throw new TypeError(`a template prints a ${typeof value}`);
  return shellWord(value);
}

export function shellWord(value: string): ShellWord {
  if (value.includes('\0')) throw new TypeError('a shell word cannot contain a NUL byte');
  const word = quoted(value);
  if (!isShellWord(word)) throw new Error(`quoting ${JSON.stringify(value)} left ${word}`);
  return word;
}

function quoted(value: string): string {
  if (PLAIN.test(value) && !RESERVED.has(value)) return value;
  if (SINGLE_QUOTABLE.test(value)) return `'${value}'`;
  return `$'${Array.from(Buffer.from(value, 'utf8'), escapeByte).join('')}'`;
}

/** ANSI-C quoting, bash(1). Bytes above ASCII are escaped: what an auditor sees must be what bash gets. */
function escapeByte(byte: number): string {
  const character = String.fromCharCode(byte);
  if (character === "'" || character === '\\') return `\\${character}`;
  if (character === '\n') return '\\n';
  if (character === '\t') return '\\t';
  return byte < 0x20 || byte > 0x7e ? `\\x${byte.toString(16).padStart(2, '0')}` : character;
}

/** The three forms that `quoted` makes: bare, single quotes, ANSI-C quoting. */
const isShellWord = (word: string): word is ShellWord =>
  /^(?:[A-Za-z0-9_/.:@%+-]+|'[^']*'|\$'(?:[^'\\\n]|\\[^\n])*')$/.test(word);

/**
 * Text for a comment: one line, with nothing in it that could look like something else (CVE-2021-42574), and nothing at
 * its end that nobody sees.
 */
export function comment(text: string): string {
  return text.replace(/[^\x20-\x7e]| $/gu, character => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}
