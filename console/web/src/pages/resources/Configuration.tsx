import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import LiveRegion from '@cloudscape-design/components/live-region';
import Slider from '@cloudscape-design/components/slider';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useEffect, useRef, useState } from 'react';
import { getTimeline, type Change, type Timeline, type Tree } from '@/api/timeline';
import { paths } from '@/app/paths';
import { AppLink } from '@/components/AppLink';
import { LoadError } from '@/components/LoadError';
import { formatCount } from '@/components/format';
import { JsonView } from '@/components/JsonView';
import { Loading } from '@/components/Loading';
import { formatTime, TimeText, useTimeZone } from '@/components/TimeText';
import { useUrlState } from '@/components/urlState';
import { useLoad } from '@/components/useLoad';
import { visible } from '@/components/visible';
import { snapshotQuery, type Ask } from './ask';
import { stopsOf } from './facts';

export const configurationId = 'configuration';

/** How the resource is set up as far as events tell: now, or behind a chosen event. */
export function Configuration({ timeline, ask }: { timeline: Timeline; ask: Ask }) {
  const [, setParams] = useUrlState();
  const { at, newestFirst: _, page: __, ...asked } = ask;
  // Without an event there is nothing to ask; the answer that is there has it.
  const then = useLoad(async (signal) => (at ? ((await getTimeline(snapshotQuery(ask, Date.now()), { signal })).timeline.at ?? null) : null), [asked, at]);
  const stops = stopsOf(timeline.changes);
  const chosen = timeline.changes.find(({ eventId }) => eventId === at);
  const snapshot = at ? then.data : undefined;
  const config = at ? snapshot?.configuration : timeline.configuration;
  const deleted = at ? snapshot?.state === 'ResourceDeleted' : timeline.state === 'ResourceDeleted';
  const last = timeline.changes.at(-1);
  return (
    <div id={configurationId} className="resources-target">
      <Container
        header={
          <Header
            variant="h2"
            actions={at && <Button onClick={() => setParams({ at: undefined })}>{timeline.cut?.includes('events') ? 'Show the last one' : 'Show it now'}</Button>}
            description={
              at ? (
                <>
                  Behind <AppLink href={paths.event(at)}>{chosen ? visible(chosen.eventName) : 'an event'}</AppLink>
                  {snapshot && (
                    <>
                      , <TimeText time={snapshot.time} />
                    </>
                  )}
                </>
              ) : timeline.cut?.includes('events') && last ? (
                <>
                  Behind the last event that was read, <TimeText time={last.eventTime} />
                </>
              ) : ask.range.is === 'between' && ask.range.until ? (
                <>
                  At the end of the range, <TimeText time={ask.range.until} />
                </>
              ) : (
                'As known now'
              )
            }
          >
            Configuration
          </Header>
        }
      >
        <SpaceBetween size="s">
          {stops.length > 1 && <Stops stops={stops} at={at} onChoose={(eventId) => setParams({ at: eventId }, { replace: true })} />}
          <LoadError what="The configuration could not be told" error={at ? then.error : undefined} onRetry={then.reload} />
          {at && then.loading && !then.data && <Loading what="Reading what was known then" />}
          {at && !then.loading && !then.error && snapshot === null && (
            <Alert type="info">The chosen event is not among those of the resource, or is not among the events that were read.</Alert>
          )}
          {config !== undefined && (
            <SpaceBetween size="s">
              {deleted && <Box color="text-status-inactive">Deleted. This is the last that was known of it.</Box>}
              <Known config={config} />
              <Unknown timeline={timeline} complete={at ? !!snapshot?.complete : timeline.complete} />
            </SpaceBetween>
          )}
        </SpaceBetween>
        <LiveRegion hidden tagName="span">
          {at && snapshot ? `The configuration behind ${visible(chosen?.eventName ?? 'the event')} is shown` : ''}
        </LiveRegion>
      </Container>
    </div>
  );
}

function Known({ config }: { config: Tree | null }) {
  if (!config || Object.keys(config).length === 0) return <Box color="text-body-secondary">No event that was read tells how it is set up.</Box>;
  return <JsonView text={JSON.stringify(config)} what="Configuration" maxHeight={480} />;
}

/** What is not known, and why. */
function Unknown({ timeline, complete }: { timeline: Timeline; complete: boolean }) {
  const { unknown = 0, changes, earlier = 0 } = timeline;
  const vague = changes.filter(({ effect }) => effect === 'unknown').length;
  return (
    <div className="resources-not-known">
      <Box variant="awsui-key-label">What is not known</Box>
      <ul>
        {!complete && <li>How it was set up before its first event: its creation is not among the events. What no call has told of since is missing above.</li>}
        {unknown > 0 && (
          <li>
            What {formatCount(unknown, 'call')} did to it{earlier > 0 && vague < unknown ? ' (some of them before the range)' : ''}: {unknown === 1 ? 'its effect is' : 'their effects are'} marked as unknown.
          </li>
        )}
        {changes.some(({ eventTime }, i) => eventTime === changes[i - 1]?.eventTime) && <li>Which of several events in one second came first: they are in the order of their arrival.</li>}
        <li>Defaults, and what a service sets of its own accord: only what requests and answers said is known.</li>
      </ul>
    </div>
  );
}

/** A slider over the changes. The address follows once it rests, because every stop is a search of the events. */
function Stops({ stops, at, onChoose }: { stops: readonly Change[]; at: string; onChoose: (eventId: string | undefined) => void }) {
  const [zone] = useTimeZone();
  const index = at ? stops.findIndex(({ eventId }) => eventId === at) : stops.length - 1;
  const [moved, setMoved] = useState<number>();
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  useEffect(() => setMoved(undefined), [at]);
  const value = moved ?? (index < 0 ? stops.length - 1 : index);
  const textOf = (i: number) => {
    const stop = stops[i];
    return stop ? `${visible(stop.eventName)}, ${formatTime(new Date(stop.eventTime), zone)}` : '';
  };
  return (
    <div>
      <Slider
        value={value}
        min={0}
        max={stops.length - 1}
        step={1}
        tickMarks={stops.length <= 25}
        hideFillLine
        valueFormatter={textOf}
        ariaLabel="Configuration behind this change"
        onChange={({ detail }) => {
          setMoved(detail.value);
          clearTimeout(timer.current);
          const chosen = stops[detail.value];
          timer.current = setTimeout(() => {
            if (detail.value === index) setMoved(undefined);
            else onChoose(detail.value === stops.length - 1 && !at ? undefined : chosen?.eventId);
          }, 400);
        }}
      />
      <Box variant="small" color="text-body-secondary" display="block">
        Change {value + 1} of {stops.length}: <span className="breakable">{textOf(value)}</span>
      </Box>
    </div>
  );
}
