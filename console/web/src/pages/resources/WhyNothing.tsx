import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { findPage } from '@/api/events';
import { summarize } from '@/api/record';
import { getTimeline, type Timeline } from '@/api/timeline';
import { paths } from '@/app/paths';
import { useSession } from '@/app/session';
import { AppLink, useFollow } from '@/components/AppLink';
import { EmptyState } from '@/components/EmptyState';
import { literal } from '@/components/event/query';
import { LoadError } from '@/components/LoadError';
import { formatCount } from '@/components/format';
import { Loading } from '@/components/Loading';
import { NoEvents } from '@/components/NoEvents';
import { useUrlState } from '@/components/urlState';
import { useLoad } from '@/components/useLoad';
import { visible } from '@/components/visible';
import { queryOf, type Ask } from './ask';
import { accountIn } from './facts';

interface Findings {
  /** Events that only read the resource. */
  reads: number;
  /** What events with the name are there otherwise: of other types, regions and accounts. */
  types: string[];
  accounts: string[];
}

/** Why a timeline has no events, and what to do next. */
export function WhyNothing({ ask, timeline }: { ask: Ask; timeline: Timeline }) {
  const { identity } = useSession();
  const [, setParams] = useUrlState();
  const follow = useFollow();
  const { name, account } = ask;
  const found = useLoad((signal) => look(ask, timeline, signal), [ask.name, ask.type, ask.region, ask.account, ask.range, ask.reads]);
  const ranged = ask.range.is !== 'all';
  const foreign = accountIn(name);

  if (found.loading) return <Loading what="Looking for why there is nothing" />;
  const { reads = 0, types = [], accounts = [] } = found.data ?? {};
  const others = accounts.filter((one) => one !== timeline.account);
  const otherTypes = types.filter((one) => one !== timeline.type);
  return (
    <SpaceBetween size="l">
      <LoadError what="Why there is nothing could not be found out" error={found.error} onRetry={found.reload} />
      <Container>
        {!identity.operator && foreign && foreign !== identity.accountId ? (
          <EmptyState title="Another account’s resource">
            It belongs to account {foreign}, and you are signed in to account {identity.accountId}. Only events of one’s own account can be seen. Sign in with an access key of that account.
          </EmptyState>
        ) : reads > 0 ? (
          <EmptyState title="Nothing but reads" action={<Button onClick={() => setParams({ reads: 'true' })}>Show reads</Button>}>
            {formatCount(reads, 'event')} named it, and only read: no change of it is recorded{ranged ? ' in the chosen range' : ''}.
          </EmptyState>
        ) : ranged ? (
          <EmptyState title="Nothing in the chosen range" action={<Button onClick={() => setParams({ last: undefined, since: undefined, until: undefined })}>Show all time</Button>}>
            No event {timeline.type ? `of ${visible(timeline.type)} ` : ''}up to the end of the range names “{visible(name)}”.
          </EmptyState>
        ) : others.length > 0 ? (
          <EmptyState title={`No event of account ${visible(timeline.account)} names it`}>
            Events of other accounts do:{' '}
            {others.map((one, i) => (
              <span key={one}>
                {i > 0 && ', '}
                <AppLink href={paths.resource(ask.type, name, { account: one, region: ask.region })}>account {visible(one)}</AppLink>
              </span>
            ))}
            .
          </EmptyState>
        ) : otherTypes.length > 0 || ask.region ? (
          <EmptyState
            title="Nothing of this type and region"
            action={
              <Button href={paths.resource('', name, { account })} onFollow={follow}>
                Look in all types and regions
              </Button>
            }
          >
            {otherTypes.length > 0 ? `Events name “${visible(name)}” as ${otherTypes.slice(0, 5).map(visible).join(', ')}.` : `No event of ${visible(ask.region)} names “${visible(name)}”.`}
          </EmptyState>
        ) : (
          <NoEvents
            title="No event names it"
            action={
              <Button href={paths.resources} onFollow={follow}>
                Find another resource
              </Button>
            }
          >
            <div className="breakable">
              None of the events of account {visible(timeline.account)} names “{visible(name)}”. Upper and lower case count, and names are compared whole.
            </div>
            <Box color="inherit">It may have been made too long ago, under another ID, in an account that is not recorded here, or moments ago.</Box>
          </NoEvents>
        )}
      </Container>
    </SpaceBetween>
  );
}

/** Looks for events that the question left out. */
async function look(ask: Ask, timeline: Timeline, signal: AbortSignal): Promise<Findings> {
  const [reads, named] = await Promise.all([
    ask.reads ? undefined : getTimeline({ ...queryOf(ask, Date.now()), reads: true, limit: 1000 }, { signal }),
    findPage({ ResourceName: literal(ask.name), limit: 100 }, { signal }),
  ]);
  const types = new Set<string>();
  const accounts = new Set<string>();
  for (const event of named.events) {
    const { account } = summarize(event.record);
    accounts.add(account);
    if (account === timeline.account) event.resources?.filter(({ name }) => name === ask.name).forEach(({ type }) => type && types.add(type));
  }
  return { reads: reads?.timeline.changes.length ?? 0, types: [...types], accounts: [...accounts].filter(Boolean) };
}
