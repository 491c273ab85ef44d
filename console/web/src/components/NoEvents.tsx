import Box from '@cloudscape-design/components/box';
import type { ReactNode } from 'react';
import { EmptyState } from './EmptyState';
import { useCairn } from './useCairn';

/** What importing log files needs, wherever it is proposed. */
export const importHint = (
  <>
    A running server keeps its retention: for log files that are older, start it with <Box variant="code">cairn serve --retention 0</Box>.
  </>
);

/** Says that nothing is there to be shown, and how to get log files in, to whoever may. */
export function NoEvents({ title = 'No events yet', children, action }: { title?: string; children?: ReactNode; action?: ReactNode }) {
  const cairn = useCairn();
  return (
    <EmptyState title={title} command={cairn?.('import ./AWSLogs')} action={action}>
      {children ?? 'Calls to this server appear here as they happen.'}{' '}
      {cairn ? <>Log files of CloudTrail can be imported. {importHint}</> : 'Whoever runs the server can import log files of CloudTrail.'}
    </EmptyState>
  );
}
