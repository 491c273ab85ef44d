import Box from '@cloudscape-design/components/box';
import Spinner from '@cloudscape-design/components/spinner';

/** In place of what is still being loaded. A table has "loading" of its own. */
export function Loading({ what = 'Loading' }: { what?: string }) {
  return (
    <Box textAlign="center" padding="xxl" color="text-body-secondary">
      <span role="status">
        <Spinner /> {what}
      </span>
    </Box>
  );
}
