// What the dashboard and the settings ask for, made up, for dev/mock.mjs.

import * as events from './mockevents.mjs';

const ago = (seconds) => new Date(Date.now() - seconds * 1000).toISOString();
const started = Date.now() - 93_600_000;

export function overview(params, session) {
  const now = Date.now();
  const count = (step, n, more = {}) => {
    const first = Math.floor((now - (n - 1) * step * 1000) / (step * 1000)) * step * 1000;
    const found = events.histogram(new URLSearchParams({ step: String(step), since: new Date(first).toISOString(), ...more })).buckets;
    const counts = new Map(found.map(({ start, count }) => [Date.parse(start), count]));
    return Array.from({ length: n }, (_, i) => ({ start: new Date(first + i * step * 1000).toISOString(), count: counts.get(first + i * step * 1000) ?? 0 }));
  };
  const top = (attribute) => {
    const { values } = events.values(new URLSearchParams({ attribute, limit: params.get('top') ?? '10' }));
    return { values, complete: values.length < 8 };
  };
  return {
    account: session.identity.operator ? undefined : session.identity.accountId,
    time: new Date(now).toISOString(),
    hours: count(3600, 24), minutes: count(60, 60), failures: count(3600, 24, { errorOnly: 'true' }),
    newest: { eventId: '00000000-0000-4000-8000-000000002159', eventName: 'PutBucketPolicy', eventSource: 's3.amazonaws.com', username: 'alice', eventTime: ago(40), arrival: ago(39) },
    top: Object.fromEntries(['EventName', 'Username', 'EventSource', 'errorCode', 'sourceIPAddress'].map((name) => [name, top(name)])),
    trails: { trails: 2, logging: 2 },
    ...(session.identity.operator && { server: server() }),
  };
}

function server() {
  return {
    version: '0.6.0', storeId: '5a0c2ad5-4f1c-4f6b-9d38-2ea2b3a81f30', started: new Date(started).toISOString(), uptimeSeconds: Math.floor((Date.now() - started) / 1000),
    retention: '90d', regions: ['us-east-1', 'eu-west-1'],
    disk: { freeBytes: 41_300_000_000, reserveBytes: 67_108_864 },
    log: { events: 1_234_567, rawBytes: 2_005_000_000, diskBytes: 333_000_000, segments: 6, sealedSegments: 5, waitingSegments: 0, damagedSegments: 0, openEvents: 4200, storedSinceStart: 91_231,
      doublesSinceStart: 12, quarantinedSinceStart: 1, arrivedLastMinute: 96, arrivedLastQuarterHour: 1322 },
    deliveries: { s3: 'own', lagSeconds: 5400, waitingFiles: 3, waitingBytes: 73_200, waitingDigests: 0, digestAgeSeconds: 1800, failuresSinceStart: 4, givenUpSinceStart: 1 },
    gateway: {
      listeners: [{ name: 'storage', url: 'http://127.0.0.1:9100', unrouted: 3, routes: [
        { name: 'minio', record: 'strict', upstreams: [{ address: 'http://10.0.0.11:9000', healthy: true }, { address: 'http://10.0.0.12:9000', healthy: false }], total: 5120, active: 2,
          calls: { recorded: 5100, refused: 4, 'upstream-error': 20 }, bytesIn: 73_000_000, bytesOut: 9_100_000_000, seconds: 400, addedSeconds: 9.2 },
        { name: 'public-assets-behind-a-rather-long-name', record: 'relaxed', upstreams: [{ address: 'http://127.0.0.1:5000', healthy: true }], total: 12_000, active: 0,
          calls: { recorded: 2000, excluded: 9990, unrecorded: 10 }, bytesIn: 100, bytesOut: 2_000_000_000, seconds: 80, addedSeconds: 3 }] }],
      intents: 2, kept: 0,
      forward: { to: 'https://cairn.example.com:4586', next: '0-4711', pending: 12, lagSeconds: 3.4, stored: 123_456, expired: 0, refused: 0, quarantined: 0, damaged: 0, failures: 2 },
    },
  };
}

export function settings(session) {
  const account = { accountId: session.identity.accountId, alias: 'prod', created: ago(9_000_000), operator: session.identity.operator };
  const token = (name, source, accountId) => ({ name, id: '0011223344556677', source, accountId, region: 'us-east-1', created: ago(500_000) });
  return {
    account, region: 'us-east-1', regions: ['us-east-1', 'eu-west-1', 'eu-central-1', 'ap-southeast-2'],
    limits: {
      retention: '90d', throttle: true, deliveryIntervalSeconds: 300, digestIntervalSeconds: 3600, recordBytes: 1 << 20, putEvents: { bytes: 16 << 20, unpackedBytes: 64 << 20, records: 100_000 },
      streams: { all: 256, account: 64, operators: 16 }, searches: { all: 32, account: 4, operators: 4 }, connections: { all: 4096, address: 1024 },
      quotas: { TrailsPerRegion: 5, Users: 5000, Groups: 300, Roles: 1000, Policies: 1500, InstanceProfiles: 1000, AccessKeysPerUser: 2, GroupsPerUser: 10, AttachedPoliciesPerEntity: 10, VersionsPerPolicy: 5 },
    },
    ingestTokens: [token('storage', 'minio', '111122223333'), ...(session.identity.operator ? [token('prod-cluster', 'kubernetes', '210987654321')] : [])],
    ...(session.identity.operator && {
      accounts: [{ ...account, accessKeyIds: ['AKIAROOT000000000000'] }, { accountId: '210987654321', operator: false, created: ago(90_000), accessKeyIds: ['AKIAOTHER00000000000'] }],
      server: { data: '/srv/cairn-data', url: 'https://127.0.0.1:4586', consoleUrl: 'https://127.0.0.1:4587', dev: false, insecure: false,
        tls: { certFile: '/etc/cairn/cert.pem', names: ['cairn.example.com', '127.0.0.1'], notBefore: ago(900_000), notAfter: ago(-900_000), selfSigned: true },
        s3: { place: 'own' }, sns: { place: 'other', url: 'https://sns.example.com' }, kms: { place: 'off' }, webhookAllow: ['10.0.0.0/8'] },
      keys: { masterKey: { id: '6ff8765d10d6b245', file: '/srv/cairn-data/master.key', besideData: true, opening: ['6ff8765d10d6b245'] },
        dataKeys: [{ id: 1, created: ago(40_000_000), sealed: [{ kind: 'access keys', count: 1 }] }, { id: 2, created: ago(900_000), sealed: [{ kind: 'access keys', count: 4 }, { kind: 'signing keys of digests', count: 2 }] }],
        notCounted: ['keys of S3 objects and uploads'] },
      gateway: { to: 'https://cairn.example.com:4586', listeners: [{ name: 'storage', url: 'http://127.0.0.1:9100', forwardedFor: ['10.0.0.0/24'], routes: [
        { name: 'minio', services: ['s3'], upstreams: ['http://10.0.0.11:9000', 'http://10.0.0.12:9000'], healthPath: '/minio/health/live', account: '111122223333', region: 'eu-west-1', authority: true, record: 'strict', signatures: 'record' },
        { name: 'public-assets-behind-a-rather-long-name', hosts: ['*.assets.example.com'], upstreams: ['http://127.0.0.1:5000'], account: '210987654321', regions: { garage: 'us-east-1' }, authority: false, record: 'relaxed', signatures: 'off',
          exclude: [{ operation: 's3:GetObject', buckets: ['public-assets'] }], sample: [{ operation: 's3:HeadObject', oneIn: 100 }] }] }] },
    }),
  };
}
