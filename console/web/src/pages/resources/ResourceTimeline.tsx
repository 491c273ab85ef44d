import Alert from '@cloudscape-design/components/alert';
import Button from '@cloudscape-design/components/button';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import { useMemo } from 'react';
import { getTimeline, type Timeline } from '@/api/timeline';
import { Page } from '@/app/Page';
import { paths } from '@/app/paths';
import { useSession } from '@/app/session';
import { useFollow } from '@/components/AppLink';
import { LoadError } from '@/components/LoadError';
import { formatNumber } from '@/components/format';
import { Loading } from '@/components/Loading';
import { saveFile } from '@/components/saveFile';
import { changed, useUrlState } from '@/components/urlState';
import { useLoad } from '@/components/useLoad';
import { visible } from '@/components/visible';
import { mostEvents, queryOf, type Ask } from './ask';
import { Changes } from './Changes';
import { Configuration } from './Configuration';
import { deedsPath, eventsPath, statusTexts } from './facts';
import { OtherMeanings } from './OtherMeanings';
import { Relationships } from './Relationships';
import { Summary } from './Summary';
import { WhyNothing } from './WhyNothing';

/** The history of one resource. */
export function ResourceTimeline({ ask }: { ask: Ask }) {
  const { identity } = useSession();
  const [params, setParams] = useUrlState();
  const follow = useFollow();
  const { at: _, newestFirst: __, page: ___, ...asked } = ask;
  const found = useLoad((signal) => getTimeline(queryOf(ask, Date.now()), { signal }), [asked]);
  const timeline = found.data?.timeline;
  const status = timeline && statusTexts[timeline.state];
  const deeds = useMemo(() => timeline && deedsPath(timeline), [timeline]);
  const events = useMemo(() => timeline && eventsPath(timeline), [timeline]);
  const nothing = timeline?.changes.length === 0 && !timeline.earlier;
  const type = timeline?.type ?? ask.type;
  const name = timeline?.name ?? ask.name;

  const where = [
    type && visible(type),
    timeline?.region ? visible(timeline.region) : undefined,
    timeline && (timeline.account !== identity.accountId || identity.operator) ? `account ${visible(timeline.account)}` : undefined,
  ].filter(Boolean);
  return (
    <Page
      title={visible(name)}
      breadcrumbs={[{ text: 'Resource timeline', href: paths.resources }]}
      header={
        <Header
          variant="h1"
          description={where.length > 0 ? <span className="breakable">{where.join(' · ')}</span> : undefined}
          actions={
            <SpaceBetween direction="horizontal" size="xs">
              {deeds && (
                <Button href={deeds} onFollow={follow}>
                  What this identity did
                </Button>
              )}
              {events && !nothing && (
                <Button href={events} onFollow={follow}>
                  Its events
                </Button>
              )}
              <Button iconName="download" disabled={!found.data} onClick={() => found.data && save(found.data.text, found.data.timeline)}>
                Download JSON
              </Button>
              <Button iconName="refresh" ariaLabel="Read the events again" onClick={found.reload} loading={found.loading && !!timeline} />
            </SpaceBetween>
          }
        >
          <span className="breakable">{visible(name)}</span>{' '}
          {status && timeline.state !== 'ResourceNotRecorded' && (
            <span className="resources-state">
              <StatusIndicator type={status.type}>{status.text}</StatusIndicator>
            </span>
          )}
        </Header>
      }
    >
      <SpaceBetween size="l">
        <LoadError what="The timeline could not be told" error={found.error} onRetry={found.reload} />
        {!timeline && found.loading && <Loading what="Reading the events of the resource" />}
        {timeline && (
          <SpaceBetween size="l">
            <Bounds timeline={timeline} limit={ask.limit} onMore={() => setParams({ limit: String(mostEvents), page: undefined })} />
            <OtherMeanings timeline={timeline} hrefOf={(changes) => `${paths.resources}?${changed(params, { at: undefined, page: undefined, ...changes })}`} />
            {nothing ? (
              <WhyNothing ask={ask} timeline={timeline} />
            ) : (
              <SpaceBetween size="l">
                <Summary timeline={timeline} />
                <div className="resources-columns">
                  <Changes timeline={timeline} ask={ask} />
                  <div className="resources-aside">
                    <SpaceBetween size="l">
                      <Configuration timeline={timeline} ask={ask} />
                      <Relationships timeline={timeline} />
                    </SpaceBetween>
                  </div>
                </div>
              </SpaceBetween>
            )}
          </SpaceBetween>
        )}
      </SpaceBetween>
    </Page>
  );
}

/** What was too much to be read or told, and what could not be read. */
function Bounds({ timeline, limit, onMore }: { timeline: Timeline; limit: number | undefined; onMore: () => void }) {
  const { cut = [], damage = [] } = timeline;
  const others = [
    cut.includes('names') && 'It had more names than are followed: the oldest or the newest are missing.',
    cut.includes('configuration') && 'Its configuration is too large: parts of it are left out, or are there with their length only.',
    cut.includes('relationships') && 'It has to do with more resources than are listed.',
  ].filter((text) => text !== false);
  if (cut.length + damage.length === 0) return null;
  return (
    <SpaceBetween size="s">
      {cut.includes('events') && (
        <Alert
          type="warning"
          header="The newest events are missing"
          action={(limit ?? 0) < mostEvents && <Button onClick={onMore}>Read up to {formatNumber(mostEvents)} events</Button>}
        >
          It has more events than were read, and the oldest are read first. State, configuration and relationships are those behind the last event that is shown, not those of now.
        </Alert>
      )}
      {others.length > 0 && (
        <Alert type="warning" header="This timeline is not whole">
          {others.join(' ')}
        </Alert>
      )}
      {damage.length > 0 && (
        <Alert type="error" header="A part of the event log could not be read">
          Events may be missing here, and what they changed.
          {damage.map((text, i) => (
            <div key={i} className="breakable">
              {visible(text)}
            </div>
          ))}
        </Alert>
      )}
    </SpaceBetween>
  );
}

/** Saves the answer as it came. */
function save(text: string, { account, type, name }: Timeline): void {
  const file = [account, type, name]
    .filter(Boolean)
    .join('-')
    .replace(/[^A-Za-z0-9._-]+/g, '_')
    .slice(0, 120);
  saveFile(new Blob([text], { type: 'application/json' }), `timeline-${file}.json`);
}
