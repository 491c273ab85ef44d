import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import Table from '@cloudscape-design/components/table';
import type { EventPage } from '@/api/events';
import { summarize } from '@/api/record';
import { paths } from '@/app/paths';
import { AppLink, useFollow } from '@/components/AppLink';
import { EmptyState } from '@/components/EmptyState';
import { LoadError } from '@/components/LoadError';
import { TimeText } from '@/components/TimeText';
import type { Loaded } from '@/components/useLoad';
import { visible } from '@/components/visible';

/** The newest events that changed something, as the event history begins with them too. */
export function NewestEvents({ data, error, loading, reload, search }: Loaded<EventPage> & { search(conditions: Record<string, string>): string }) {
  const follow = useFollow();
  return (
    <Table
      variant="container"
      header={
        <Header
          variant="h2"
          description="What was not read-only."
          actions={<Button href={search({ ReadOnly: 'false' })} onFollow={follow} ariaLabel="View all events">View all</Button>}
        >
          Newest events
        </Header>
      }
      items={data?.events ?? []}
      trackBy={(event) => String(event.seq)}
      loading={loading && !data}
      loadingText="Looking for events"
      enableKeyboardNavigation
      wrapLines
      ariaLabels={{ tableLabel: 'Newest events' }}
      empty={
        error ? (
          <LoadError what="The newest events could not be found" error={error} onRetry={reload} />
        ) : (
          <EmptyState title="No events">Nothing was changed yet.</EmptyState>
        )
      }
      footer={error && data ? <LoadError what="The newest events could not be found again" error={error} onRetry={reload} /> : undefined}
      columnDefinitions={[
        {
          id: 'name',
          header: 'Event',
          isRowHeader: true,
          minWidth: 180,
          cell: ({ record }) => {
            const { eventId, eventName, eventSource, errorCode } = summarize(record);
            return (
              <SpaceBetween size="xxs">
                <AppLink href={paths.event(eventId)}><span className="breakable">{visible(eventName) || '(no name)'}</span></AppLink>
                <Box variant="small" color="text-body-secondary"><span className="breakable">{visible(eventSource)}</span></Box>
                {errorCode && <StatusIndicator type="error"><span className="breakable">{visible(errorCode)}</span></StatusIndicator>}
              </SpaceBetween>
            );
          },
        },
        { id: 'user', header: 'User', minWidth: 100, cell: ({ record }) => <span className="breakable">{visible(summarize(record).userName) || '-'}</span> },
        { id: 'time', header: 'Time', minWidth: 140, cell: ({ record }) => <TimeText time={summarize(record).eventTime} /> },
      ]}
    />
  );
}
