// The time range of a search, in the page's address: last=3h, or since and until as the API has them, or last=all.

export type Unit = 'second' | 'minute' | 'hour' | 'day' | 'week' | 'month' | 'year';

export type TimeRange = { is: 'all' } | { is: 'last'; amount: number; unit: Unit } | { is: 'between'; since?: string; until?: string };

const units: Record<string, Unit> = { s: 'second', m: 'minute', h: 'hour', d: 'day', w: 'week', mo: 'month', y: 'year' };
const lengths: Partial<Record<Unit, number>> = { second: 1, minute: 60, hour: 3600, day: 86_400, week: 604_800 };

export const rangeParams = ['last', 'since', 'until'] as const;

export function parseRange(params: URLSearchParams): TimeRange {
  const match = /^(\d{1,6})(s|m|h|d|w|mo|y)$/.exec(params.get('last') ?? '');
  if (match && Number(match[1]) > 0) return { is: 'last', amount: Number(match[1]), unit: units[match[2]!]! };
  const since = params.get('since') || undefined;
  const until = params.get('until') || undefined;
  return since || until ? { is: 'between', since, until } : { is: 'all' };
}

export function formatRange(range: TimeRange): Record<(typeof rangeParams)[number], string | undefined> {
  switch (range.is) {
    case 'all':
      return { last: 'all', since: undefined, until: undefined };
    case 'last':
      return { last: `${range.amount}${Object.keys(units).find((name) => units[name] === range.unit)}`, since: undefined, until: undefined };
    case 'between':
      return { last: undefined, since: range.since, until: range.until };
  }
}

/** The bounds of a range in milliseconds since 1970, as far as it has any. */
export function boundsOf(range: TimeRange, now: number): { since?: number; until?: number } {
  if (range.is === 'all') return {};
  if (range.is === 'between') return { since: timeOf(range.since), until: timeOf(range.until) };
  const length = lengths[range.unit];
  if (length) return { since: Math.max(1000, now - range.amount * length * 1000) };
  // Months and years have the lengths that the calendar gives them.
  const at = new Date(now);
  const day = at.getUTCDate();
  at.setUTCDate(1);
  at.setUTCMonth(at.getUTCMonth() - range.amount * (range.unit === 'year' ? 12 : 1));
  at.setUTCDate(Math.min(day, new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + 1, 0)).getUTCDate()));
  return { since: Math.max(1000, at.getTime()) };
}

/** The bounds as the API takes them: to the second, and what cannot be read as it is, for the server to refuse. */
export function rangeConditions(range: TimeRange, now: number): { since?: string; until?: string } {
  if (range.is === 'between') return { since: range.since, until: range.until };
  const { since } = boundsOf(range, now);
  return since === undefined ? {} : { since: secondsText(since) };
}

/** 2024-05-01T10:00:00Z */
export function secondsText(time: number): string {
  return `${new Date(time).toISOString().slice(0, 19)}Z`;
}

/** A time of the API: RFC 3339, or seconds since 1970. */
function timeOf(text: string | undefined): number | undefined {
  if (!text) return undefined;
  const time = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text);
  return Number.isFinite(time) ? time : undefined;
}
