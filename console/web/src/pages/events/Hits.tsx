import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import { LoadError } from '@/components/LoadError';
import { Histogram } from '@/components/Histogram';
import type { useHits } from './useHits';

export interface HitsProps {
  hits: ReturnType<typeof useHits>;
  /** They are counted only when somebody asks. */
  costly: boolean;
  onCount: () => void;
  onSelect: (since: number, until: number) => void;
}

/** The hits of the search over time, a part of which can be chosen. */
export function Hits({ hits, costly, onCount, onSelect }: HitsProps) {
  if (costly) {
    return (
      <Box color="text-body-secondary">
        <Button variant="inline-link" onClick={onCount}>
          Count the hits over time
        </Button>{' '}
        (reads every record; a time range makes it faster)
      </Box>
    );
  }
  if (hits.error) return <LoadError what="The hits could not be counted" error={hits.error} onRetry={hits.reload} />;
  // The place is kept while the counts come, so that the rows stay where they are.
  const { data } = hits;
  const end = Math.floor(Date.now() / 1000) * 1000;
  return (
    <Histogram
      buckets={data?.buckets ?? []}
      since={data?.since ?? end - 86_400_000}
      until={data?.until ?? end}
      stepSeconds={data?.stepSeconds ?? 3600}
      onSelect={data ? onSelect : undefined}
      loading={!data}
      height={64}
    />
  );
}
