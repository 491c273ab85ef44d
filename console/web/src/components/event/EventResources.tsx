import Box from '@cloudscape-design/components/box';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import Table from '@cloudscape-design/components/table';
import { useState } from 'react';
import Pagination from '@cloudscape-design/components/pagination';
import { summarize, type FoundEvent } from '@/api/record';
import { paths } from '@/app/paths';
import { useSession } from '@/app/session';
import { AppLink } from '@/components/AppLink';
import { visible } from '@/components/visible';
import { searchable } from './fields';
import { FilterableValue } from './FilterButtons';
import { resourceState } from './links';
import { exactly } from './query';
import { resourcesOf } from './resources';

const pageSize = 20;

/** The resources that an event names, each with its timeline, or with why it has none here. */
export function EventResources({ event }: { event: FoundEvent }) {
  const { identity } = useSession();
  const [page, setPage] = useState(1);
  const resources = resourcesOf(event);
  const account = summarize(event.record).account;
  // The server takes one's own account unless it is told another one.
  const where = { account: account === identity.accountId ? '' : account };
  return (
    <Table
      variant="embedded"
      enableKeyboardNavigation
      items={resources.slice((page - 1) * pageSize, page * pageSize)}
      wrapLines
      pagination={
        resources.length > pageSize && (
          <Pagination currentPageIndex={page} pagesCount={Math.ceil(resources.length / pageSize)} onChange={({ detail }) => setPage(detail.currentPageIndex)} ariaLabels={{ paginationLabel: 'Pages of resources' }} />
        )
      }
      ariaLabels={{ tableLabel: 'Resources referenced' }}
      empty={<Box color="text-body-secondary">The event names no resources.</Box>}
      columnDefinitions={[
        {
          id: 'type',
          header: 'Resource type',
          minWidth: 160,
          cell: ({ type }) => (type ? <FilterableValue token={searchable(type) ? exactly('ResourceType', type) : undefined}>{visible(type)}</FilterableValue> : '-'),
        },
        {
          id: 'name',
          header: 'Resource name',
          minWidth: 200,
          isRowHeader: true,
          cell: ({ name }) => <FilterableValue token={searchable(name) ? exactly('ResourceName', name) : undefined}>{visible(name)}</FilterableValue>,
        },
        {
          id: 'timeline',
          header: 'Timeline',
          minWidth: 160,
          cell: (resource) => {
            const state = resourceState(resource, event, identity);
            return state.link ? (
              <AppLink href={paths.resource(resource.type, resource.name, where)} ariaLabel={`Open the timeline of ${visible(resource.name)}`}>
                Open the timeline
              </AppLink>
            ) : (
              <StatusIndicator type="stopped">Link not available: {state.why}</StatusIndicator>
            );
          },
        },
      ]}
    />
  );
}
