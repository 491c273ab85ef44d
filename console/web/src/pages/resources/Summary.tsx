import Box from '@cloudscape-design/components/box';
import Container from '@cloudscape-design/components/container';
import KeyValuePairs, { type KeyValuePairsProps } from '@cloudscape-design/components/key-value-pairs';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import type { Moment, Timeline } from '@/api/timeline';
import { paths } from '@/app/paths';
import { AppLink } from '@/components/AppLink';
import { CopyButton } from '@/components/CopyButton';
import { formatAgo, formatCount } from '@/components/format';
import { TimeText } from '@/components/TimeText';
import { visible } from '@/components/visible';
import { authorPath, authorsOf, shortIdentity, statusTexts } from './facts';

/** What one wants to know of a resource first: whether it exists, its names, since when it is known, and who changed it most. */
export function Summary({ timeline }: { timeline: Timeline }) {
  const { state, arn, names, created, deleted, changes, earlier = 0, account } = timeline;
  const status = statusTexts[state];
  const first = changes[0];
  const last = changes.at(-1);
  const authors = authorsOf(changes);
  const items: (KeyValuePairsProps.Pair | undefined)[] = [
    {
      label: 'State',
      value: (
        <>
          <StatusIndicator type={status.type}>{status.text}</StatusIndicator>
          <Small>{status.why}</Small>
        </>
      ),
    },
    {
      label: names.length > 1 ? 'Names over time' : 'Name',
      value: (
        <ol className="resources-names">
          {names.map((span, i) => (
            <li key={i}>
              <span className="breakable">{visible(span.name)}</span>
              {names.length > 1 && (
                <Small>
                  {span.from || created ? (
                    <>
                      from <TimeText time={span.from ?? created?.time} />
                    </>
                  ) : (
                    'as far back as events go'
                  )}
                  {span.until && (
                    <>
                      {' '}
                      until{' '}
                      {span.eventId ? (
                        <AppLink href={paths.event(span.eventId)} fontSize="inherit">
                          <TimeText time={span.until} />
                        </AppLink>
                      ) : (
                        <TimeText time={span.until} />
                      )}
                    </>
                  )}
                </Small>
              )}
            </li>
          ))}
        </ol>
      ),
    },
    created ? momentPair('Created', created) : undefined,
    deleted ? momentPair('Deleted', deleted) : undefined,
    first && {
      label: earlier > 0 ? 'First event in the range' : 'First seen',
      value: (
        <>
          <TimeText time={first.eventTime} />
          {!created && <Small>Its creation is not among the events.</Small>}
        </>
      ),
    },
    last && {
      label: timeline.cut?.includes('events') ? 'Last event that was read' : 'Last seen',
      value: (
        <>
          <TimeText time={last.eventTime} />
          <Small>{formatAgo(last.eventTime)}</Small>
        </>
      ),
    },
    authors.length > 0
      ? {
          label: authors.length > 1 ? 'Changed most by' : 'Changed by',
          value: (
            <ol className="resources-names">
              {authors.slice(0, 3).map((author) => {
                const href = authorPath(author, account);
                const text = visible(shortIdentity(author.who)) || 'Somebody the events do not name';
                return (
                  <li key={author.who}>
                    {href ? (
                      <AppLink href={href} ariaLabel={`What ${text} did`}>
                        <span className="breakable">{text}</span>
                      </AppLink>
                    ) : (
                      <span className="breakable">{text}</span>
                    )}
                    <Small>
                      {formatCount(author.changes, 'change')}
                      {author.failed > 0 && `, ${formatCount(author.failed, 'failed attempt')}`}
                    </Small>
                  </li>
                );
              })}
              {authors.length > 3 && (
                <li>
                  <Small>and {formatCount(authors.length - 3, 'other identity', 'other identities')}</Small>
                </li>
              )}
            </ol>
          ),
        }
      : undefined,
    arn
      ? {
          label: 'ARN',
          value: (
            <>
              <span className="breakable">{visible(arn)}</span> <CopyButton text={arn} what="ARN" />
            </>
          ),
        }
      : undefined,
  ];
  return (
    <Container>
      <KeyValuePairs columns={4} minColumnWidth={190} items={items.filter((item) => item !== undefined)} />
    </Container>
  );
}

function momentPair(label: string, { time, eventId, by }: Moment): KeyValuePairsProps.Pair {
  return {
    label,
    value: (
      <>
        <AppLink href={paths.event(eventId)}>
          <TimeText time={time} />
        </AppLink>
        {by && (
          <Small>
            by <span className="breakable">{visible(shortIdentity(by))}</span>
          </Small>
        )}
      </>
    ),
  };
}

function Small({ children }: { children: React.ReactNode }) {
  return (
    <Box variant="small" color="text-body-secondary" display="block">
      {children}
    </Box>
  );
}
