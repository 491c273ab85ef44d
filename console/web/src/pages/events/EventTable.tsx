import CollectionPreferences from '@cloudscape-design/components/collection-preferences';
import Pagination from '@cloudscape-design/components/pagination';
import Table from '@cloudscape-design/components/table';
import Toggle from '@cloudscape-design/components/toggle';
import { memo, useMemo, type ReactNode } from 'react';
import { summarize, type FoundEvent } from '@/api/record';
import { useFollow } from '@/components/AppLink';
import { useSavedState } from '@/components/savedState';
import { useTimeZone } from '@/components/TimeText';
import { visible } from '@/components/visible';
import { columnDefinitions, columnOptions } from './columns';
import { pageSizes, usePreferences } from './preferences';

/** How many events can be chosen, to be compared. */
export const mostChosen = 5;

export interface EventTableProps {
  events: readonly FoundEvent[];
  /** In place of the rows, where there are none. */
  empty: ReactNode;
  loading: boolean;
  order: 'newest' | 'oldest';
  chosen: readonly FoundEvent[];
  /** Undefined while events are followed: these have neither pages nor another order. */
  page?: number;
  /** How many pages are known, and whether there may be more. */
  knownPages: number;
  morePages: boolean;
  onChoose: (events: readonly FoundEvent[]) => void;
  onOrder: (order: 'newest' | 'oldest') => void;
  onPage: (page: number) => void;
}

/** The rows of the history. Drawn again only when they change: it is what takes most of the time. */
export const EventTable = memo(function EventTable(props: EventTableProps) {
  const { events, chosen, page } = props;
  const [preferences, save] = usePreferences();
  const [widths, setWidths] = useSavedState<Record<string, number>>('events.widths', {});
  const [zone] = useTimeZone();
  const follow = useFollow();
  const definitions = useMemo(() => columnDefinitions({ widths, zone, follow }), [widths, zone, follow]);
  const visibleIds = preferences.display.filter((column) => column.visible).map((column) => column.id);

  return (
    <Table<FoundEvent>
      variant="full-page"
      stickyHeader
      resizableColumns
      enableKeyboardNavigation
      items={events}
      trackBy={trackBy}
      columnDefinitions={definitions}
      columnDisplay={preferences.display}
      wrapLines={preferences.wrapLines}
      contentDensity={preferences.density}
      loading={props.loading}
      loadingText="Searching"
      empty={props.empty}
      selectionType="multi"
      selectedItems={chosen}
      isItemDisabled={(item) => chosen.length >= mostChosen && !chosen.some((other) => other.seq === item.seq)}
      onSelectionChange={({ detail }) => props.onChoose(detail.selectedItems)}
      onRowClick={({ detail }) => {
        // Who marks a text to copy it does not mean the row.
        if (getSelection()?.isCollapsed ?? true) props.onChoose([detail.item]);
      }}
      sortingColumn={{ sortingField: 'eventTime' }}
      sortingDescending={props.order === 'newest'}
      sortingDisabled={page === undefined}
      onSortingChange={({ detail }) => props.onOrder(detail.isDescending ? 'newest' : 'oldest')}
      onColumnWidthsChange={({ detail }) => setWidths((before) => ({ ...before, ...Object.fromEntries(visibleIds.map((id, i) => [id, detail.widths[i]!] as const)) }))}
      ariaLabels={{
        tableLabel: 'Events',
        selectionGroupLabel: 'Events to look at and compare',
        allItemsSelectionLabel: () => `The first ${mostChosen} events`,
        itemSelectionLabel: (_, event) => `${visible(summarize(event.record).eventName)} of ${visible(summarize(event.record).eventTime)}`,
        resizerRoleDescription: 'Resize',
      }}
      renderAriaLive={({ firstIndex, lastIndex }) => `Events ${firstIndex} to ${lastIndex} of the page`}
      pagination={
        page !== undefined && (
          <Pagination
            currentPageIndex={page + 1}
            pagesCount={props.knownPages + (props.morePages ? 1 : 0)}
            openEnd={props.morePages}
            onChange={({ detail }) => props.onPage(Math.min(detail.currentPageIndex - 1, props.knownPages))}
            ariaLabels={{ paginationLabel: 'Pages of events', nextPageLabel: 'Next page', previousPageLabel: 'Previous page', pageLabel: (n) => `Page ${n}` }}
          />
        )
      }
      preferences={
        <CollectionPreferences
          title="Table preferences"
          confirmLabel="Confirm"
          cancelLabel="Cancel"
          preferences={{ pageSize: preferences.pageSize, wrapLines: preferences.wrapLines, contentDensity: preferences.density, contentDisplay: preferences.display, custom: preferences.histogram }}
          onConfirm={({ detail }) =>
            save({
              pageSize: detail.pageSize ?? preferences.pageSize,
              wrapLines: !!detail.wrapLines,
              density: detail.contentDensity ?? 'comfortable',
              histogram: detail.custom ?? true,
              display: (detail.contentDisplay ?? preferences.display).map(({ id, visible: shown }) => ({ id, visible: shown })),
            })
          }
          pageSizePreference={{ title: 'Events on a page', options: pageSizes.map((value) => ({ value, label: `${value} events` })) }}
          wrapLinesPreference={{ label: 'Wrap lines', description: 'Show long values on several lines' }}
          contentDensityPreference={{ label: 'Compact', description: 'More rows on the screen' }}
          contentDisplayPreference={{ title: 'Columns', description: 'Which are shown, and in which order', options: columnOptions, enableColumnFiltering: true }}
          customPreference={(shown, set) => (
            <Toggle checked={shown ?? true} onChange={({ detail }) => set(detail.checked)}>
              Hits over time
            </Toggle>
          )}
        />
      }
    />
  );
});

const trackBy = (event: FoundEvent) => String(event.seq);
