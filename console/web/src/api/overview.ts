import type { Bucket, ValueCount } from './events';
import { type CallInit, getJSON, queryString } from './http';

// What goes on: docs/api.md, /_cairn/api/overview.

export interface Overview {
  account?: string;
  region?: string;
  time: string;
  /** Events of the last 24 hours, and of the last 60 minutes. */
  hours: Bucket[] | null;
  minutes: Bucket[] | null;
  /** Events of the last 24 hours that failed. */
  failures: Bucket[] | null;
  newest?: { eventId: string; eventName: string; eventSource: string; username?: string; eventTime: string; arrival: string };
  top: Partial<Record<TopAttribute, { values: ValueCount[] | null; complete: boolean }>>;
  trails?: { trails: number; logging: number };
  /** For operators only. */
  server?: ServerOverview;
}

export type TopAttribute = 'EventName' | 'Username' | 'EventSource' | 'errorCode' | 'sourceIPAddress';

export interface ServerOverview {
  version: string;
  storeId: string;
  started: string;
  uptimeSeconds: number;
  retention: string;
  regions: string[];
  /** Why events cannot be written. */
  problem?: string;
  disk: { freeBytes?: number; reserveBytes: number };
  log: {
    events: number;
    rawBytes: number;
    diskBytes: number;
    segments: number;
    sealedSegments: number;
    waitingSegments: number;
    damagedSegments: number;
    openEvents: number;
    storedSinceStart: number;
    doublesSinceStart: number;
    quarantinedSinceStart: number;
    arrivedLastMinute: number;
    arrivedLastQuarterHour: number;
  };
  deliveries: {
    s3: 'own' | 'other' | 'off';
    lagSeconds: number;
    waitingFiles: number;
    waitingBytes: number;
    waitingDigests: number;
    digestAgeSeconds: number;
    failuresSinceStart: number;
    givenUpSinceStart: number;
  };
  gateway?: GatewayStatus;
}

export interface GatewayStatus {
  listeners?: { name: string; url: string; routes: GatewayRouteStatus[] | null; unrouted: number }[] | null;
  /** Calls under way whose end is not recorded yet. */
  intents: number;
  /** Records that wait in reserved space until the log takes them. */
  kept: number;
  forward?: ForwardStatus;
}

export interface GatewayRouteStatus {
  name: string;
  record: 'strict' | 'relaxed';
  upstreams: { address: string; healthy: boolean }[] | null;
  total: number;
  /** By what became of them; one call can count for several. */
  calls?: Record<string, number>;
  active: number;
  bytesIn: number;
  bytesOut: number;
  seconds: number;
  addedSeconds: number;
}

export interface ForwardStatus {
  to: string;
  next: string;
  pending: number;
  lagSeconds: number;
  stored: number;
  expired: number;
  refused: number;
  quarantined: number;
  damaged: number;
  problem?: string;
  since?: string;
  failures: number;
}

export function getOverview(query: { account?: string; region?: string; top?: number } = {}, init?: CallInit): Promise<Overview> {
  return getJSON(`/_cairn/api/overview${queryString(query)}`, init);
}
