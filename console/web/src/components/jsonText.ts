// Lays JSON out anew without reading its values: numbers keep their digits, names that come twice stay, and so do escapes. What is shown
// as a record is the record.

export type TokenKind = 'name' | 'string' | 'number' | 'word' | 'mark';

export interface Token {
  kind: TokenKind;
  text: string;
}

export interface Line {
  /** Levels of indentation. */
  depth: number;
  tokens: Token[];
}

const pattern = /\s+|"(?:[^"\\]|\\[^])*"|-?\d[\d.eE+-]*|[a-z]+|[{}[\],:]/y;

/** The lines of a JSON text, each value on one of its own. What is not JSON from some place on is the last line as it is. */
export function layOut(text: string): Line[] {
  const lines: Line[] = [];
  let line: Line = { depth: 0, tokens: [] };
  let depth = 0;
  const next = () => {
    lines.push(line);
    line = { depth, tokens: [] };
  };
  // The next token that is not a space, without consuming it.
  const tokens: string[] = [];
  pattern.lastIndex = 0;
  let end = 0;
  for (let match = pattern.exec(text); match; match = pattern.exec(text)) {
    end = pattern.lastIndex;
    if (!/^\s/.test(match[0])) tokens.push(match[0]);
  }
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]!;
    const after = tokens[i + 1];
    switch (token) {
      case '{':
      case '[':
        if (after === '}' || after === ']') {
          line.tokens.push({ kind: 'mark', text: token + after });
          i++;
          break;
        }
        line.tokens.push({ kind: 'mark', text: token });
        depth++;
        next();
        break;
      case '}':
      case ']':
        depth = Math.max(0, depth - 1);
        if (line.tokens.length) next();
        line.depth = depth;
        line.tokens.push({ kind: 'mark', text: token });
        break;
      case ',':
        line.tokens.push({ kind: 'mark', text: ',' });
        next();
        break;
      case ':':
        line.tokens.push({ kind: 'mark', text: ': ' });
        break;
      default:
        line.tokens.push({ kind: kindOf(token, after), text: token });
    }
  }
  if (end < text.length) line.tokens.push({ kind: 'word', text: text.slice(end) });
  if (line.tokens.length) lines.push(line);
  return lines;
}

function kindOf(token: string, after: string | undefined): TokenKind {
  if (token.startsWith('"')) return after === ':' ? 'name' : 'string';
  return /^[-\d]/.test(token) ? 'number' : 'word';
}

/** A number that JavaScript would read as another one: its digits as they are written. */
export class ExactNumber {
  constructor(readonly digits: string) {}

  toJSON(): string {
    return this.digits;
  }
}

/** Parses JSON; numbers that JavaScript does not hold as they are written become ExactNumbers. */
export function parseExact(text: string): unknown {
  // A name that the text does not have stands for them.
  let name = '#';
  while (text.includes(`"${name}"`)) name += '#';
  let some = false;
  const marked = text.replace(/"(?:[^"\\]|\\[^])*"|-?\d[\d.eE+-]*/g, (token) => {
    if (token.startsWith('"') || String(Number(token)) === token) return token;
    some = true;
    return `{"${name}":"${token}"}`;
  });
  if (!some) return JSON.parse(text);
  return JSON.parse(marked, (_, value: unknown) =>
    typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? new ExactNumber((value as Record<string, string>)[name]!) : value,
  );
}

/** A JSON text with indentation. */
export function indented(text: string): string {
  return layOut(text)
    .map((line) => '  '.repeat(line.depth) + line.tokens.map((token) => token.text).join(''))
    .join('\n');
}
