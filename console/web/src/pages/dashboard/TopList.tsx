import Box from '@cloudscape-design/components/box';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import type { Overview, TopAttribute } from '@/api/overview';
import { AppLink } from '@/components/AppLink';
import { literal } from '@/components/event/query';
import { formatCount, formatNumber } from '@/components/format';
import { visible } from '@/components/visible';

const texts: Record<TopAttribute, { title: string; none: string }> = {
  EventName: { title: 'Event names', none: 'No events yet.' },
  Username: { title: 'Users', none: 'No events that name a user.' },
  EventSource: { title: 'Event sources', none: 'No events yet.' },
  errorCode: { title: 'Error codes', none: 'No call has failed.' },
  sourceIPAddress: { title: 'Source addresses', none: 'No events that name an address.' },
};

/** The most frequent values of an attribute, over everything that is kept. Each leads to its events. */
export function TopList({ overview, attribute, search }: { overview: Overview; attribute: TopAttribute; search(conditions: Record<string, string>): string }) {
  const { title, none } = texts[attribute];
  const values = overview.top[attribute]?.values ?? [];
  const highest = values[0]?.count ?? 0;
  return (
    <Container
      fitHeight
      header={
        <Header variant="h2" description="Most frequent, of all events kept">
          {title}
        </Header>
      }
    >
      {values.length === 0 ? (
        <Box color="text-body-secondary">{none}</Box>
      ) : (
        <ol className="dashboard-list" aria-label={`${title}, the most frequent first`}>
          {values.map(({ value, count }) => (
            <li key={value}>
              <AppLink href={search({ [attribute]: literal(value) })} ariaLabel={`${visible(value)}: ${formatCount(count, 'event')}`}>
                <span className="breakable">{visible(value)}</span>
              </AppLink>
              <span className="dashboard-count">{formatNumber(count)}</span>
              <svg className="dashboard-share" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true" focusable="false">
                <rect width={Math.max(1, (count / highest) * 100)} height={1} />
              </svg>
            </li>
          ))}
        </ol>
      )}
    </Container>
  );
}
