import { CopyButton } from './CopyButton';
import './components.css';

/** A command line, to be copied. */
export function Command({ text }: { text: string }) {
  return (
    <div className="command">
      <code className="mono breakable">{text}</code>
      <CopyButton text={text} what="command" />
    </div>
  );
}
