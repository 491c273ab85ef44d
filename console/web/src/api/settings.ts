import { type CallInit, getJSON } from './http';

// How things are set up: docs/api.md, /_cairn/api/settings.

export interface Settings {
  account: { accountId: string; alias?: string; created?: string; operator: boolean };
  /** That of requests which name none. */
  region: string;
  regions: string[];
  limits: Limits;
  ingestTokens: IngestToken[] | null;
  /** These four are for operators only. */
  accounts?: { accountId: string; alias?: string; operator: boolean; created: string; accessKeyIds: string[] | null }[] | null;
  server?: ServerSettings;
  keys?: KeyStatus;
  gateway?: GatewaySettings;
}

export interface Limits {
  /** As the flag reads it; "0" is for ever. */
  retention: string;
  throttle: boolean;
  deliveryIntervalSeconds: number;
  digestIntervalSeconds: number;
  recordBytes: number;
  putEvents: { bytes: number; unpackedBytes: number; records: number };
  streams: PlaceLimit;
  searches: PlaceLimit;
  connections: { all: number; address: number };
  quotas: Record<string, number>;
}

export interface PlaceLimit {
  all: number;
  account: number;
  operators: number;
}

export interface IngestToken {
  name: string;
  id: string;
  source: string;
  accountId: string;
  region: string;
  created: string;
}

export interface CompanionSetting {
  place: 'own' | 'other' | 'off';
  url?: string;
}

export interface ServerSettings {
  data: string;
  url: string;
  consoleUrl?: string;
  publicUrl?: string;
  dev: boolean;
  insecure: boolean;
  tls?: { certFile: string; names: string[] | null; notBefore?: string; notAfter?: string; selfSigned: boolean; problem?: string };
  s3: CompanionSetting;
  sns: CompanionSetting;
  kms: CompanionSetting;
  webhookAllow: string[] | null;
}

export interface KeyStatus {
  masterKey: { id: string; file?: string; besideData: boolean; opening: string[] | null };
  dataKeys: { id: number; created: string; sealed: { kind: string; count: number }[] | null }[] | null;
  notCounted: string[] | null;
}

export interface GatewaySettings {
  to?: string;
  listeners: { name: string; url: string; forwardedFor?: string[]; proxyProtocol?: string[]; routes: GatewayRouteSettings[] | null }[] | null;
}

export interface GatewayRouteSettings {
  name: string;
  services?: string[];
  hosts?: string[];
  paths?: string[];
  upstreams: string[] | null;
  healthPath?: string;
  account: string;
  region?: string;
  regions?: Record<string, string>;
  defaultService?: string;
  bucketDomains?: string[];
  authority: boolean;
  record: 'strict' | 'relaxed';
  signatures: 'record' | 'refuse' | 'off';
  exclude?: GatewayRule[];
  sample?: GatewayRule[];
}

export interface GatewayRule {
  operation: string;
  buckets?: string[];
  oneIn?: number;
}

export const getSettings = (init?: CallInit) => getJSON<Settings>('/_cairn/api/settings', init);
