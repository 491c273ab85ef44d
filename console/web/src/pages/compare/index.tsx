import Alert from '@cloudscape-design/components/alert';
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { getEvent } from '@/api/events';
import { Page } from '@/app/Page';
import { paths } from '@/app/paths';
import { useFollow } from '@/components/AppLink';
import { EmptyState } from '@/components/EmptyState';
import { LoadError } from '@/components/LoadError';
import { Comparison } from '@/components/event/Comparison';
import { exactly } from '@/components/event/query';
import { Loading } from '@/components/Loading';
import { useLoad } from '@/components/useLoad';
import { unescaped, useUrlState } from '@/components/urlState';
import { visible } from '@/components/visible';

const most = 5;

/** Up to five events side by side: /compare?ids=a,b. */
export default function Compare() {
  const [params] = useUrlState();
  const follow = useFollow();
  const named = [...new Set(idsOf(params))];
  const ids = named.slice(0, most);
  const { data, error, loading, reload } = useLoad(
    (signal) => Promise.all(ids.map(async (id) => ({ id, event: (await getEvent(exactly('EventId', id).value, { signal }))[0] }))),
    [ids],
  );
  const events = data?.flatMap(({ event }) => (event ? [event] : [])) ?? [];
  const missing = data?.filter(({ event }) => !event).map(({ id }) => id) ?? [];
  return (
    <Page title="Compare events" breadcrumbs={[{ text: 'Event history', href: paths.events }]} description="Event details side by side. Fields that differ are marked.">
      <SpaceBetween size="m">
        <LoadError what="The events could not be read" error={error} onRetry={reload} />
        {named.length > most && <Alert type="info">At most {most} events can be compared. The first {most} are shown.</Alert>}
        {missing.length > 0 && (
          <Alert type="warning" header="Not found">
            No event that is kept, and that you may see, has the ID <span className="mono breakable">{missing.map(visible).join(', ')}</span>.
          </Alert>
        )}
        {ids.length === 0 ? (
          <EmptyState title="No events to compare" action={<Button href={paths.events} onFollow={follow}>Event history</Button>}>
            Tick two to five events in the history, and choose Compare.
          </EmptyState>
        ) : loading && !data ? (
          <Loading what="Reading the events" />
        ) : (
          events.length > 0 && (
            <Container>
              <Comparison events={events} />
            </Container>
          )
        )}
      </SpaceBetween>
    </Page>
  );
}

/** The IDs of the address. Commas stand between them; one within an ID is escaped, where the others are not. */
function idsOf(params: URLSearchParams): string[] {
  const written = /[?&]ids=([^&]*)/.exec(location.search)?.[1] ?? '';
  const ids = written.includes(',') ? written.split(',').map(unescaped) : (params.get('ids') ?? '').split(',');
  return ids.filter((id) => id !== '');
}
