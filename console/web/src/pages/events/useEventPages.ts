import { useCallback, useEffect, useRef, useState } from 'react';
import { findEvents, type EventPage } from '@/api/events';
import { isAbort } from '@/api/http';
import type { FoundEvent } from '@/api/record';
import { useSession } from '@/app/session';

/** Lines that come together are drawn together: a page that comes at once, once; the first rows of one that does not after 60 ms, then five times a second. */
const firstFlush = 60;
const nextFlush = 200;

interface State {
  key: string;
  /** The pages that were read to their ends. */
  pages: EventPage[];
  index: number;
  /** What has come of the page that is being read. */
  partial?: EventPage;
  loading: boolean;
  /** The search was stopped before it had looked at everything. */
  stopped: boolean;
  error?: unknown;
}

export interface EventPages {
  events: readonly FoundEvent[];
  damage: readonly string[];
  /** Counted from 0. */
  index: number;
  /** How many pages are known, and whether there may be more. */
  known: number;
  more: boolean;
  loading: boolean;
  /** What is shown belongs to the search before this one. */
  stale: boolean;
  stopped: boolean;
  error: unknown;
  go: (index: number) => void;
  stop: () => void;
}

const nothing: readonly FoundEvent[] = [];

/** The pages of the search that was looked at last beyond its first page. The entry of the browser's history that shows them has their number. */
let left: { id: number; reader: string; conditions: string; pageSize: number; pages: EventPage[]; index: number } | undefined;
let count = 0;

/** What "back" leads to: the page that was left, as it was, if it is of the same search by the same identity. */
function restored(reader: string, conditions: string, pageSize: number, key: string): State | undefined {
  const id = (history.state as { eventPages?: number } | null)?.eventPages;
  if (!left || left.id !== id || left.reader !== reader || left.conditions !== conditions || left.pageSize !== pageSize) return undefined;
  return { key, pages: left.pages, index: left.index, loading: false, stopped: false };
}

/**
 * The pages of a search. Rows are there as soon as the server has found them; a search that is not wanted any more is cancelled. Another key
 * searches anew.
 */
export function useEventPages(conditions: string, pageSize: number, key: string): EventPages {
  const reader = useSession().identity.arn;
  const [state, setState] = useState<State>(() => restored(reader, conditions, pageSize, key) ?? { key: '', pages: [], index: 0, loading: true, stopped: false });
  const [wanted, setWanted] = useState({ key, conditions, index: state.index });
  if (wanted.key !== key) {
    // A search begins at its first page, also one that was at another page before, and one that is made again.
    const again = wanted.conditions === conditions ? undefined : restored(reader, conditions, pageSize, key);
    if (again) setState(again);
    setWanted({ key, conditions, index: again?.index ?? 0 });
  }
  const running = useRef<{ stop: AbortController; page: EventPage } | undefined>(undefined);
  const latest = useRef(state);
  latest.current = state;
  const index = wanted.key === key ? wanted.index : 0;

  useEffect(() => {
    const before = latest.current.key === key ? latest.current.pages : [];
    if (before[index]) {
      setState((now) => ({ ...now, index, loading: false, partial: undefined, error: undefined, stopped: false }));
      return;
    }
    const stop = new AbortController();
    const page: EventPage = { events: [], damage: [] };
    running.current = { stop, page };
    let timer: ReturnType<typeof setTimeout> | undefined;
    const show = () => {
      timer = undefined;
      if (!stop.signal.aborted) setState((now) => ({ ...now, partial: { events: [...page.events], damage: [...page.damage] } }));
    };
    setState({ key, pages: before, index, loading: true, stopped: false });
    const params = new URLSearchParams(conditions);
    params.set('limit', String(pageSize));
    const after = before[index - 1]?.next;
    if (after) params.set('after', after);
    (async () => {
      let shown = false;
      for await (const item of findEvents(params, { signal: stop.signal })) {
        if ('event' in item) page.events.push(item.event);
        else if ('damage' in item) page.damage.push(item.damage);
        else page.next = item.end.next;
        if (!timer && 'event' in item) timer = setTimeout(show, shown ? nextFlush : firstFlush);
        shown = true;
      }
    })()
      .then(() => ({ ...latest.current, pages: [...before.slice(0, index), page], partial: undefined, loading: false }))
      .catch((error: unknown) => (isAbort(error) ? undefined : { ...latest.current, partial: page, loading: false, error }))
      .then((next) => {
        clearTimeout(timer);
        if (next && !stop.signal.aborted) setState(next);
      });
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [conditions, pageSize, key, index]);

  const current = state.key === key;
  useEffect(() => {
    if (!current || !state.pages[index]) return;
    if (index > 0) left = { id: ++count, reader, conditions, pageSize, pages: state.pages, index };
    if (index > 0 || history.state?.eventPages) history.replaceState({ ...history.state, eventPages: index > 0 ? count : undefined }, '');
  }, [current, state.pages, index, reader]);

  const page = current ? (state.pages[index] ?? (state.partial?.events.length || !state.loading ? state.partial : undefined)) : undefined;
  const last = useRef<readonly FoundEvent[]>(nothing);
  if (page) last.current = page.events;
  const known = current ? state.pages.length : 0;
  return {
    events: page?.events ?? last.current,
    damage: page?.damage ?? [],
    index,
    known: Math.max(known, index + 1),
    more: current && !!state.pages[known - 1]?.next,
    loading: !current || state.loading,
    stale: !page,
    stopped: current && state.stopped,
    error: current ? state.error : undefined,
    // A page's beginning is known from the one before it.
    go: useCallback((to: number) => setWanted({ key, conditions, index: Math.min(to, latest.current.key === key ? latest.current.pages.length : 0) }), [key, conditions]),
    stop: useCallback(() => {
      running.current?.stop.abort();
      const partial = running.current?.page;
      setState((now) => ({ ...now, loading: false, stopped: true, partial }));
    }, []),
  };
}
