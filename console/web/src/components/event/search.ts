import { changed } from '@/components/urlState';
import { formatQuery, narrowed, noQuery, parseQuery, QueryProblem, type EventQuery, type Token } from './query';
import { formatRange, parseRange, rangeConditions, rangeParams, type TimeRange } from './range';

/** A search of the event history, as it stands in the address of its page. */
export interface Search {
  query: EventQuery;
  range: TimeRange;
  order: 'newest' | 'oldest';
}

const own: readonly string[] = [...rangeParams, 'order'];

export function parseSearch(params: URLSearchParams): Search {
  const conditions = new URLSearchParams(params);
  for (const name of own) conditions.delete(name);
  return { query: parseQuery(conditions), range: parseRange(params), order: params.get('order') === 'oldest' ? 'oldest' : 'newest' };
}

/** Writes a search as parameters of the page. There is always at least one: no parameters mean the user's default. */
export function formatSearch(search: Search): URLSearchParams {
  return changed(formatQuery(search.query), { ...formatRange(search.range), order: search.order === 'oldest' ? 'oldest' : undefined });
}

/** The parameters of the API for a search that is made now. */
export function searchConditions(search: Search, now: number): URLSearchParams {
  return changed(formatQuery(search.query), { ...rangeConditions(search.range, now), order: search.order === 'oldest' ? 'oldest' : undefined });
}

/** Whether the index alone answers: otherwise every record in the range is read. */
export function readsRecords(conditions: URLSearchParams): boolean {
  return [...conditions].some(
    ([name, value]) =>
      name === 'errorOnly' || /^(or\.|(not\.)?path\.)/.test(name) || (/^(not\.)?(EventId|ResourceName|AccessKeyId)$/.test(name) && value.endsWith('*') && !value.endsWith('\\*')),
  );
}

/** The address of the history with these conditions alone. */
export function searchFor(tokens: readonly Token[], range: TimeRange = { is: 'all' }): string {
  return `/events?${formatSearch({ query: { operation: 'and', tokens }, range, order: 'newest' })}`;
}

/** The address of the history with one condition more than the page now has, if it is the history; otherwise with that condition alone. */
export function narrowedPath(path: string, params: URLSearchParams, token: Token): string {
  try {
    const before = path === '/events' ? parseSearch(params) : { query: noQuery, range: { is: 'all' } as const, order: 'newest' as const };
    return `/events?${formatSearch({ ...before, query: narrowed(before.query, token) })}`;
  } catch (error) {
    if (error instanceof QueryProblem) return searchFor([token]);
    throw error;
  }
}
