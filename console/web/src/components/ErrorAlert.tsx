import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { ApiError, isAbort } from '@/api/http';
import { CopyButton } from './CopyButton';

/** Says what did not work ("The trails could not be listed"), why, and under which request ID the server's log has the cause. */
export function ErrorAlert({ what, error, onRetry }: { what: string; error: unknown; onRetry?: () => void }) {
  if (!error || isAbort(error)) return null;
  const api = error instanceof ApiError ? error : undefined;
  const message = error instanceof Error ? error.message : String(error);
  const quotable = [what, `${api?.code ?? 'Error'}: ${message}`, api?.requestId && `Request ID: ${api.requestId}`].filter(Boolean).join('\n');
  return (
    <Alert
      type="error"
      header={what}
      action={
        <SpaceBetween direction="horizontal" size="xs">
          {onRetry && <Button onClick={onRetry}>Try again</Button>}
          <CopyButton text={quotable} what="error" />
        </SpaceBetween>
      }
    >
      <div className="breakable">
        {api ? `${api.code}: ` : ''}
        {message}
      </div>
      {api?.requestId && (
        <Box variant="small" color="inherit">
          Request ID: <span className="mono breakable">{api.requestId}</span>
        </Box>
      )}
    </Alert>
  );
}
