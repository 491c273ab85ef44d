import Box from '@cloudscape-design/components/box';
import Pagination from '@cloudscape-design/components/pagination';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Table from '@cloudscape-design/components/table';
import Toggle from '@cloudscape-design/components/toggle';
import { useMemo, useState } from 'react';
import { summarize, type FoundEvent } from '@/api/record';
import { paths } from '@/app/paths';
import { AppLink } from '@/components/AppLink';
import { formatNumber } from '@/components/format';
import { useSavedState } from '@/components/savedState';
import { formatTime } from '@/components/TimeText';
import { visible } from '@/components/visible';
import { compareFields, exactRecord } from './fields';
import './event.css';

const pageSize = 100;
const longest = 2_000;

/** Events side by side, the oldest at the left, field by field, those that differ marked. */
export function Comparison({ events: given }: { events: readonly FoundEvent[] }) {
  const events = useMemo(() => [...given].sort((a, b) => timeOf(a) - timeOf(b) || a.seq - b.seq), [given]);
  const [onlyDiffering, setOnlyDiffering] = useSavedState('compare.differing', false);
  const [page, setPage] = useState(1);
  const rows = useMemo(() => compareFields(events.map(exactRecord)), [events]);
  const differing = rows.filter((row) => row.differs);
  const shown = onlyDiffering ? differing : rows;
  const pages = Math.max(1, Math.ceil(shown.length / pageSize));
  const at = Math.min(page, pages);
  return (
    <SpaceBetween size="s">
      <SpaceBetween direction="horizontal" size="m" alignItems="center">
        <Toggle checked={onlyDiffering} onChange={({ detail }) => setOnlyDiffering(detail.checked)}>
          Only fields that differ
        </Toggle>
        <Box color="text-body-secondary">
          {formatNumber(differing.length)} of {formatNumber(rows.length)} fields differ
        </Box>
      </SpaceBetween>
      <Table
        variant="embedded"
        enableKeyboardNavigation
        resizableColumns
        wrapLines
        contentDensity="compact"
        stickyColumns={{ first: innerWidth > 688 ? 1 : 0 }}
        items={shown.slice((at - 1) * pageSize, at * pageSize)}
        trackBy="path"
        ariaLabels={{ tableLabel: 'Comparison of events' }}
        empty={<Box color="text-body-secondary">{events.length > 1 ? 'The events are the same in every field.' : 'There is nothing to compare.'}</Box>}
        pagination={pages > 1 && <Pagination currentPageIndex={at} pagesCount={pages} onChange={({ detail }) => setPage(detail.currentPageIndex)} ariaLabels={{ paginationLabel: 'Pages of fields' }} />}
        columnDefinitions={[
          {
            id: 'field',
            header: 'Field',
            width: innerWidth > 688 ? 280 : 150,
            minWidth: 120,
            isRowHeader: true,
            cell: ({ path, differs }) => (
              <span className="breakable">
                <span className={differs ? 'mono event-differs' : 'mono'}>{visible(path)}</span> {differs && <span className="event-mark" role="img" aria-label="differs">≠</span>}
              </span>
            ),
          },
          ...events.map((event, i) => {
            const { eventName, eventTime, eventId } = summarize(event.record);
            return {
              id: `event-${i}`,
              width: innerWidth > 688 ? 300 : 220,
              minWidth: 140,
              header: (
                <span className="breakable">
                  {eventId ? <AppLink href={paths.event(eventId)}>{visible(eventName) || 'Event'}</AppLink> : visible(eventName)}
                  <Box variant="small" display="block" color="inherit">
                    {Number.isNaN(Date.parse(eventTime)) ? visible(eventTime) : formatTime(new Date(eventTime), 'utc')}
                  </Box>
                </span>
              ),
              cell: ({ texts, differs }: (typeof rows)[number]) => {
                const text = texts[i];
                if (text === undefined) return <Box color="text-status-inactive">not there</Box>;
                return <span className={`breakable${differs ? ' event-differs' : ''}`}>{visible(text.length > longest ? `${text.slice(0, longest)}…` : text)}</span>;
              },
            };
          }),
        ]}
      />
    </SpaceBetween>
  );
}

function timeOf({ record }: FoundEvent): number {
  return Date.parse(summarize(record).eventTime) || 0;
}
