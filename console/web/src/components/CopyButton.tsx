import Button from '@cloudscape-design/components/button';
import Popover from '@cloudscape-design/components/popover';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import { useState } from 'react';

/**
 * Copies a text. "what" names it for screen readers: "Copy event ID". With "label" the button is labelled, otherwise it is an icon;
 * a function gives a text that is costly to make.
 */
export function CopyButton({ text, what, label, onCopied }: { text: string | (() => string); what: string; label?: string; onCopied?: () => void }) {
  const [done, setDone] = useState<boolean>();
  const copy = async () => {
    const copied = await copyText(typeof text === 'function' ? text() : text);
    setDone(copied);
    if (copied) onCopied?.();
  };
  const name = `Copy ${what}`;
  return (
    <Popover
      triggerType="custom"
      dismissButton={false}
      size="small"
      position="top"
      content={
        <StatusIndicator type={done === undefined ? 'pending' : done ? 'success' : 'error'}>
          {done === undefined ? 'Copying' : done ? 'Copied' : 'The browser did not allow to copy'}
        </StatusIndicator>
      }
    >
      {label ? (
        <Button iconName="copy" onClick={copy} ariaLabel={name}>
          {label}
        </Button>
      ) : (
        <Button variant="inline-icon" iconName="copy" onClick={copy} ariaLabel={name} />
      )}
    </Popover>
  );
}

/** Puts a text on the clipboard. Browsers offer that only over HTTPS and on loopback addresses. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement('textarea');
    area.value = text;
    area.className = 'offscreen';
    const focused = document.activeElement;
    document.body.append(area);
    area.select();
    const done = document.execCommand('copy');
    area.remove();
    if (focused instanceof HTMLElement) focused.focus({ preventScroll: true });
    return done;
  }
}
