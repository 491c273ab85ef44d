import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { EmptyState } from '@/components/EmptyState';
import { propertyLabel, type EventQuery } from '@/components/event/query';
import type { Search } from '@/components/event/search';
import { formatNumber } from '@/components/format';
import { useLoad } from '@/components/useLoad';
import { visible } from '@/components/visible';
import { suggestionsFor, valuesWithin, withSuggestion } from './meaning';

/** In place of the rows of a search that found nothing: what could have been meant. */
export function Nothing({ search, range, onClear, onQuery }: { search: Search; range: string; onClear: () => void; onQuery: (query: EventQuery) => void }) {
  const { data: suggestions = [] } = useLoad((signal) => suggestionsFor(search.query, valuesWithin(signal)), [search.query]);
  return (
    <EmptyState title="No events match" action={<Button onClick={onClear}>Show all events</Button>}>
      <SpaceBetween size="xs">
        <span>
          Searched {range}. Values are compared with upper and lower case, and whole unless a * ends them.
        </span>
        {suggestions.length > 0 && (
          <div>
            Did you mean{' '}
            {suggestions.map(({ token, count }, i) => (
              <span key={`${token.propertyKey} ${token.value}`} className="breakable">
                {i > 0 && ', '}
                <Button variant="inline-link" onClick={() => onQuery(withSuggestion(search.query, token))}>
                  {propertyLabel(token.propertyKey)} = {visible(token.value)}
                </Button>{' '}
                <Box variant="small" color="text-body-secondary" display="inline">
                  {formatNumber(count)} ×
                </Box>
              </span>
            ))}
            ?
          </div>
        )}
      </SpaceBetween>
    </EmptyState>
  );
}
