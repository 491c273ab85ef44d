import Box from '@cloudscape-design/components/box';
import SpaceBetween from '@cloudscape-design/components/space-between';
import type { ReactNode } from 'react';
import { Command } from './Command';

/** Says that there is nothing, why, and what to do: a command to run, or a button. */
export function EmptyState({ title, children, command, action }: { title: string; children?: ReactNode; command?: string; action?: ReactNode }) {
  return (
    <Box textAlign="center" padding={{ vertical: 'l', horizontal: 's' }} color="inherit">
      <SpaceBetween size="xs">
        <Box variant="strong" color="inherit">
          {title}
        </Box>
        {children && <Box color="text-body-secondary">{children}</Box>}
        {command && <Command text={command} />}
        {action}
      </SpaceBetween>
    </Box>
  );
}
