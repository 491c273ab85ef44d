import Box from '@cloudscape-design/components/box';
import SpaceBetween from '@cloudscape-design/components/space-between';
import type { ReactNode } from 'react';
import { CairnCommand } from './CairnCommand';
import { Command } from './Command';

/** Says that there is nothing, why, and what to do: a command to run ("cairn": one of that program, for operators), or a button. */
export function EmptyState({ title, children, command, cairn, action }: { title: string; children?: ReactNode; command?: string; cairn?: string; action?: ReactNode }) {
  return (
    <Box textAlign="center" padding={{ vertical: 'l', horizontal: 's' }} color="inherit">
      <SpaceBetween size="xs">
        <Box variant="strong" color="inherit">
          {title}
        </Box>
        {children && <Box color="text-body-secondary">{children}</Box>}
        {command && <Command text={command} />}
        {cairn && <CairnCommand text={cairn} />}
        {action}
      </SpaceBetween>
    </Box>
  );
}
