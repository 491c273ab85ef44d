import Alert from '@cloudscape-design/components/alert';
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useParams } from 'wouter';
import { getEvent } from '@/api/events';
import { summarize, type FoundEvent } from '@/api/record';
import { Page } from '@/app/Page';
import { paths } from '@/app/paths';
import { useFollow } from '@/components/AppLink';
import { CopyButton } from '@/components/CopyButton';
import { EmptyState } from '@/components/EmptyState';
import { LoadError } from '@/components/LoadError';
import { EventDetails } from '@/components/event/EventDetails';
import { EventEvidence } from '@/components/event/EventEvidence';
import { EventFields } from '@/components/event/EventFields';
import { EventResources } from '@/components/event/EventResources';
import { aroundPath, identityToken } from '@/components/event/links';
import { exactly } from '@/components/event/query';
import { resourcesOf } from '@/components/event/resources';
import { formatCount } from '@/components/format';
import { JsonView } from '@/components/JsonView';
import { Loading } from '@/components/Loading';
import { TimeText } from '@/components/TimeText';
import { unescaped } from '@/components/urlState';
import { useLoad } from '@/components/useLoad';
import { visible } from '@/components/visible';
import ExpandableSection from '@cloudscape-design/components/expandable-section';

const above = [{ text: 'Event history', href: paths.events }];

/** One event, at an address of its own. */
export default function Event() {
  useParams();
  // The router's parameter has been unescaped once already, but not of everything.
  const eventId = unescaped(location.pathname.slice(`${paths.events}/`.length));
  const { data, error, loading, reload } = useLoad((signal) => getEvent(exactly('EventId', eventId).value, { signal }), [eventId]);
  if (loading && !data) {
    return (
      <Page title="Event" breadcrumbs={above} header={null}>
        <Loading what="Looking for the event" />
      </Page>
    );
  }
  const first = data?.[0];
  if (!first) {
    return (
      <Page title="Event" breadcrumbs={above}>
        {error ? (
          <LoadError what="The event could not be read" error={error} onRetry={reload} />
        ) : (
          <EmptyState title="No such event">
            No event that is kept, and that you may see, has the ID <span className="mono breakable">{visible(eventId)}</span>. It may be older than the retention.
          </EmptyState>
        )}
      </Page>
    );
  }
  return <OneEvent event={first} others={data.slice(1)} />;
}

function OneEvent({ event, others }: { event: FoundEvent; others: readonly FoundEvent[] }) {
  const follow = useFollow();
  const said = summarize(event.record);
  const around = aroundPath(event, identityToken(event));
  const same = aroundPath(event, said.sourceIPAddress ? exactly('sourceIPAddress', said.sourceIPAddress) : undefined);
  const resources = resourcesOf(event);
  return (
    <Page
      title={visible(said.eventName) || 'Event'}
      breadcrumbs={above}
      description={
        <>
          <TimeText time={said.eventTime} /> · {visible(said.eventSource)}
        </>
      }
      actions={
        <SpaceBetween direction="horizontal" size="xs">
          {around && (
            <Button href={around} onFollow={follow}>
              Five minutes around, same identity
            </Button>
          )}
          {same && (
            <Button href={same} onFollow={follow}>
              Five minutes around, same address
            </Button>
          )}
          <CopyButton text={() => location.href} what="link to the event" label="Copy link" />
        </SpaceBetween>
      }
    >
      <SpaceBetween size="l">
        {others.length > 0 && (
          <Alert type="warning" header={`${formatCount(others.length + 1, 'record')} have this event ID`}>
            The newest is shown. The others are below.
          </Alert>
        )}
        <Container header={<Header variant="h2">Details</Header>}>
          <EventDetails event={event} />
        </Container>
        <Container header={<Header variant="h2" counter={`(${resources.length})`}>Resources referenced</Header>}>
          <EventResources event={event} />
        </Container>
        <Container header={<Header variant="h2">Event record</Header>}>
          <JsonView text={event.raw} what="event record" maxHeight={640} />
        </Container>
        <Container header={<Header variant="h2">Origin and integrity</Header>}>
          <EventEvidence event={event} />
        </Container>
        <ExpandableSection variant="container" headerText="Search by a field">
          <EventFields event={event} />
        </ExpandableSection>
        {others.map((other) => (
          <Container key={other.seq} header={<Header variant="h2" description={<TimeText time={other.arrival} />}>{`Another record, ${visible(other.origin)}`}</Header>}>
            <JsonView text={other.raw} what="another event record" maxHeight={400} />
          </Container>
        ))}
      </SpaceBetween>
    </Page>
  );
}
