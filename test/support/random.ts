import fc from 'fast-check';

/** Random tests print the seed, and take it again from NSGEN_SEED; NSGEN_FUZZ says how many samples. */
export const seed = numberFrom('NSGEN_SEED') ?? Math.floor(Math.random() * 2 ** 31);
export const samples = numberFrom('NSGEN_FUZZ') ?? 40;
export const howToRepeat = `NSGEN_SEED=${seed} NSGEN_FUZZ=${samples}`;

function numberFrom(name: string): number | undefined {
  const value = process.env[name];
  if (value === undefined || value === '') return undefined;
  if (!/^\d{1,10}$/.test(value)) throw new RangeError(`${name} must be a number`);
  return Number(value);
}

/** The file that a string makes when a shell reads it as code: in its working directory, so that it needs no "/". */
export const CANARY = 'canary';

/** What shells, printf, env, getopt, mount, EJS, terminals and people take for something else than text. */
const FRAGMENTS: readonly string[] = [
  ...[`$(>${CANARY})`, `\`>${CANARY}\``, `;>${CANARY};`, `\n>${CANARY}\n`, `&>${CANARY}&`, `';>${CANARY};'`],
  ...[`";>${CANARY};"`, `\\';>${CANARY};\\'`, `$((a[$(>${CANARY})]))`, `\${x:=$(>${CANARY})}`, `END\n>${CANARY}\n`],
  ...['$HOME', '$IFS', '$@', '$$', '$', '~', '~root', '*', '?', '[a-z]', '{a,b}', '{1..9}', '!!', '!x', '#x', '# x'],
  ...['-n', '-e', '--', '--help', '-', ' ', '  ', '\t', '\r', '\n', '\n\n', '\x7f', '\x1b[31m', '\u202e', '\u2028'],
  ...[
    '\u0085',
    '\ufeff',
    '\ufffd',
    '\ufffe',
    'é',
    'e\u0301',
    '日本語',
    '😀',
    '\u{10ffff}',
    '\\',
    '\\\\',
    '\\n',
    '\\x41',
  ],
  ...['\\040', '\\0407', 'a 7', 'a\n7', '%s', '%n', '%%', '%b', "'", '"', "''", '""', "$'", '$"', '`', '=', 'a=b'],
  ...['if', 'then', 'fi', 'do', 'done', 'case', 'esac', 'in', 'time', 'function', 'select', 'coproc', '{', '}', '[['],
  ...[']]', '!', '(', ')', '((', '))', '|', '||', '&', '&&', ';', ';;', '<', '>', '<<END', '<<<', '<(:)', '>(:)', ','],
  ...[
    '<%= 1 %>',
    '<%- 1 %>',
    '%>',
    ':',
    '.',
    '..',
    '0',
    '007',
    '1e3',
    '@',
    '+',
    'true',
    'null',
    '__proto__',
    'toString',
  ],
  ...['constructor', 'exec', 'eval', '. x', '\\\n', '^', 'source', 'local', 'shellcheck disable=all', '$0', '#!', '\b'],
];

const LONG = 4096;

/** Any text that a C string can hold. */
export const anyText: fc.Arbitrary<string> = fc
  .oneof(
    { weight: 4, arbitrary: fc.array(fc.constantFrom(...FRAGMENTS), { maxLength: 4 }).map(list => list.join('')) },
    { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 12 }) },
    { weight: 2, arbitrary: fc.string({ unit: 'binary-ascii', maxLength: 12 }) },
    { weight: 1, arbitrary: fc.string({ unit: 'grapheme', maxLength: 8 }) },
    { weight: 1, arbitrary: fc.constantFrom(...FRAGMENTS).map(text => text.repeat(Math.ceil(LONG / text.length))) },
  )
  .map(text => text.replaceAll('\0', '0'));

/** The beginning of a text, of whole characters, in so many bytes of UTF-8. */
function beginning(text: string, bytes: number): string {
  let length = 0;
  let result = '';
  for (const character of text) {
    length += Buffer.byteLength(character);
    if (length > bytes) break;
    result += character;
  }
  return result;
}

/** Any name that a directory entry can have. */
export const fileName: fc.Arbitrary<string> = anyText
  .map(text => beginning(text.replaceAll('/', '%'), 255))
  .filter(name => !['', '.', '..'].includes(name));

/** A host or domain name as a box takes it. */
export const utsName: fc.Arbitrary<string> = anyText
  .map(text => beginning(text.replace(/\p{Cc}/gu, ''), 64))
  .filter(name => name !== '');

export const variables: fc.Arbitrary<Record<string, string>> = fc.dictionary(
  anyText.map(name => name.replaceAll('=', '-')).filter(name => name !== '' && !name.startsWith('LD_')),
  anyText,
  { maxKeys: 4 },
);
