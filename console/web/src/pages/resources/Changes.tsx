import Container from '@cloudscape-design/components/container';
import Button from '@cloudscape-design/components/button';
import Header from '@cloudscape-design/components/header';
import Pagination from '@cloudscape-design/components/pagination';
import SegmentedControl from '@cloudscape-design/components/segmented-control';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Toggle from '@cloudscape-design/components/toggle';
import type { Timeline } from '@/api/timeline';
import { formatRange } from '@/components/event/range';
import { EmptyState } from '@/components/EmptyState';
import { formatCount, formatNumber } from '@/components/format';
import { useUrlState } from '@/components/urlState';
import { TimeRangePicker } from '@/pages/events/TimeRangePicker';
import { changesPerPage, type Ask } from './ask';
import { ChangeItem } from './ChangeItem';
import { configurationId } from './Configuration';
import { stopsOf, unsetBefore } from './facts';

/** The events of a resource, one below the other. */
export function Changes({ timeline, ask }: { timeline: Timeline; ask: Ask }) {
  const [, setParams] = useUrlState();
  const { changes, earlier = 0, names } = timeline;
  const pages = Math.max(1, Math.ceil(changes.length / changesPerPage));
  const page = Math.min(ask.page, pages);
  const ordered = ask.newestFirst ? changes.toReversed() : changes;
  const stops = new Set(stopsOf(changes).map(({ seq }) => seq));
  const failed = changes.filter(({ effect }) => effect === 'failed').length;
  const all = () => setParams({ last: undefined, since: undefined, until: undefined, page: undefined });
  const choose = (eventId: string) => {
    setParams({ at: ask.at === eventId ? undefined : eventId });
    // On a narrow screen the configuration lies below the events.
    const shown = document.getElementById(configurationId);
    if (shown && shown.getBoundingClientRect().top > innerHeight) shown.scrollIntoView({ block: 'start' });
  };

  return (
    <Container
      header={
        <Header
          variant="h2"
          counter={`(${formatNumber(changes.length)})`}
          description={
            [failed > 0 && `${formatNumber(failed)} failed`, earlier > 0 && `${formatCount(earlier, 'event')} before the chosen range ${earlier === 1 ? 'is' : 'are'} not listed`].filter(Boolean).join(', ') || undefined
          }
        >
          {ask.reads ? 'Events' : 'Changes'}
        </Header>
      }
      footer={
        pages > 1 && (
          <Pagination
            currentPageIndex={page}
            pagesCount={pages}
            onChange={({ detail }) => setParams({ page: detail.currentPageIndex > 1 ? String(detail.currentPageIndex) : undefined })}
            ariaLabels={{ paginationLabel: 'Pages of events', previousPageLabel: 'Previous page', nextPageLabel: 'Next page', pageLabel: (n) => `Page ${n}` }}
          />
        )
      }
    >
      <SpaceBetween size="m">
        <div className="resources-controls">
          <TimeRangePicker range={ask.range} onChange={(range) => setParams(range.is === 'all' ? { last: undefined, since: undefined, until: undefined, page: undefined } : { ...formatRange(range), page: undefined })} />
          <SegmentedControl
            label="Order"
            selectedId={ask.newestFirst ? 'newest' : 'oldest'}
            onChange={({ detail }) => setParams({ order: detail.selectedId === 'oldest' ? 'oldest' : undefined, page: undefined })}
            options={[
              { id: 'newest', text: 'Newest first' },
              { id: 'oldest', text: 'Oldest first' },
            ]}
          />
          <Toggle checked={ask.reads} onChange={({ detail }) => setParams({ reads: detail.checked ? 'true' : undefined, page: undefined })}>
            Show reads
          </Toggle>
        </div>
        {changes.length === 0 ? (
          <EmptyState title="Nothing in the chosen range" action={<Button onClick={all}>Show all time</Button>}>
            {formatCount(earlier, 'event')} of the resource {earlier === 1 ? 'is' : 'are'} older.
          </EmptyState>
        ) : (
          <ol className="resources-timeline" aria-label={ask.newestFirst ? 'Events, the newest first' : 'Events, the oldest first'}>
            {ordered.slice((page - 1) * changesPerPage, page * changesPerPage).map((change) => (
              <ChangeItem
                key={change.seq}
                change={change}
                account={timeline.account}
                unset={unsetBefore(change, timeline)}
                renamed={names.length > 1}
                chosen={ask.at === change.eventId}
                onChoose={stops.has(change.seq) ? () => choose(change.eventId) : undefined}
              />
            ))}
          </ol>
        )}
      </SpaceBetween>
    </Container>
  );
}
