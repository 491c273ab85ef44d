// A reader for the XML of S3's answers: elements and text, nothing else. The browser's own parser is a sink that Trusted Types forbid, and
// reads more than is wanted: no document types, entities of one's own, processing instructions or name spaces here.

export interface XMLElement {
  name: string;
  text: string;
  children: XMLElement[];
}

const maxDepth = 32;
const maxElements = 200_000;

/** Reads a document, and gives its root. Throws where it is not well-formed. */
export function parseXML(source: string): XMLElement {
  const top: XMLElement = { name: '', text: '', children: [] };
  const open: XMLElement[] = [top];
  let elements = 0;
  // A declaration or comment; CDATA; a tag; text.
  const token = /<\?[^]*?\?>|<!--[^]*?-->|<!\[CDATA\[([^]*?)\]\]>|<(\/?)([A-Za-z_][\w:.-]*)((?:\s+[\w:.-]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(\/?)>|([^<]+)/y;
  while (token.lastIndex < source.length) {
    const at = token.lastIndex;
    const match = token.exec(source);
    if (!match) throw new SyntaxError(`no XML at character ${at}`);
    const [, cdata, closing, name, , empty, text] = match;
    const inner = open[open.length - 1]!;
    if (cdata !== undefined) inner.text += cdata;
    else if (text !== undefined) inner.text += unescape(text);
    else if (name === undefined) continue;
    else if (closing) {
      if (open.length < 2 || inner.name !== name) throw new SyntaxError(`</${name}> closes nothing`);
      open.pop();
    } else {
      if (++elements > maxElements || open.length > maxDepth) throw new SyntaxError('the document is too large');
      const element = { name, text: '', children: [] };
      inner.children.push(element);
      if (!empty) open.push(element);
    }
  }
  const root = top.children[0];
  if (!root || top.children.length > 1 || open.length > 1 || top.text.trim()) throw new SyntaxError('not one whole document');
  return root;
}

/** The text of the first child of a name, "" where there is none. */
export function childText(element: XMLElement, name: string): string {
  return element.children.find((child) => child.name === name)?.text ?? '';
}

export function childrenOf(element: XMLElement, name: string): XMLElement[] {
  return element.children.filter((child) => child.name === name);
}

const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function unescape(text: string): string {
  return text.replace(/&(#x[0-9a-fA-F]{1,6}|#\d{1,7}|\w+);/g, (whole, name: string) => {
    if (!name.startsWith('#')) return entities[name] ?? whole;
    const code = name[1] === 'x' ? parseInt(name.slice(2), 16) : parseInt(name.slice(1), 10);
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}

/** Makes text safe to stand in XML. */
export function escapeXML(text: string): string {
  return text.replace(/[&<>"']/g, (c) => `&${Object.keys(entities).find((name) => entities[name] === c)};`);
}
