/** As much of XML as a figure needs, and not a character more: whatever is not well-formed is thrown out. */
export interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly Element[];
  readonly text: string;
}

interface Open {
  readonly name: string;
  readonly attributes: Record<string, string>;
  readonly children: Element[];
  text: string;
}

const TOKEN = /<\?xml [^?<]*\?>|<\/([A-Za-z]+)>|<([A-Za-z]+)((?: [A-Za-z][\w:-]*="[^"<]*")*)(\/?)>|([^<>]+)/y;
/** Char of the specification: https://www.w3.org/TR/xml/#charsets */
const FORBIDDEN = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u;
const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

export function parseXml(source: string): Element {
  if (FORBIDDEN.test(source)) throw new Error('a character that XML does not have');
  const top: Open = { name: '', attributes: {}, children: [], text: '' };
  const open = [top];
  for (TOKEN.lastIndex = 0; TOKEN.lastIndex < source.length; ) {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(source);
    if (match === null) throw new Error(`not XML: ${JSON.stringify(source.slice(at, at + 60))}`);
    const [, closed, opened, attributes = '', single, text] = match;
    const current = open.at(-1) ?? top;
    if (closed !== undefined) {
      if (open.length === 1 || current.name !== closed) throw new Error(`</${closed}> ends <${current.name}>`);
      open.pop();
    } else if (opened !== undefined) {
      const element: Open = { name: opened, attributes: attributesOf(attributes), children: [], text: '' };
      current.children.push(element);
      if (single === '') open.push(element);
    } else if (text !== undefined) current.text += unescaped(text);
  }
  const [root, ...others] = top.children;
  if (root === undefined || others.length > 0 || open.length > 1 || top.text.trim() !== '')
    throw new Error('not one element');
  return root;
}

function attributesOf(text: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [, name = '', value = ''] of text.matchAll(/ ([\w:-]+)="([^"]*)"/g)) {
    if (Object.hasOwn(found, name)) throw new Error(`${name} twice`);
    found[name] = unescaped(value);
  }
  return found;
}

const unescaped = (text: string): string =>
  text.replace(/&(\w*;?)/g, (_, name) => {
    const character = ENTITIES[name.replace(/;$/, '')];
    if (character === undefined || !name.endsWith(';')) throw new Error(`&${name}`);
    return character;
  });

/** An element and all that is in it. */
export const all = (element: Element): readonly Element[] => [element, ...element.children.flatMap(all)];
