import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Header from '@cloudscape-design/components/header';
import Pagination from '@cloudscape-design/components/pagination';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import Table from '@cloudscape-design/components/table';
import TextFilter from '@cloudscape-design/components/text-filter';
import { useState } from 'react';
import { summarize } from '@/api/record';
import { paths } from '@/app/paths';
import { useSession } from '@/app/session';
import { AppLink, useFollow } from '@/components/AppLink';
import { EmptyState } from '@/components/EmptyState';
import { LoadError } from '@/components/LoadError';
import { formatCount } from '@/components/format';
import { TimeText } from '@/components/TimeText';
import { NoEvents } from '@/components/NoEvents';
import type { Loaded } from '@/components/useLoad';
import { visible } from '@/components/visible';
import type { Recent, RecentResource } from './recent';

const pageSize = 20;

/** The resources that were changed last, each with the way to its timeline. */
export function RecentResources({ type, recent, onAllTypes }: { type: string; recent: Loaded<Recent>; onAllTypes: () => void }) {
  const { identity } = useSession();
  const follow = useFollow();
  const [filter, setFilter] = useState('');
  const [page, setPage] = useState(1);
  if (recent.error) return <LoadError what="The resources that were changed last could not be found" error={recent.error} onRetry={recent.reload} />;

  const needle = filter.trim().toLowerCase();
  const resources = (recent.data?.resources ?? []).filter(({ name, type }) => `${type} ${name}`.toLowerCase().includes(needle));
  const pages = Math.max(1, Math.ceil(resources.length / pageSize));
  const shown = Math.min(page, pages);
  const accounts = new Set(resources.map(({ account }) => account));
  const severalAccounts = accounts.size > 1 || (accounts.size === 1 && !accounts.has(identity.accountId));
  return (
    <SpaceBetween size="s">
      {recent.data && recent.data.damage.length > 0 && <StatusIndicator type="warning">A part of the event log could not be read: resources may be missing here.</StatusIndicator>}
      <Table
        header={
          <Header
            variant="h2"
            counter={recent.data && `(${resources.length})`}
            description={
              recent.data &&
              `${type ? `Resources of type ${visible(type)}` : 'Resources'} in the ${recent.data.more ? 'newest ' : ''}${formatCount(recent.data.events, 'event')} that may have changed something${recent.data.more ? '; there are older ones' : ''}.`
            }
            actions={type && <Button onClick={onAllTypes}>Show all types</Button>}
          >
            Changed last
          </Header>
        }
        filter={
          <TextFilter
            filteringText={filter}
            onChange={({ detail }) => {
              setFilter(detail.filteringText);
              setPage(1);
            }}
            filteringPlaceholder="Find by name or type"
            filteringAriaLabel="Find by name or type"
            filteringClearAriaLabel="Clear the text"
            countText={needle && formatCount(resources.length, 'match', 'matches')}
          />
        }
        pagination={
          pages > 1 && (
            <Pagination
              currentPageIndex={shown}
              pagesCount={pages}
              onChange={({ detail }) => setPage(detail.currentPageIndex)}
              ariaLabels={{ paginationLabel: 'Pages of resources', previousPageLabel: 'Previous page', nextPageLabel: 'Next page', pageLabel: (n) => `Page ${n}` }}
            />
          )
        }
        items={resources.slice((shown - 1) * pageSize, shown * pageSize)}
        trackBy="key"
        loading={recent.loading && !recent.data}
        loadingText="Looking for resources"
        enableKeyboardNavigation
        wrapLines
        ariaLabels={{ tableLabel: 'Resources that were changed last' }}
        empty={
          needle ? (
            <EmptyState title="No resource matches" action={<Button onClick={() => setFilter('')}>Clear the text</Button>} />
          ) : type ? (
            <EmptyState title="No event has changed a resource of this type" action={<Button onClick={onAllTypes}>Show all types</Button>}>
              A resource that was only read has a timeline too: give its name above.
            </EmptyState>
          ) : (
            <NoEvents
              title="No event has changed a resource"
              action={
                <Button href={paths.events} onFollow={follow}>
                  See the event history
                </Button>
              }
            >
              Resources show up with the first call that changes one.
            </NoEvents>
          )
        }
        columnDefinitions={[
          {
            id: 'name',
            header: 'Resource',
            isRowHeader: true,
            minWidth: 200,
            cell: ({ name, type, account }) => (
              <AppLink href={paths.resource(type, name, { account: account === identity.accountId ? '' : account })} ariaLabel={`Timeline of ${visible(name)}`}>
                <span className="breakable">{visible(name)}</span>
              </AppLink>
            ),
          },
          { id: 'type', header: 'Type', minWidth: 210, cell: ({ type }) => <span className="breakable">{visible(type)}</span> },
          ...(severalAccounts ? [{ id: 'account', header: 'Account', minWidth: 130, cell: ({ account }: RecentResource) => visible(account) || '-' }] : []),
          {
            id: 'event',
            header: 'Newest event',
            minWidth: 200,
            cell: ({ last }) => {
              const said = summarize(last.record);
              return (
                <>
                  <AppLink href={paths.event(said.eventId)} ariaLabel={`Event ${visible(said.eventName)}`}>
                    <span className="breakable">{visible(said.eventName) || 'Event'}</span>
                  </AppLink>
                  {said.errorCode && (
                    <Box variant="small" color="text-status-error" display="block">
                      <span className="breakable">{visible(said.errorCode)}</span>
                    </Box>
                  )}
                </>
              );
            },
          },
          { id: 'when', header: 'When', minWidth: 200, cell: ({ last }) => <TimeText time={summarize(last.record).eventTime} /> },
          { id: 'who', header: 'By', minWidth: 130, cell: ({ last }) => <span className="breakable">{visible(summarize(last.record).userName || summarize(last.record).identityArn) || '-'}</span> },
        ]}
      />
    </SpaceBetween>
  );
}
