import { ApiError, type CallInit, queryString, requestIdOf, send } from './http';

// A resource's history: docs/api.md, GET /_cairn/api/timeline.

export interface TimelineQuery {
  name: string;
  type?: string;
  region?: string;
  account?: string;
  since?: string;
  until?: string;
  limit?: number;
  reads?: boolean;
  /** The ID of an event behind which the configuration is told, too. */
  at?: string;
}

export type ResourceStatus = 'OK' | 'ResourceDiscovered' | 'ResourceDeleted' | 'ResourceNotRecorded';

/** A tree out of a record: it can have anything in it. */
export type Tree = { readonly [name: string]: unknown };

export interface Timeline {
  account: string;
  type?: string;
  name: string;
  arn?: string;
  region?: string;
  state: ResourceStatus;
  names: NameSpan[];
  created?: Moment;
  deleted?: Moment;
  configuration: Tree | null;
  complete: boolean;
  at?: Snapshot;
  cut?: ('events' | 'names' | 'configuration' | 'relationships')[];
  /** The oldest first. */
  changes: Change[];
  earlier?: number;
  unknown?: number;
  relationships: Relationship[];
  otherTypes?: Record<string, number>;
  otherRegions?: Record<string, number>;
  others?: NameSpan[];
  damage?: string[];
}

export interface NameSpan {
  name: string;
  from?: string;
  until?: string;
  renamedTo?: string;
  eventId?: string;
}

export interface Moment {
  time: string;
  eventId: string;
  by?: string;
}

export interface Snapshot {
  eventId: string;
  time: string;
  name: string;
  state: ResourceStatus;
  complete: boolean;
  configuration: Tree | null;
}

export type Effect = 'created' | 'updated' | 'deleted' | 'renamed' | 'none' | 'failed' | 'unknown';

export interface Change {
  seq: number;
  eventId: string;
  eventTime: string;
  eventName: string;
  eventSource: string;
  username?: string;
  userArn?: string;
  sourceIPAddress?: string;
  origin: string;
  name: string;
  effect: Effect;
  state?: ResourceStatus;
  errorCode?: string;
  errorMessage?: string;
  differences?: Difference[];
  moreDifferences?: number;
}

export interface Difference {
  path: string;
  change: 'added' | 'changed' | 'removed';
  before?: unknown;
  after?: unknown;
}

export interface Relationship {
  role: string;
  type?: string;
  name: string;
  events: number;
  failed?: number;
  first: string;
  last: string;
  current?: boolean;
}

/** Asks for a history. "text" is the answer as it came. */
export async function getTimeline(query: TimelineQuery, init?: CallInit): Promise<{ timeline: Timeline; text: string }> {
  const answer = await send(`/_cairn/api/timeline${queryString({ ...query })}`, init);
  const text = await answer.text();
  try {
    return { timeline: parseExactly(text) as Timeline, text };
  } catch {
    throw new ApiError('The answer is not JSON, or it was cut off.', 'InvalidAnswer', answer.status, requestIdOf(answer));
  }
}

// Of JSON.rawJSON and the third argument of revivers the compiler's library does not know yet.
const rawJSON = (JSON as { rawJSON?: (text: string) => unknown }).rawJSON;

/** Parses JSON so that stringifying gives numbers back with all digits, where the browser can do that. */
function parseExactly(text: string): unknown {
  if (!rawJSON) return JSON.parse(text);
  const revive = (_: string, value: unknown, context?: { source?: string }) =>
    typeof value === 'number' && context?.source !== undefined && context.source !== String(value) ? rawJSON(context.source) : value;
  return JSON.parse(text, revive as (key: string, value: unknown) => unknown);
}
