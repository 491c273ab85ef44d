import type { TimelineQuery } from '@/api/timeline';
import { parseRange, rangeConditions, type TimeRange } from '@/components/event/range';

/** What the address of a timeline asks for. */
export interface Ask {
  name: string;
  type: string;
  region: string;
  account: string;
  range: TimeRange;
  reads: boolean;
  /** How many events are read; undefined for the server's default. */
  limit: number | undefined;
  newestFirst: boolean;
  /** The event behind which the configuration is shown; "" for now. */
  at: string;
  /** From 1 on. */
  page: number;
}

export const mostEvents = 10_000;
export const changesPerPage = 50;

export function parseAsk(params: URLSearchParams): Ask {
  const text = (name: string) => params.get(name) ?? '';
  return {
    name: text('name').trim(),
    type: text('type').trim(),
    region: text('region').trim(),
    account: text('account').trim(),
    range: parseRange(params),
    reads: text('reads') === 'true',
    limit: /^\d{1,5}$/.test(text('limit')) ? Math.min(mostEvents, Math.max(1, Number(text('limit')))) : undefined,
    newestFirst: text('order') !== 'oldest',
    at: text('at'),
    page: /^[1-9]\d{0,3}$/.test(text('page')) ? Number(text('page')) : 1,
  };
}

/** The call for an address. */
export function queryOf(ask: Ask, now: number): TimelineQuery {
  const { name, type, region, account, reads, limit } = ask;
  return {
    name,
    type: type || undefined,
    region: region || undefined,
    account: account || undefined,
    reads: reads || undefined,
    limit,
    ...rangeConditions(ask.range, now),
  };
}

/** The call for the configuration behind an event: no changes are wanted with it, so they are asked for from the last year on that the API knows. */
export function snapshotQuery(ask: Ask, now: number): TimelineQuery {
  return { ...queryOf(ask, now), since: '2106-01-01T00:00:00Z', at: ask.at };
}
