import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import ButtonDropdown from '@cloudscape-design/components/button-dropdown';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import ToggleButton from '@cloudscape-design/components/toggle-button';
import { lazy, Suspense, useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { attributes } from '@/api/events';
import { summarize, type FoundEvent } from '@/api/record';
import { Page } from '@/app/Page';
import { paths } from '@/app/paths';
import { useSession } from '@/app/session';
import { useFollow as useFollowLink } from '@/components/AppLink';
import type { Format } from '@/components/event/download';
import { isGroup, noQuery, QueryProblem, type EventQuery } from '@/components/event/query';
import { boundsOf, secondsText, type TimeRange } from '@/components/event/range';
import { formatSearch, parseSearch, readsRecords, searchConditions, type Search } from '@/components/event/search';
import { useDownload } from '@/components/event/useDownload';
import { EmptyState } from '@/components/EmptyState';
import { isDenied, LoadError } from '@/components/LoadError';
import { formatCount, formatNumber } from '@/components/format';
import { NoEvents } from '@/components/NoEvents';
import { useSavedState } from '@/components/savedState';
import { useTimeZone } from '@/components/TimeText';
import { useUrlState } from '@/components/urlState';
import { visible } from '@/components/visible';
import { EventTable, mostChosen } from './EventTable';
import { Filter } from './Filter';
import { FollowBar } from './FollowBar';
import { Hits } from './Hits';
import { KeyQuestion, keyQuestion } from './KeyQuestion';
import { Nothing } from './Nothing';
import { usePreferences } from './preferences';
import { questions } from './questions';
import { rangeText, TimeRangePicker } from './TimeRangePicker';
import { useEventPages } from './useEventPages';
import { useFollow } from './useFollow';
import { useHits } from './useHits';
import './events.css';

// What shows an event is not needed before one is chosen.
const loadPanel = () => import('./EventPanel');
const EventPanel = lazy(loadPanel);

const none: readonly FoundEvent[] = [];
/** What AWS's event history begins with. */
const onlyWrites: EventQuery = { operation: 'and', tokens: [{ propertyKey: 'ReadOnly', operator: '=', value: 'false' }] };

/** The event history: search, look at, follow and download events. */
export default function Events() {
  const { identity, regions } = useSession();
  const [params, setParams] = useUrlState();
  const [zone] = useTimeZone();
  const followLink = useFollowLink();
  const [preferences] = usePreferences();
  const [defaults, setDefaults] = useSavedState('events.defaults', { onlyWrites: true });

  // Without any parameter the page has the user's default, and an address that says so.
  const bare = params.size === 0;
  const { search, problem: unreadable } = useMemo(() => read(bare ? formatSearch({ query: defaults.onlyWrites ? onlyWrites : noQuery, range: { is: 'all' }, order: 'newest' }) : params), [params, bare, defaults]);
  useEffect(() => {
    if (bare) setParams(formatSearch(search), { replace: true });
  }, [bare, search, setParams]);

  const [attempt, setAttempt] = useState(0);
  const address = useMemo(() => formatSearch(search).toString(), [search]);
  const key = `${address} ${preferences.pageSize} ${attempt}`;
  // Relative ranges end when the search is made, and stay there while its pages are turned.
  const now = useMemo(() => Date.now(), [key]);
  const conditions = useMemo(() => searchConditions(search, now).toString(), [search, now]);
  const pages = useEventPages(conditions, preferences.pageSize, key);

  const bounds = useMemo(() => boundsOf(search.range, now), [search, now]);
  const [counted, setCounted] = useState('');
  // Counting what the index cannot tell, over all time, reads every record there is.
  const costly = readsRecords(new URLSearchParams(conditions)) && bounds.since === undefined && !isSelective(search.query);
  const [ready, setReady] = useState('');
  useEffect(() => {
    if (pages.loading) return;
    setReady(key);
    // A panel whose code does not load says so when it is opened.
    loadPanel().catch(() => {});
  }, [pages.loading, key]);
  const hits = useHits(conditions, bounds, now, key, ready === key && pages.error === undefined && (preferences.histogram || !costly) && (!costly || counted === key));

  const [following, setFollowing] = useState(false);
  const [paused, setPaused] = useState(false);
  const followConditions = useMemo(() => searchConditions({ ...search, range: { is: 'all' }, order: 'newest' }, 0).toString(), [search]);
  // Rows of the search before, of a later page or of the oldest events are not what new ones stand before.
  const live = useFollow(following, followConditions, attempt, paused, pages.index === 0 && search.order === 'newest' && !pages.stale ? pages.events : none);
  const events = following ? live.events : pages.events;

  const [problem, setProblem] = useState('');
  const apply = useCallback(
    (next: Search, replace = false) => {
      try {
        const nextParams = formatSearch(next);
        setProblem('');
        setParams(nextParams, { replace });
      } catch (error) {
        if (!(error instanceof QueryProblem)) throw error;
        setProblem(error.message);
      }
    },
    [setParams],
  );
  const latest = useRef(search);
  latest.current = search;
  const changeQuery = useCallback(
    (query: EventQuery) => {
      // Whether the default is wanted is what the user does with it.
      const before = latest.current;
      if (hasOnlyWrites(before.query) !== hasOnlyWrites(query)) setDefaults({ onlyWrites: hasOnlyWrites(query) });
      apply({ ...before, query });
    },
    [apply, setDefaults],
  );
  const changeRange = (range: TimeRange) => {
    setFollowing(false);
    apply({ ...search, range });
  };

  const [selected, setSelected] = useState<readonly FoundEvent[]>([]);
  const [panelOpen, setPanelOpen] = useState(false);
  const [panelShown, setPanelShown] = useState(false);
  const choose = useCallback((items: readonly FoundEvent[]) => {
    setSelected(items.slice(0, mostChosen));
    if (items.length > 0) setPanelOpen(true);
  }, []);
  const changeOrder = useCallback((order: Search['order']) => apply({ ...latest.current, order }), [apply]);
  useEffect(() => {
    setSelected([]);
    setProblem('');
  }, [key]);
  // The panel must not cover what was chosen.
  useEffect(() => {
    if (!panelOpen || !panelShown || selected.length === 0) return;
    const timer = setTimeout(() => showChosen(), 50);
    return () => clearTimeout(timer);
  }, [panelOpen, panelShown, selected]);
  const at = selected.length === 1 ? events.findIndex((event) => event.seq === selected[0]!.seq) : -1;
  const step = (to: number) => (at >= 0 && events[to] ? () => setSelected([events[to]!]) : undefined);

  // What takes a moment only is not worth a word.
  const [slow, setSlow] = useState(false);
  useEffect(() => {
    setSlow(false);
    if (!pages.loading) return;
    const timer = setTimeout(() => setSlow(true), 600);
    return () => clearTimeout(timer);
  }, [pages.loading, key]);

  const { download, busy } = useDownload();
  const [asksKey, setAsksKey] = useState(false);
  const one = selected.length === 1 ? summarize(selected[0]!.record) : undefined;

  const ask = (id: string) => {
    if (id === keyQuestion.id) {
      setAsksKey(true);
      return;
    }
    const question = questions.find((other) => other.id === id);
    if (question) apply({ query: question.query, range: question.range ?? search.range, order: 'newest' });
  };
  const total = hits.data?.total;
  const failure = following ? live.error : pages.error;
  const counter = following || failure !== undefined ? undefined : total !== undefined ? `(${formatNumber(total)})` : pages.loading ? undefined : `(${formatNumber(pages.events.length)}${pages.more ? '+' : ''})`;
  const compareIds = selected.map((event) => summarize(event.record).eventId).filter((id) => id !== '');

  const header = (
    <Header
      variant="h1"
      counter={counter}
      actions={
        <SpaceBetween direction="horizontal" size="xs">
          <Button iconName="refresh" ariaLabel="Search again" onClick={() => setAttempt((n) => n + 1)} disabled={following} />
          <ToggleButton
            pressed={following}
            iconName="play"
            pressedIconName="pause"
            onChange={({ detail }) => {
              setPaused(false);
              setFollowing(detail.pressed);
            }}
          >
            {following ? 'Following' : 'Follow'}
          </ToggleButton>
          <ButtonDropdown
            items={[...questions.map(({ id, text, description }) => ({ id, text, secondaryText: description })), keyQuestion]}
            onItemClick={({ detail }) => ask(detail.id)}
          >
            Questions
          </ButtonDropdown>
          <Button href={paths.compare(compareIds)} onFollow={followLink} disabled={compareIds.length < 2} disabledReason={`Tick two to ${mostChosen} events`}>
            {compareIds.length > 1 ? `Compare (${compareIds.length})` : 'Compare'}
          </Button>
          <ButtonDropdown
            items={[
              { id: 'csv', text: 'CSV', secondaryText: 'For spreadsheets: cells that would run as formulas are neutralised' },
              { id: 'json', text: 'JSON', secondaryText: 'As in CloudTrail’s log files, each record byte for byte' },
              { id: 'ndjson', text: 'NDJSON', secondaryText: 'A record a line' },
            ]}
            onItemClick={({ detail }) => void download(new URLSearchParams(conditions), detail.id as Format, total)}
            disabled={busy || following}
            disabledReason={busy ? 'One download at a time' : 'Stop following to download what the search finds'}
          >
            Download
          </ButtonDropdown>
          <Button variant="primary" href={paths.newTrail} onFollow={followLink}>
            Create trail
          </Button>
        </SpaceBetween>
      }
    >
      Event history
    </Header>
  );

  const filter = (
    <SpaceBetween size="s">
      <div className="events-filter">
        <div className="events-query">
          <Filter query={search.query} onChange={changeQuery} events={events} operator={identity.operator} regions={regions} />
        </div>
        <TimeRangePicker range={search.range} onChange={changeRange} />
      </div>
      {(problem || unreadable) && (
        <Alert type="warning" dismissible={!!problem} onDismiss={() => setProblem('')} header="This cannot be searched for">
          {problem || unreadable}
        </Alert>
      )}
      {preferences.histogram && !following && !isDenied(failure) && (
        <Hits hits={hits} costly={costly && counted !== key} onCount={() => setCounted(key)} onSelect={(since, until) => changeRange({ is: 'between', since: secondsText(since), until: secondsText(until) })} />
      )}
      {failure !== undefined && <LoadError what={following ? 'New events cannot be followed' : 'The events could not be searched'} error={failure} onRetry={() => setAttempt((n) => n + 1)} />}
      {pages.damage.length > 0 && (
        <Alert type="error" header="A part of the log could not be read">
          {pages.damage.map((text, i) => (
            <div key={i} className="breakable">
              {visible(text)}
            </div>
          ))}
        </Alert>
      )}
    </SpaceBetween>
  );

  const status = following ? (
    <FollowBar live={live} paused={paused} onPause={() => setPaused(!paused)} onStop={() => setFollowing(false)} />
  ) : pages.stopped ? (
    <StatusIndicator type="stopped">Stopped. There may be more events than these.</StatusIndicator>
  ) : slow ? (
    <StatusIndicator type="loading">
      Searching. {formatCount(pages.stale ? 0 : pages.events.length, 'event')} so far.{' '}
      <Button variant="inline-link" onClick={pages.stop}>
        Stop
      </Button>
    </StatusIndicator>
  ) : undefined;

  const nothing = () => {
    if (following) return <EmptyState title="Waiting for events">New events that the search finds appear here as they arrive.</EmptyState>;
    if (pages.error) return <Box color="text-body-secondary">{isDenied(pages.error) ? 'No events are shown.' : 'No events were read.'}</Box>;
    const clear = () => apply({ query: noQuery, range: { is: 'all' }, order: search.order });
    const filtered = search.query.tokens.length > 0 && !(search.query.tokens.length === 1 && hasOnlyWrites(search.query));
    if (!filtered && search.range.is === 'all') return <NoEvents action={<Button onClick={clear}>Show read-only events too</Button>} />;
    return <Nothing key={key} search={search} range={rangeText(search.range, zone)} onClear={clear} onQuery={(query) => apply({ ...search, query })} />;
  };

  return (
    <Page
      title="Event history"
      header={null}
      contentType="table"
      splitPanel={
        selected.length > 0 && (
          <Suspense fallback={null}>
            <EventPanel selected={selected} onPrevious={step(at - 1)} onNext={step(at + 1)} onShown={setPanelShown} />
          </Suspense>
        )
      }
      splitPanelOpen={panelOpen && selected.length > 0}
      onSplitPanelToggle={setPanelOpen}
    >
      <div className="events-top">
        {header}
        {filter}
        {status}
      </div>
      <div className={!following && pages.stale && events.length > 0 ? 'events-stale' : undefined}>
        <EventTable
          events={events}
          loading={!following && pages.loading && events.length === 0}
          empty={events.length === 0 && nothing()}
          order={search.order}
          chosen={selected}
          page={following ? undefined : pages.index}
          knownPages={pages.known}
          morePages={pages.more}
          onChoose={choose}
          onOrder={changeOrder}
          onPage={pages.go}
        />
      </div>
      {asksKey && (
        <KeyQuestion
          chosen={one}
          onDismiss={() => setAsksKey(false)}
          onAsk={(next) => {
            setAsksKey(false);
            apply(next);
          }}
        />
      )}
    </Page>
  );
}

/** Scrolls so far that a chosen row is between the heads of the table and the panel. */
function showChosen() {
  const row = document.querySelector('tbody input[type=checkbox]:checked')?.closest('tr');
  const panel = document.querySelector('.events-panel')?.closest('section, aside, [role=region]') ?? document.querySelector('.events-panel');
  if (!row || !panel) return;
  const box = row.getBoundingClientRect();
  const below = panel.getBoundingClientRect();
  // A panel at the side covers no rows.
  const floor = below.left > innerWidth / 3 ? innerHeight : below.top - 60;
  const ceiling = 220;
  if (box.bottom > floor) scrollBy({ top: box.bottom - floor + Math.min(80, Math.max(0, floor - ceiling - box.height)) });
  else if (box.top < ceiling) scrollBy({ top: box.top - ceiling });
}

function hasOnlyWrites(query: EventQuery): boolean {
  return query.operation === 'and' && query.tokens.some((token) => !isGroup(token) && token.propertyKey === 'ReadOnly' && token.operator === '=' && token.value === 'false');
}

/** Whether the index leaves few records to read: one value of an attribute that has many. */
function isSelective(query: EventQuery): boolean {
  return query.operation === 'and' && query.tokens.some((token) => !isGroup(token) && token.operator === '=' && token.value !== '*' && token.propertyKey !== 'ReadOnly' && attributes.some((one) => one === token.propertyKey));
}

/** The search of an address. One that cannot be read is told, and nothing is searched for in its place but what was understood. */
function read(params: URLSearchParams): { search: Search; problem?: string } {
  try {
    const search = parseSearch(params);
    formatSearch(search);
    return { search };
  } catch (error) {
    if (!(error instanceof QueryProblem)) throw error;
    return { search: { query: noQuery, range: { is: 'all' }, order: 'newest' }, problem: `${error.message} All events are shown.` };
  }
}
