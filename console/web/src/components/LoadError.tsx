import Box from '@cloudscape-design/components/box';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import { ApiError } from '@/api/http';
import { ErrorAlert } from './ErrorAlert';

/** Whether a call was refused for want of a permission, and not because anything is wrong. */
export function isDenied(error: unknown): boolean {
  return error instanceof ApiError && (error.code.startsWith('AccessDenied') || error.code === 'UnauthorizedOperation');
}

/**
 * What a section shows in place of data that did not come. What the identity may not see is no failure: it is said quietly, with the
 * permission that is missing and the ID of the request.
 */
export function LoadError({ what, error, onRetry }: { what: string; error: unknown; onRetry?: () => void }) {
  if (!isDenied(error)) return <ErrorAlert what={what} error={error} onRetry={onRetry} />;
  const { message, requestId } = error as ApiError;
  const action = /not authorized to perform: ([\w-]+:\w+)/.exec(message)?.[1];
  return (
    <div className="breakable">
      <StatusIndicator type="info">{action ? `Not shown to this identity, which lacks the permission ${action}.` : 'Not shown to this identity.'}</StatusIndicator>
      <Box variant="small" color="text-body-secondary" display="block">
        {!action && `${message} `}
        {requestId && <>Request ID: <span className="mono">{requestId}</span></>}
      </Box>
    </div>
  );
}
