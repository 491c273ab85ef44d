import { memo, useMemo } from 'react';
import { CopyButton } from './CopyButton';
import { indented, layOut, type Line } from './jsonText';
import { visible } from './visible';
import './components.css';

// Blocks of lines that are out of sight are not laid out by the browser, so that a record of a megabyte scrolls as well as a small one.
const linesPerBlock = 60;

/**
 * JSON, laid out and coloured, to be read and copied: numbers, escapes and names that come twice are as in the text, which may be hostile.
 * Characters that would hide or reorder text are made visible. Copying gives the text itself.
 */
export const JsonView = memo(function JsonView({ text, what = 'JSON', maxHeight }: { text: string; what?: string; maxHeight?: number }) {
  const blocks = useMemo(() => {
    const lines = layOut(text);
    const blocks: Line[][] = [];
    for (let i = 0; i < lines.length; i += linesPerBlock) blocks.push(lines.slice(i, i + linesPerBlock));
    return blocks;
  }, [text]);
  return (
    <div className="json">
      <div className="json-copy">
        <CopyButton text={() => indented(text)} what={what} />
      </div>
      <pre className="json-text mono" tabIndex={0} aria-label={what} role="group" style={maxHeight ? { maxBlockSize: maxHeight } : undefined}>
        {blocks.map((lines, i) => (
          <Block key={i} lines={lines} />
        ))}
      </pre>
    </div>
  );
});

const Block = memo(function Block({ lines }: { lines: Line[] }) {
  return (
    <code className="json-block" style={{ containIntrinsicBlockSize: `auto ${lines.length * 20}px` }}>
      {lines.map((line, i) => (
        <span key={i} className="json-line" style={{ paddingInlineStart: `${Math.min(line.depth, 24) * 2}ch` }}>
          {line.tokens.map((token, j) => (token.kind === 'mark' ? token.text : <span key={j} className={`json-${token.kind}`}>{visible(token.text)}</span>))}
          {'\n'}
        </span>
      ))}
    </code>
  );
});
