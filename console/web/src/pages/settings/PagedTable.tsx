import { useCollection } from '@cloudscape-design/collection-hooks';
import Button from '@cloudscape-design/components/button';
import Header from '@cloudscape-design/components/header';
import Pagination from '@cloudscape-design/components/pagination';
import Table, { type TableProps } from '@cloudscape-design/components/table';
import TextFilter from '@cloudscape-design/components/text-filter';
import type { ReactNode } from 'react';
import { EmptyState } from '@/components/EmptyState';
import { formatCount, formatNumber } from '@/components/format';
import { LoadError } from '@/components/LoadError';

const pageSize = 20;

interface Props<Item> {
  /** The heading, and the table's name for screen readers. */
  name: string;
  description?: ReactNode;
  actions?: ReactNode;
  items: readonly Item[];
  /** What the filter looks in. */
  textOf(item: Item): string;
  trackBy(item: Item): string;
  columns: TableProps.ColumnDefinition<Item>[];
  empty: ReactNode;
  footer?: ReactNode;
  loading?: boolean;
  error?: unknown;
  onRetry?: () => void;
  /** Rows can be chosen, one at a time. */
  selected?: Item;
  onSelect?: (item: Item) => void;
}

/** A table of a few lines or a few thousand, 20 at a time, with a filter where there is more than a page. */
export function PagedTable<Item>({ name, description, actions, items, textOf, trackBy, columns, empty, footer, loading, error, onRetry, selected, onSelect }: Props<Item>) {
  const { items: shown, actions: collection, filterProps, paginationProps, filteredItemsCount } = useCollection(items, {
    filtering: {
      filteringFunction: (item, text) => textOf(item).toLowerCase().includes(text.toLowerCase()),
    },
    pagination: { pageSize },
  });
  const many = items.length > pageSize;
  const nothing = () => {
    if (error) return <LoadError what={`${name} could not be loaded`} error={error} onRetry={onRetry} />;
    if (items.length > 0) return <EmptyState title="Nothing matches" action={<Button onClick={() => collection.setFiltering('')}>Clear the filter</Button>} />;
    return typeof empty === 'string' ? <EmptyState title={empty} /> : empty;
  };
  return (
    <Table
      variant="container"
      header={
        <Header variant="h2" counter={loading || error ? undefined : `(${formatNumber(items.length)})`} description={description} actions={actions}>
          {name}
        </Header>
      }
      items={shown}
      trackBy={trackBy}
      columnDefinitions={columns}
      wrapLines
      enableKeyboardNavigation
      loading={loading && items.length === 0}
      loadingText="Loading"
      empty={nothing()}
      footer={footer}
      filter={
        many || filterProps.filteringText ? (
          <TextFilter
            {...filterProps}
            filteringPlaceholder={`Find in ${name.toLowerCase()}`}
            filteringAriaLabel={`Find in ${name.toLowerCase()}`}
            filteringClearAriaLabel="Clear the filter"
            countText={formatCount(filteredItemsCount ?? 0, 'match', 'matches')}
          />
        ) : undefined
      }
      pagination={
        many ? (
          <Pagination {...paginationProps} ariaLabels={{ nextPageLabel: 'Next page', previousPageLabel: 'Previous page', pageLabel: (page) => `Page ${page}`, paginationLabel: `Pages of ${name.toLowerCase()}` }} />
        ) : undefined
      }
      selectionType={onSelect ? 'single' : undefined}
      selectedItems={selected ? [selected] : []}
      onSelectionChange={({ detail }) => detail.selectedItems[0] && onSelect?.(detail.selectedItems[0])}
      onRowClick={({ detail }) => onSelect?.(detail.item)}
      ariaLabels={{ tableLabel: name, selectionGroupLabel: `Choose one of ${name.toLowerCase()}`, itemSelectionLabel: (_, item) => `Choose ${trackBy(item)}` }}
    />
  );
}
