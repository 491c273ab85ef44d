import { type CallInit, getJSON, queryString, requestIdOf, send, type Query } from './http';
import { endError, linesOf } from './lines';
import type { CloudTrailRecord, FoundEvent } from './record';

// The searches of docs/api.md. Conditions are its parameters, as they are in the address of the page.

/** Attributes that are indexed. */
export const attributes = [
  'EventId',
  'EventName',
  'ReadOnly',
  'Username',
  'ResourceType',
  'ResourceName',
  'EventSource',
  'AccessKeyId',
  'errorCode',
  'sourceIPAddress',
  'userIdentity.arn',
] as const;
export type Attribute = (typeof attributes)[number];

/** Attributes for which the index keeps no list of values. */
export const withoutValues: readonly Attribute[] = ['EventId', 'ResourceName', 'AccessKeyId'];

export type Conditions = Query | URLSearchParams;

/** What a search sends: events as they are found, texts about parts of the log that could not be read, and the end. */
export type SearchItem = { event: FoundEvent } | { damage: string } | { end: { next?: string } };

/** Finds events. Ends with an "end" item, or by throwing. */
export async function* findEvents(conditions: Conditions, init?: CallInit): AsyncGenerator<SearchItem, void> {
  const answer = await send(`/_cairn/api/events${queryString(conditions)}`, init);
  for await (const line of linesOf(answer)) {
    const item = JSON.parse(line) as RawItem;
    if (item.record) yield { event: eventOf(item, line) };
    else if (item.damage) yield { damage: item.damage.text ?? '' };
    else if (item.end) {
      yield { end: item.end };
      return;
    } else if (item.error) throw endError(item, requestIdOf(answer));
  }
  throw endError(undefined, requestIdOf(answer));
}

/** One page of a search: its events, where the next page begins, and what could not be read. */
export interface EventPage {
  events: FoundEvent[];
  next?: string;
  damage: string[];
}

/** Reads one page. */
export async function findPage(conditions: Conditions, init?: CallInit): Promise<EventPage> {
  const page: EventPage = { events: [], damage: [] };
  for await (const item of findEvents(conditions, init)) {
    if ('event' in item) page.events.push(item.event);
    else if ('damage' in item) page.damage.push(item.damage);
    else page.next = item.end.next;
  }
  return page;
}

/** Finds one event by its ID; several where the ID was used more than once. */
export async function getEvent(eventId: string, init?: CallInit): Promise<FoundEvent[]> {
  return (await findPage({ EventId: eventId, limit: 10 }, init)).events;
}

export interface ValueCount {
  value: string;
  count: number;
}

/** The values of an attribute, the most frequent first. "complete" is false where the index does not know all. */
export function getValues(
  query: { attribute: Attribute; prefix?: string; limit?: number; region?: string; account?: string; category?: string },
  init?: CallInit,
): Promise<{ values: ValueCount[]; complete: boolean }> {
  return getJSON(`/_cairn/api/values${queryString(query)}`, init);
}

export interface Bucket {
  /** RFC 3339. Buckets without events are left out. */
  start: string;
  count: number;
}

/** Counts hits over time, in steps of so many seconds. */
export async function getHistogram(conditions: Conditions, stepSeconds: number, init?: CallInit): Promise<Bucket[]> {
  const params = new URLSearchParams(queryString(conditions));
  for (const name of ['limit', 'after', 'order']) params.delete(name);
  params.set('step', String(stepSeconds));
  return (await getJSON<{ buckets: Bucket[] | null }>(`/_cairn/api/histogram${queryString(params)}`, init)).buckets ?? [];
}

interface RawItem {
  seq: number;
  arrival: string;
  origin: FoundEvent['origin'];
  flags?: string[] | null;
  resources?: { type?: string; name: string }[];
  record?: CloudTrailRecord;
  damage?: { text?: string };
  end?: { next?: string };
  error?: { text?: string; code?: string };
}

/** Makes an event of a line. The record is its last member, so that its text can be cut out as it came. */
export function eventOf(item: RawItem, line: string): FoundEvent {
  const name = '"record":';
  const raw = line.slice(line.indexOf(name) + name.length, line.lastIndexOf('}'));
  return { seq: item.seq, arrival: item.arrival, origin: item.origin, flags: item.flags ?? [], resources: item.resources?.map(({ type = '', name }) => ({ type, name })), record: item.record ?? {}, raw };
}
