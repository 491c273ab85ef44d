import { type CallInit, getJSON, queryString, requestIdOf, send } from './http';
import { endError, linesOf } from './lines';

// How the deliveries of trails stand: docs/api.md, /_cairn/api/trails and below. The trails themselves are CloudTrail's, in aws.ts.

export interface TrailDelivery {
  name: string;
  trailArn: string;
  isLogging: boolean;
  accountId?: string;
  homeRegion?: string;
  created?: string;
  s3BucketName: string;
  /** Age of the oldest event that is not in the bucket. */
  lagSeconds: number;
  pending: Pending;
  staged: { files: number; events: number; bytes: number; waitingSince?: string };
  notNotified: number;
  givenUp: number;
  digestChains?: DigestChain[] | null;
  nextCut?: string;
  nextRetry?: string;
  working: boolean;
  problems?: Problem[] | null;
  latestDelivery?: string;
  latestDeliveryAttempt?: string;
  latestNotification?: string;
  latestNotificationAttempt?: string;
  latestDigestDelivery?: string;
  loggingStarted?: string;
  loggingStopped?: string;
}

/** Events that are not cut into files yet. "more": there may be others. */
export interface Pending {
  events: number;
  more: boolean;
  oldestArrival?: string;
}

export interface DigestChain {
  accountId: string;
  region: string;
  /** Missing when the chain has ended. */
  windowStart?: string;
  nextDigest?: string;
  newestDigestEnd?: string;
  newestDigest?: string;
  queued: number;
}

export interface Problem {
  what: 'delivery' | 'digest' | 'notification' | 'givenUp';
  error: string;
  advice: string;
}

export type FileState = 'staged' | 'delivered' | 'notified' | 'in digest' | 'abandoned';

export interface LogFile {
  id: string;
  state: FileState;
  accountId: string;
  region: string;
  kind: string;
  made: string;
  from: string;
  to: string;
  events: number;
  oldestEvent: string;
  newestEvent: string;
  rawBytes: number;
  bytes: number;
  sha256: string;
  s3BucketName: string;
  s3Key: string;
  delivered?: string;
  digest?: string;
  error?: string;
}

export function getDeliveries(query: { trail?: string; account?: string } = {}, init?: CallInit): Promise<{ trails: TrailDelivery[] | null; s3: 'own' | 'other' | 'off' }> {
  return getJSON(`/_cairn/api/trails${queryString(query)}`, init);
}

export interface FilesQuery {
  trail: string;
  since?: string;
  until?: string;
  state?: FileState;
  limit?: number;
  after?: string;
  account?: string;
}

/** A page of a trail's log files, the newest first. */
export async function getLogFiles(query: FilesQuery, init?: CallInit): Promise<{ files: LogFile[]; pending?: Pending; next?: string }> {
  const answer = await send(`/_cairn/api/trails/files${queryString({ ...query })}`, init);
  const files: LogFile[] = [];
  let pending: Pending | undefined;
  for await (const line of linesOf(answer)) {
    const item = JSON.parse(line) as { file?: LogFile; pending?: Pending; end?: { next?: string }; error?: { text?: string } };
    if (item.file) files.push(item.file);
    else if (item.pending) pending = item.pending;
    else if (item.end) return { files, pending, next: item.end.next };
    else if (item.error) throw endError(item, requestIdOf(answer));
  }
  throw endError(undefined, requestIdOf(answer));
}

export interface Explanation {
  eventId: string;
  eventName: string;
  trails: ExplainedTrail[] | null;
}

export interface ExplainedTrail {
  name: string;
  taken: boolean;
  why: string;
  settings: 'present' | 'until' | 'forgotten' | (string & {});
  until?: string;
  file?: LogFile;
  proven?: boolean;
  pending?: boolean;
}

/** Says for each trail whether it takes an event, and in which file the event is. */
export function explainEvent(eventId: string, init?: CallInit, account?: string): Promise<{ events: Explanation[] | null }> {
  return getJSON(`/_cairn/api/trails/why${queryString({ eventId, account })}`, init);
}

export interface RedeliverInput {
  trail: string;
  since?: string;
  until?: string;
  key?: string;
  asNew?: boolean;
  account?: string;
}

export type RedeliverOutcome = 'restored' | 'was there' | 'put again' | 'refused' | 'delivered' | 'waiting' | 'different' | 'new' | 'failed';

export interface Redelivered {
  outcome: RedeliverOutcome;
  why?: string;
  file?: LogFile;
  digest?: unknown;
}

/** Makes log files again and puts them. Gives each file as it is dealt with; the counts of outcomes are what is returned at last. */
export async function* redeliver(input: RedeliverInput, init?: CallInit): AsyncGenerator<Redelivered, Partial<Record<RedeliverOutcome, number>>> {
  const answer = await send('/_cairn/api/trails/redeliver', {
    ...init,
    method: 'POST',
    body: JSON.stringify(input),
    headers: { 'Content-Type': 'application/json' },
  });
  for await (const line of linesOf(answer)) {
    const item = JSON.parse(line) as Partial<Redelivered> & { end?: { counts?: Partial<Record<RedeliverOutcome, number>> }; error?: { text?: string } };
    if (item.end) return item.end.counts ?? {};
    if (item.error) throw endError(item, requestIdOf(answer));
    if (item.outcome) yield item as Redelivered;
  }
  throw endError(undefined, requestIdOf(answer));
}
